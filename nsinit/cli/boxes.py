"""`nsinit list`, `inspect`, `enter`, `stop`, `kill`, `pause`: the sandboxes of this machine.

One table of these verbs makes their parsers, their help and their completion. Each is a file of its
own, loaded when it is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from nsinit.cli.families import read, tell
from nsinit.control.row import QUIET, Param

if TYPE_CHECKING:
    from collections.abc import Sequence

_CODES: Final = """

exit codes: 0 done · 1 failed · 2 usage · 4 no such sandbox · 77 not allowed · 124 too late"""


class Verb(NamedTuple):
    """One verb: what it does, what it takes."""

    name: str
    summary: str
    params: tuple[Param, ...]
    examples: tuple[str, ...]
    codes: str = _CODES


_SOME: Final = Param("names", "names", "sandboxes, as nsinit list has them", required=True)
_ONE: Final = Param("name", "name", "the sandbox, as nsinit list has it", required=True)

VERBS: Final[dict[str, Verb]] = {
    verb.name: verb
    for verb in (
        Verb(
            "list",
            "list the sandboxes that run, and remove what dead ones left",
            (
                Param("quiet", "flag", "only their names", short="q"),
                Param("json", "flag", "JSON instead of a table"),
            ),
            ("nsinit list", "nsinit list --json", "nsinit stop $(nsinit list -q)"),
        ),
        Verb(
            "inspect",
            "tell all that is known of a sandbox, as JSON: processes, namespaces, mounts, services",
            (_ONE, Param("json", "flag", "JSON on one line")),
            ("nsinit inspect shop", "nsinit inspect shop --format '{pid} {namespaces.net}'"),
        ),
        Verb(
            "enter",
            "run a command in a sandbox, as a child of its init; a shell without a command",
            (
                _ONE,
                Param("service", "text", "in the place of this service: its user, directory, ..."),
                Param("user", "text", "as whom: NAME, UID or USER:GROUP", short="u"),
                Param(
                    "terminal", "flag", "in a terminal of its own, though this is none", short="t"
                ),
                Param("no_terminal", "flag", "not in a terminal of its own", short="T"),
                Param("direct", "flag", "without asking its init, as when that does not answer"),
                Param("command", "words", "what to run, after --"),
            ),
            (
                "nsinit enter shop",
                "nsinit enter shop -- ps -ef",
                "nsinit enter shop --service web -- env",
                "nsinit enter shop --user nobody -- id",
            ),
            "\n\nexit codes: those of the command, 128+n for signal n · 2 usage · 4 no such"
            " sandbox,\nor a paused one · 77 not allowed · 126 not executable · 127 not found",
        ),
        Verb(
            "stop",
            "let sandboxes stop everything in order, and wait until they are gone",
            (
                _SOME,
                Param("timeout", "seconds", "how long to wait for it (s)", short="t", default=30.0),
                QUIET,
            ),
            ("nsinit stop shop", "nsinit stop shop bank --timeout 1m"),
        ),
        Verb(
            "kill",
            "send a signal to the init of sandboxes; with KILL, wait until they are gone",
            (_SOME, Param("signal", "text", "KILL if not said: TERM, USR2, 15", short="s")),
            ("nsinit kill shop", "nsinit kill -s USR2 shop"),
        ),
        Verb(
            "pause",
            "freeze everything in sandboxes, their inits too, until they are unpaused",
            (
                _SOME,
                Param("timeout", "seconds", "how long to wait for it (s)", short="t", default=5.0),
            ),
            ("nsinit pause shop",),
        ),
        Verb(
            "unpause",
            "let paused sandboxes go on",
            (_SOME,),
            ("nsinit unpause shop",),
        ),
    )
}


def main(name: str, argv: Sequence[str]) -> int:
    """Run one of the verbs; returns the exit code."""
    return tell(lambda: _run(name, list(argv)))


def _run(name: str, argv: list[str]) -> int:
    from importlib import import_module

    code: int = import_module(f"nsinit.cli.{name}").run(**read(name, VERBS[name], argv))
    return code
