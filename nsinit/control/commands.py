"""The command table: what can be asked of a running init.

One row makes the route, the check of its parameters, the access it needs, the verb of `nsinit ctl`
with its help, and the method of the Python client. Imports nothing heavy.
"""

from __future__ import annotations

from nsinit.control.row import (
    ACCESS_LEVELS,
    MAX_INTEGER,
    NAMES,
    PREFIX,
    SOME_NAMES,
    WAITING,
    Command,
    Param,
)
from nsinit.control.verbs import CARE, INSIGHT, LOG_STREAMS, STATES

TYPE_CHECKING = False  # as `typing` has it
if TYPE_CHECKING:
    from typing import Final

__all__ = [
    "ACCESS_LEVELS", "BY_NAME", "BY_PATH", "COMMANDS", "MAX_INTEGER", "PREFIX", "VERBS",
    "Command", "Param",
]  # fmt: skip

COMMANDS: Final[tuple[Command, ...]] = (
    Command(
        "status",
        "GET",
        "read",
        "show services: state, pid, since when, why",
        (NAMES,),
        examples=("nsinit ctl status", "nsinit ctl status web --json"),
    ),
    Command(
        "list",
        "GET",
        "read",
        "list the names of services",
        (NAMES, Param("state", "choice", "only those that are STATE", choices=STATES)),
        examples=("nsinit ctl list tag:backend", "nsinit ctl list --state failed"),
    ),
    *INSIGHT,
    Command(
        "start",
        "POST",
        "operate",
        "start services and what they need, and wait until they run",
        (SOME_NAMES, *WAITING),
        examples=("nsinit ctl start web", "nsinit ctl start 'worker*' --no-wait"),
    ),
    Command(
        "stop",
        "POST",
        "operate",
        "stop services and keep them down, and wait until they are",
        (SOME_NAMES, *WAITING),
        examples=("nsinit ctl stop web",),
    ),
    Command(
        "restart",
        "POST",
        "operate",
        "stop services, start them again, and wait until they run",
        (SOME_NAMES, *WAITING),
        examples=("nsinit ctl restart web", "nsinit ctl restart '*' -t 120"),
    ),
    *CARE,
    Command(
        "signal",
        "POST",
        "operate",
        "send a signal to the main process of services",
        (Param("signal", "signal", "TERM, USR1, 15", required=True), SOME_NAMES),
        examples=("nsinit ctl signal HUP nginx",),
    ),
    Command(
        "logs",
        "GET",
        "read",
        "show the last output of services",
        (
            NAMES,
            Param("follow", "flag", "go on with what they write from now on", short="f"),
            Param("lines", "integer", "at most this many lines of the past", short="n"),
            Param(
                "since", "moment", 'from this time on: "5m" (ago), "12:00", RFC 3339, "@1763812800"'
            ),
            Param("until", "moment", "up to this time"),
            Param("since_seq", "integer", "only what came after the line of this number"),
            Param(
                "run",
                "text",
                "a run of each service: a number, current (and later) or previous",
                pattern="^(current|previous|[0-9]{1,17})$",
            ),
            Param("stream", "choice", "only what came by it", choices=LOG_STREAMS),
        ),
        stream=True,
        examples=(
            "nsinit ctl logs web -n 20",
            "nsinit ctl logs -f -t",
            "nsinit ctl logs --since 5m --grep 'error|fatal'",
            "nsinit ctl logs web --run previous --stream stderr",
        ),
        options=(
            Param("timestamps", "flag", "tell when each line came", short="t"),
            Param(
                "grep", "text", "only lines in which this regular expression is found", short="g"
            ),
            Param("invert_match", "flag", "only lines in which it is not", short="v"),
        ),
    ),
    Command(
        "events",
        "GET",
        "read",
        "show what happened to services",
        (
            NAMES,
            Param("follow", "flag", "go on with what happens from now on", short="f"),
            Param("since_seq", "integer", "only what came after this sequence number"),
            Param("type", "text", "only events of these types, as in: exited,health,request"),
        ),
        stream=True,
        examples=(
            "nsinit ctl events",
            "nsinit ctl events -f --json --since-seq 1200",
            "nsinit ctl events web --type exited,probe",
        ),
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
        (Param("names", "names", "NAME=COUNT", required=True, pattern="^.+=[0-9]{1,4}$"),),
        examples=("nsinit ctl scale web=3", "nsinit ctl scale web=1 worker=4"),
    ),
    Command(
        "shutdown",
        "POST",
        "admin",
        "stop everything in order, and end init",
        (
            Param("exit_code", "integer", "what init ends with", most=255),
            Param("now", "flag", "skip every grace: kill"),
        ),
        examples=("nsinit ctl shutdown", "nsinit ctl shutdown --exit-code 3"),
    ),
    Command(
        "reexec",
        "POST",
        "admin",
        "replace the program of init by what is installed now; nothing else is touched",
        (
            Param(
                "timeout",
                "seconds",
                "how long the new program may look at the state first (s)",
                short="t",
                default=30.0,
            ),
        ),
        examples=("nsinit ctl reexec",),
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
BY_PATH: Final[dict[str, Command]] = {command.path: command for command in COMMANDS}
VERBS: Final[dict[str, Command]] = {row.name: row for row in COMMANDS if row.is_verb}
