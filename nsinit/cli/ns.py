"""`nsinit ns list|compare|supported|pin|unpin`: the namespaces of this machine.

One table of these verbs makes their parsers, their help and their completion.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from nsinit.cli.boxes import Verb
from nsinit.cli.families import Family
from nsinit.control.row import Param
from nsinit.errors import (
    EXIT_FAILED,
    EXIT_OK,
    DeniedError,
    UnknownNameError,
    UsageError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nsinit.kernel.namespaces import Kind

KINDS: Final[tuple[Kind, ...]] = ("user", "ipc", "uts", "net", "pid", "mount", "cgroup", "time")
_JSON: Final = Param("json", "flag", "JSON instead of a table")
_CODES: Final = """

exit codes: 0 done · 1 failed · 2 usage · 4 no such process or sandbox · 77 not allowed"""

VERBS: Final[dict[str, Verb]] = {
    verb.name: verb
    for verb in (
        Verb(
            "list",
            "list namespaces: their inode, kind, processes, owner, and the files that hold them",
            (
                Param("targets", "names", "only those of these processes (PID) or sandboxes"),
                Param("kind", "text", "only of this kind: " + ", ".join(KINDS), short="t"),
                _JSON,
            ),
            ("nsinit ns list", "nsinit ns list 1", "nsinit ns list --kind net --json"),
            _CODES,
        ),
        Verb(
            "compare",
            "tell which namespaces two processes share",
            (
                Param("first", "name", "a process (PID) or a sandbox"),
                Param("second", "name", "another"),
                _JSON,
            ),
            ("nsinit ns compare 1 $$", "nsinit ns compare shop bank"),
            _CODES.replace("0 done · 1 failed", "0 they share all · 1 not"),
        ),
        Verb(
            "supported",
            "tell which kinds this kernel has, and how many of each a user may make",
            (_JSON,),
            ("nsinit ns supported",),
            _CODES,
        ),
        Verb(
            "pin",
            "keep a namespace when its last process has ended, by a file that holds it",
            (
                Param("target", "name", "a process (PID) or a sandbox"),
                Param("kind", "name", ", ".join(KINDS)),
                Param("path", "name", "the file; it is made if there is none"),
            ),
            (
                "nsinit ns pin shop net /run/shop-net",
                "nsinit ns pin 11703 uts /run/uts && nsenter --uts=/run/uts hostname",
            ),
            _CODES,
        ),
        Verb(
            "unpin",
            "let go of a namespace, and remove the file that held it",
            (Param("path", "name", "the file"),),
            ("nsinit ns unpin /run/uts",),
            _CODES,
        ),
    )
}
FAMILY: Final = Family("ns", VERBS)


def main(argv: Sequence[str]) -> int:
    """Run one of the verbs; returns the exit code."""
    return FAMILY.run(argv, globals())


def _list(*, targets: list[str], kind: str | None, json: bool) -> int:
    from nsinit.cli.output import as_json, complain, say, table
    from nsinit.sandbox import census

    wanted = (kind_named(kind),) if kind else census.KINDS
    found, hidden = census.take()
    rows = [one for one in found if one.kind in wanted]
    if targets:
        pids = [pid_of(target) for target in targets]
        theirs = {census.inode_of(pid, census.file_of(k)) for pid in pids for k in wanted}
        rows = [one for one in rows if one.inode in theirs]
    if json:
        say(as_json([one.as_json() for one in rows]))
        return EXIT_OK
    from nsinit.cli.list import user_name

    cells = [
        [
            str(one.inode), one.kind, str(one.processes), str(one.pid or "-"),
            "?" if one.uid is None else user_name(one.uid),
            one.command[:60] if one.pid else f"held by {', '.join(one.pins)}",
        ]
        for one in rows
    ]  # fmt: skip
    say(table(["INODE", "KIND", "PROCESSES", "PID", "OWNER", "COMMAND"], cells))
    if hidden:
        complain(f"{hidden} more can't be looked at: others' processes, which root sees")
    return EXIT_OK


def _compare(*, first: str, second: str, json: bool) -> int:
    from nsinit.cli.output import as_json, say, table
    from nsinit.sandbox import census

    pids = [pid_of(first), pid_of(second)]
    for pid in pids:
        if not any(census.inode_of(pid, census.file_of(kind)) for kind in KINDS):
            hint = "it is another user's, has more capabilities than we, or has ended"
            raise DeniedError(f"cannot look at process {pid}", hint=hint)
    names = [*map(census.file_of, census.KINDS), *census.FOR_CHILDREN]
    pairs = [(n, census.inode_of(pids[0], n), census.inode_of(pids[1], n)) for n in names]
    rows = [(name, one, two) for name, one, two in pairs if one is not None or two is not None]
    if json:
        say(as_json([
            {"kind": name, "first": one, "second": two, "same": one == two}
            for name, one, two in rows
        ]))  # fmt: skip
    else:
        cells = [
            [name, "same" if one == two else "differs", str(one or "-"), str(two or "-")]
            for name, one, two in rows
        ]
        tints = ["green" if one == two else "yellow" for _, one, two in rows]
        say(table(["KIND", "", first, second], cells, tints))
    return EXIT_OK if all(one == two for _, one, two in rows) else EXIT_FAILED


def _supported(*, json: bool) -> int:
    from nsinit.cli.output import as_json, say, table
    from nsinit.sandbox import census

    rows = census.supported()
    if json:
        say(as_json([one._asdict() for one in rows]))
        return EXIT_OK
    cells = [
        [one.kind, "yes" if one.supported else "no", "-" if one.limit is None else str(one.limit)]
        for one in rows
    ]
    tints = ["green" if one.supported else "red" for one in rows]
    say(table(["KIND", "SUPPORTED", "LIMIT"], cells, tints))
    return EXIT_OK


def _pin(*, target: str, kind: str, path: str) -> int:
    from nsinit.sandbox.pins import pin

    pin(pid_of(target), kind_named(kind), path)
    return EXIT_OK


def _unpin(*, path: str) -> int:
    from nsinit.sandbox.pins import unpin

    unpin(path)
    return EXIT_OK


def kind_named(word: str) -> Kind:
    """The kind of that name, also as /proc and unshare(1) call it; UsageError if there is none."""
    word = {"mnt": "mount"}.get(word, word)
    for kind in KINDS:
        if kind == word:
            return kind
    from nsinit.nearest import did_you_mean

    hint = did_you_mean(word, KINDS) or f"one of {', '.join(KINDS)}"
    raise UsageError(f"there is no kind of namespace {word!r}", hint=hint)


def pid_of(target: str) -> int:
    """The process of that number, or the init of the sandbox of that name; UnknownNameError."""
    if target.isascii() and target.isdigit():
        if len(target) > 10 or not os.path.exists(f"/proc/{int(target)}"):
            raise UnknownNameError(f"there is no process {target}", hint="nsinit ns list")
        return int(target)
    from nsinit.sandbox.state import find

    record = find(target).record
    if not record.pid or not record.countable():
        raise UnknownNameError(f"the sandbox {target!r} has no process that can be seen from here")
    return record.pid
