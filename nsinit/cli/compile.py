"""`nsinit compile [FILE]`: foresee which services start at once, so that they start sooner."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING, Final

from nsinit.cli.boxes import Verb
from nsinit.cli.families import read, tell
from nsinit.cli.output import complain, say
from nsinit.control.row import Param
from nsinit.errors import EXIT_OK, FileError, UsageError
from nsinit.model.find import find_config, load_config
from nsinit.process.environment import given_environment
from nsinit.runtime.headstart.foresee import Recorded, foresee
from nsinit.runtime.headstart.planfile import ENDING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nsinit.runtime.headstart.foresee import Foreseen

VERB: Final = Verb(
    "compile",
    "write FILE.plan, by which `nsinit run FILE` starts the first services in a third of the time",
    (
        Param(
            "file",
            "name",
            "$NSINIT_CONFIG, ./nsinit.toml or /etc/nsinit/nsinit.toml if none",
            default="",
        ),
    ),
    ("nsinit compile", "nsinit compile /etc/nsinit/nsinit.toml"),
    "\n\nThe plan counts as long as FILE, what it includes, the variables in it and nsinit are\n"
    "the same; else a warning says what is not, and all goes on as without it. It is for images:\n"
    "make it where the file is put into the image.\n\n"
    "exit codes: 0 written · 1 it can't be written · 2 usage · 78 FILE is wrong, or nothing in it\n"
    "can be started sooner",
)
_SHOWN: Final = 5  # services that are named


def main(argv: Sequence[str]) -> int:
    """Write the plan; returns the exit code."""
    return tell(lambda: _run(list(argv)))


def _run(argv: list[str]) -> int:
    asked = read("compile", VERB, argv)["file"]
    if asked and not asked.endswith(".toml"):
        message = f"cannot compile {asked}: its name does not end in .toml"
        raise UsageError(message, hint="nsinit run knows a file from a command by that")
    env = given_environment()
    path = find_config(asked or None, env)
    recorded = Recorded(env)
    loaded = load_config(path, recorded)
    for warning in loaded.warnings:
        complain(f"warning: {warning}")
    made = foresee(loaded, recorded.seen)
    _write(path + ENDING, made.plan.to_bytes(), [source.file for source in loaded.sources])
    _report(path, made)
    return EXIT_OK


def _report(path: str, made: Foreseen) -> None:
    count = len(made.plan.starts)
    many = "1 service starts" if count == 1 else f"{count} services start"
    say(f"{path}{ENDING}: {many} before the rest of nsinit is loaded")
    for name, why in list(made.left_out.items())[:_SHOWN]:
        say(f"  not {name}, because of {why}")
    if (more := len(made.left_out) - _SHOWN) > 0:
        say(f"  nor {more} more")


def _write(path: str, data: bytes, sources: list[str]) -> None:
    """Put a whole file in the place of whatever is there, for nobody who can't read all sources."""
    directory = os.path.dirname(path) or "."
    try:
        fd, temporary = tempfile.mkstemp(prefix=".plan-", dir=directory)
        try:
            with open(fd, "wb") as file:
                _let_read(fd, [os.stat(source) for source in sources])
                file.write(data)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise FileError(f"cannot write {path}: {error.strerror or error}") from None


def _let_read(fd: int, sources: list[os.stat_result]) -> None:
    """Secrets may be written into files: their text is in a plan too."""
    mode = 0o644
    for found in sources:
        mode &= found.st_mode
    groups = {found.st_gid for found in sources}
    try:
        os.fchown(fd, -1, groups.pop())
    except PermissionError:
        groups.add(-1)
    if groups and not mode & 0o004:
        mode &= ~0o040
    os.fchmod(fd, mode | 0o600)
