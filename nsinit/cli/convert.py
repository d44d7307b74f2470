"""`nsinit convert PATH...`: what other tools are configured with, as nsinit.toml."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from nsinit.cli.boxes import Verb
from nsinit.cli.families import read, tell
from nsinit.control.row import Param
from nsinit.convert.kinds import NAMES, Wishes, convert
from nsinit.errors import EXIT_FAILED, EXIT_OK, ConvertError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nsinit.convert.document import Document

_CODES: Final = """

What has no equal stands in a line "# unsupported: FILE:LINE: KEY = VALUE (why)".
docs/moving.md says what becomes of each key.

exit codes: 0 converted · 1 can't be read, or --strict and something is unsupported · 2 usage"""

_FROM: Final = f"what they are, if it can't be seen: {', '.join(NAMES)}"

VERB: Final = Verb(
    "convert",
    "write what other tools are configured with as nsinit.toml",
    (
        Param("paths", "names", "files and directories, as the other tool has them", required=True),
        Param("kind", "choice", _FROM, option="from", choices=NAMES),
        Param("strict", "flag", "write nothing if anything has no equal, and tell what"),
        Param("output", "text", "the file to write, instead of stdout", short="o"),
        Param("force", "flag", "overwrite that file", short="f"),
        Param("formation", "text", "of a Procfile: how many of each, such as web=2,worker=4"),
        Param("port", "integer", "of a Procfile: the port of the first process (5000)"),
        Param("profile", "text", "of compose: the profiles that are started, as in a,b"),
        Param("env_file", "text", "of a Procfile or compose: instead of the .env beside it"),
        Param("sandbox", "flag", "of compose: with a [sandbox] that publishes the ports"),
        Param("root", "text", "of systemd and s6: the root of the system that it is for (/)"),
        Param("instance", "text", "of systemd: the instance of a template NAME@.service"),
    ),
    (
        "nsinit convert /etc/supervisor/supervisord.conf -o nsinit.toml",
        "nsinit convert Procfile --formation web=2",
        "nsinit convert --strict compose.yaml",
        "nsinit convert --from systemd nginx.service cron.service",
        "nsinit convert --root rootfs rootfs/etc/s6-overlay",
    ),
    _CODES,
)


def main(argv: Sequence[str]) -> int:
    """Convert, and write the result; returns the exit code."""
    return tell(lambda: _run(**read(VERB.name, VERB, list(argv))))


def _run(  # noqa: PLR0913  (one for each option)
    *,
    paths: list[str],
    kind: str | None,
    strict: bool,
    output: str | None,
    force: bool,
    formation: str | None,
    port: int | None,
    profile: str | None,
    env_file: str | None,
    sandbox: bool,
    root: str | None,
    instance: str | None,
) -> int:
    from nsinit.cli.output import complain
    from nsinit.convert.proof import prove, settle
    from nsinit.process.environment import given_environment

    env = given_environment()
    wishes = Wishes(
        env,
        formation=_formation(formation or ""),
        profiles=[name for name in (profile or "").split(",") if name],
        env_files=[env_file] if env_file else [],
        port=port,
        sandbox=sandbox,
        root=root or "",
        instance=instance or "",
    )
    if output and not force and os.path.lexists(output):
        raise _is_there(output)
    document = convert(paths, wishes, kind or "")
    if not document.services:
        for finding in document.findings:
            complain(f"unsupported: {finding}")
        raise ConvertError(" ".join(paths), 0, "there is nothing to run in it")
    try:
        text = settle(document, " ".join(paths), env)
    except UnicodeEncodeError:
        raise ConvertError(" ".join(paths), 0, "a value is not UTF-8") from None
    if strict and document.findings:
        _tell_findings(document)
        return EXIT_FAILED
    warnings = prove(text, output or "nsinit.toml", env)
    if output:
        _save(output, text, force=force)
    else:
        _print(text)
    for warning in warnings:
        complain(f"warning: {warning}")
    _sum_up(document)
    return EXIT_OK


def _formation(text: str) -> dict[str, int]:
    """From "web=2,worker=4"."""
    made = {}
    for part in filter(None, text.split(",")):
        name, _, digits = part.partition("=")
        if not name or not (digits.isascii() and digits.isdigit() and len(digits) <= 4):
            raise UsageError(f"--formation: expected NAME=NUMBER, got {part!r}", hint="web=2")
        made[name] = int(digits)
    return made


def _tell_findings(document: Document) -> None:
    from nsinit.cli.output import complain

    for finding in document.findings:
        complain(f"unsupported: {finding}")
    complain(f"nothing was written: {_counted(len(document.findings), 'line')} unsupported")


def _sum_up(document: Document) -> None:
    from nsinit.cli.output import paint, say

    services, findings = len(document.services), len(document.findings)
    lines = f"{_counted(findings, 'unsupported line')}"
    lines = paint(lines, "yellow" if findings else "", sys.stderr)
    say(f"nsinit: converted {_counted(services, 'service')}, {lines}", sys.stderr)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


# --- The file -------------------------------------------------------------------------------------


def _is_there(path: str) -> UsageError:
    return UsageError(f"cannot write {path}: it is there already", hint="--force overwrites it")


def _print(text: str) -> None:
    try:
        sys.stdout.buffer.write(text.encode())
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is held back can't be written either
        raise _cannot_write("stdout", error) from None


def _save(path: str, text: str, *, force: bool) -> None:
    """Write the file, whole or not at all."""
    if force and os.path.lexists(path) and not os.path.isfile(path):
        _fill(path, text, os.O_WRONLY)  # /dev/stderr, a pipe: there is nothing to replace
        return
    target = os.path.realpath(path) if force else path
    made = f"{target}.{os.getpid()}.new" if force else target
    try:
        _fill(made, text, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    except FileExistsError:
        raise _is_there(made) from None
    if force:
        try:
            if os.path.exists(target):
                os.chmod(made, os.stat(target).st_mode & 0o7777)
            os.replace(made, target)
        except OSError as error:
            os.unlink(made)
            raise _cannot_write(path, error) from None


def _fill(path: str, text: str, flags: int) -> None:
    try:
        fd = os.open(path, flags | os.O_CLOEXEC, 0o666)
    except FileExistsError:
        raise
    except (OSError, ValueError) as error:
        raise _cannot_write(path, error) from None
    try:
        with open(fd, "wb") as file:
            file.write(text.encode())
    except OSError as error:
        if flags & os.O_CREAT:
            os.unlink(path)
        raise _cannot_write(path, error) from None


def _cannot_write(path: str, error: OSError | ValueError) -> ConvertError:
    reason = error.strerror if isinstance(error, OSError) else "a path can't contain NUL"
    made = ConvertError(path, 0, "")
    made.message = f"cannot write {path}: {reason}"
    return made
