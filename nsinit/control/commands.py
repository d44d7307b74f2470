"""The command table: what can be asked of a running init.

One row makes the route, the check of its parameters, the access it needs, the verb of `nsinit ctl`
with its help, and the method of the Python client. Imports nothing but typing.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

Kind = Literal["names", "text", "integer", "seconds", "flag", "signal"]
Access = Literal["read", "operate", "admin"]

ACCESS_LEVELS: Final[tuple[Access, ...]] = ("read", "operate", "admin")
PREFIX: Final = "/v1/"


class Param(NamedTuple):
    """One parameter.

    On the command line `names` and `signal` stand by themselves, in the order of the row; the
    others are options, with a short form if there is one.
    """

    name: str
    kind: Kind
    help: str
    required: bool = False
    short: str = ""
    default: str | int | float | bool | None = None

    @property
    def positional(self) -> bool:
        """Whether it is given without an option's name."""
        return self.kind in ("names", "signal")


class Command(NamedTuple):
    """One row of the table."""

    name: str
    method: Literal["GET", "POST"]
    access: Access
    summary: str
    params: tuple[Param, ...] = ()
    stream: bool = False
    examples: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """Its route."""
        return PREFIX + self.name


_NAMES: Final = Param(
    "names", "names", "services: a name, a pattern such as 'web*', or tag:NAME; all without any"
)
_SOME_NAMES: Final = _NAMES._replace(
    required=True, help="services: a name, a pattern such as 'web*', or tag:NAME"
)
_WAITING: Final = (
    Param("no_wait", "flag", "answer at once", default=False),
    Param("timeout", "seconds", "how long to wait for it (s)", short="t", default=60.0),
)

COMMANDS: Final[tuple[Command, ...]] = (
    Command(
        "status",
        "GET",
        "read",
        "show services: state, pid, since when, why",
        (_NAMES,),
        examples=("nsinit ctl status", "nsinit ctl status web --json"),
    ),
    Command(
        "list",
        "GET",
        "read",
        "list the names of services",
        (_NAMES,),
        examples=("nsinit ctl list", "nsinit ctl list tag:backend"),
    ),
    Command(
        "start",
        "POST",
        "operate",
        "start services and what they need, and wait until they run",
        (_SOME_NAMES, *_WAITING),
        examples=("nsinit ctl start web", "nsinit ctl start 'worker*' --no-wait"),
    ),
    Command(
        "stop",
        "POST",
        "operate",
        "stop services and keep them down, and wait until they are",
        (_SOME_NAMES, *_WAITING),
        examples=("nsinit ctl stop web",),
    ),
    Command(
        "restart",
        "POST",
        "operate",
        "stop services, start them again, and wait until they run",
        (_SOME_NAMES, *_WAITING),
        examples=("nsinit ctl restart web", "nsinit ctl restart '*' -t 120"),
    ),
    Command(
        "signal",
        "POST",
        "operate",
        "send a signal to the main process of services",
        (Param("signal", "signal", "TERM, USR1, 15", required=True), _SOME_NAMES),
        examples=("nsinit ctl signal HUP nginx",),
    ),
    Command(
        "logs",
        "GET",
        "read",
        "show the last output of services",
        (
            _NAMES,
            Param("follow", "flag", "go on with what they write from now on", short="f"),
            Param("lines", "integer", "at most this many lines of the past", short="n"),
            Param("since", "seconds", "only what is not older than this (s)"),
        ),
        stream=True,
        examples=("nsinit ctl logs web -n 20", "nsinit ctl logs -f", "nsinit ctl logs --since 5m"),
    ),
    Command(
        "events",
        "GET",
        "read",
        "show what happened to services",
        (
            _NAMES,
            Param("follow", "flag", "go on with what happens from now on", short="f"),
            Param("since_seq", "integer", "only what came after this sequence number"),
        ),
        stream=True,
        examples=("nsinit ctl events", "nsinit ctl events -f --json"),
    ),
    Command(
        "update",
        "POST",
        "admin",
        "read the configuration again and bring services in line with it",
        (Param("dry_run", "flag", "only tell what would be done"),),
        examples=("nsinit ctl update --dry-run", "nsinit ctl update"),
    ),
    Command(
        "scale",
        "POST",
        "operate",
        "have so many replicas of services, until the next update",
        (Param("names", "names", "NAME=COUNT", required=True),),
        examples=("nsinit ctl scale web=3", "nsinit ctl scale web=1 worker=4"),
    ),
    Command(
        "shutdown",
        "POST",
        "admin",
        "stop everything in order, and end init",
        (
            Param("exit_code", "integer", "what init ends with"),
            Param("now", "flag", "skip every grace: kill"),
        ),
        examples=("nsinit ctl shutdown", "nsinit ctl shutdown --exit-code 3"),
    ),
    Command(
        "version",
        "GET",
        "read",
        "show the version of the running init",
        examples=("nsinit ctl version",),
    ),
)

BY_NAME: Final[dict[str, Command]] = {command.name: command for command in COMMANDS}
