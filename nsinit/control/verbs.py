"""More rows of the command table: what looks into services, and what looks after them."""

from __future__ import annotations

from nsinit.control.row import NAMES, PREFIX, SOME_NAMES, WAITING, Command, Param

TYPE_CHECKING = False  # as `typing` has it
if TYPE_CHECKING:
    from typing import Final

STATES: Final = (
    "stopped", "waiting", "starting", "running", "stopping", "backoff", "exited", "failed",
)  # fmt: skip
LOG_STREAMS: Final = ("stdout", "stderr", "syslog", "journal")
GOALS: Final = ("ready", "running", "stopped", "exited")

INSIGHT: Final[tuple[Command, ...]] = (
    Command(
        "wait",
        "GET",
        "read",
        "wait until services are ready, running, stopped or exited",
        (
            NAMES,
            Param(
                "state",
                "choice",
                "ready (the default; a oneshot: done), running, stopped or exited",
                default="ready",
                choices=GOALS,
                option="for",
            ),
            Param("timeout", "seconds", "how long at most (s)", short="t", default=30.0),
        ),
        examples=("nsinit ctl wait db --for ready", "nsinit ctl wait --timeout 2m"),
    ),
    Command(
        "health",
        "GET",
        "read",
        "tell whether all that should run does, and is well",
        (NAMES,),
        examples=("nsinit ctl health", "nsinit ctl health web --json"),
    ),
    Command(
        "why",
        "GET",
        "read",
        "tell in words why services are as they are, down to the cause",
        (
            SOME_NAMES,
            Param("lines", "integer", "so many lines of their last output", short="n", default=5),
        ),
        examples=("nsinit ctl why web",),
    ),
    Command(
        "history",
        "GET",
        "read",
        "show how the last runs of services ended: when, why, what they used and said last",
        (
            NAMES,
            Param("limit", "integer", "at most so many of each service", short="n", default=20),
        ),
        examples=("nsinit ctl history web", "nsinit ctl history -n 3 --json"),
    ),
    Command(
        "record",
        "GET",
        "read",
        "show the flight record: what the core of init was told of late, for scripts/replay",
        stream=True,
        examples=("nsinit ctl record --out flight.ndjson",),
        options=(Param("out", "text", "write it to this file", short="o"),),
    ),
    Command(
        "blame",
        "GET",
        "read",
        "tell what the boot waited for: the slowest services and the critical chain",
        (NAMES,),
        examples=("nsinit ctl blame", "nsinit ctl blame --svg >boot.svg"),
        options=(Param("svg", "flag", "as a picture: bars of waiting and starting, and probes"),),
    ),
    Command(
        "graph",
        "GET",
        "read",
        "show who needs whom, and how they are",
        (NAMES,),
        examples=("nsinit ctl graph web", "nsinit ctl graph --svg >graph.svg"),
        options=(
            Param("svg", "flag", "as a picture"),
            Param("mermaid", "flag", "as a flowchart of Mermaid, for a page of Markdown"),
            Param("dot", "flag", "for the dot program of Graphviz"),
        ),
    ),
    Command(
        "tree",
        "GET",
        "read",
        "show the processes of services, strays among them",
        (NAMES,),
        examples=("nsinit ctl tree", "nsinit ctl tree web"),
    ),
    Command(
        "top",
        "GET",
        "read",
        "show once what services use: CPU, memory, processes, descriptors",
        (
            NAMES,
            Param(
                "interval",
                "seconds",
                "measure the CPU for so long (s)",
                short="d",
                default=0.5,
                most=60,
            ),
        ),
        examples=("nsinit ctl top", "nsinit ctl top 'web*' -d 5"),
    ),
    Command(
        "metrics",
        "GET",
        "read",
        "print figures for a monitoring system, as OpenMetrics",
        (
            Param("family", "names", "only these metrics, by their names"),
            Param(
                "format",
                "choice",
                "openmetrics, or prometheus for its older text (the default: what Accept asks for)",
                choices=("openmetrics", "prometheus"),
            ),
        ),
        examples=("nsinit ctl metrics", "nsinit ctl metrics nsinit_service_up"),
        route="/metrics",
        text=True,
    ),
    Command(
        "livez",
        "GET",
        "read",
        "answer 200 while init does",
        examples=("curl --unix-socket /run/nsinit/control.sock http://nsinit/livez",),
        route="/livez",
    ),
    Command(
        "readyz",
        "GET",
        "read",
        "answer 200 when all is well, 503 with the reasons when not",
        examples=("curl --unix-socket /run/nsinit/control.sock http://nsinit/readyz",),
        route="/readyz",
    ),
    Command(
        "openapi",
        "GET",
        "read",
        "describe this interface as an OpenAPI document",
        examples=(
            "curl --unix-socket /run/nsinit/control.sock http://nsinit/v1/openapi.json",
            "nsinit openapi > nsinit.json",
        ),
        route=PREFIX + "openapi.json",
    ),
)

CARE: Final[tuple[Command, ...]] = (
    Command(
        "reload",
        "POST",
        "operate",
        "let services read their configuration again, and wait until they have",
        (SOME_NAMES, *WAITING),
        examples=("nsinit ctl reload nginx",),
    ),
    Command(
        "reset",
        "POST",
        "operate",
        "forget the failures of services: failed becomes stopped, a backoff ends",
        (SOME_NAMES,),
        examples=("nsinit ctl reset web",),
    ),
    Command(
        "pin",
        "POST",
        "operate",
        "keep services up or down as they are: start, stop and restart are refused",
        (SOME_NAMES,),
        examples=("nsinit ctl pin db",),
    ),
    Command(
        "unpin",
        "POST",
        "operate",
        "let pinned services be started and stopped again",
        (SOME_NAMES,),
        examples=("nsinit ctl unpin db",),
    ),
    Command(
        "pause",
        "POST",
        "operate",
        "freeze all processes of services; their timers, probes and watchdogs wait meanwhile",
        (
            SOME_NAMES,
            Param(
                "timeout", "seconds", "how long to wait until they are (s)", short="t", default=5.0
            ),
        ),
        examples=("nsinit ctl pause db",),
    ),
    Command(
        "unpause",
        "POST",
        "operate",
        "let paused services go on",
        (SOME_NAMES,),
        examples=("nsinit ctl unpause db",),
    ),
    Command(
        "exec",
        "POST",
        "admin",
        "run a command with the environment, user and directory of a service",
        (
            Param("terminal", "flag", "in a terminal of its own", short="t", default=False),
            Param("name", "name", "the service, running or not", required=True),
            Param("command", "words", "what to run, after --", required=True),
            Param("term", "text", "the TERM that it gets (default: that of the caller)"),
        ),
        stream=True,
        examples=("nsinit ctl exec web -- env", "nsinit ctl exec -t web -- sh"),
    ),
    Command(
        "enter",
        "POST",
        "admin",
        "run a command in the place of init itself: in its sandbox, beside no service",
        (
            Param("terminal", "flag", "in a terminal of its own", short="t", default=False),
            Param("user", "text", "as whom: NAME, UID or USER:GROUP", short="u"),
            Param("command", "words", "what to run, after --; a shell without any"),
            Param("term", "text", "the TERM that it gets (default: that of the caller)"),
        ),
        stream=True,
        examples=("nsinit ctl enter -- ps -ef", "nsinit ctl enter -t"),
    ),
    Command(
        "attach",
        "GET",
        "read",
        "show the last output of services and follow it",
        (
            SOME_NAMES,
            Param("lines", "integer", "so many lines of the past", short="n", default=10),
        ),
        stream=True,
        examples=("nsinit ctl attach web", "nsinit ctl attach shell --detach-keys ctrl-x,d"),
        options=(
            Param("no_stdin", "flag", "only show; do not pass on what is typed"),
            Param(
                "detach_keys",
                "text",
                'the keys that leave the terminal of a service (default ctrl-p,ctrl-q; "": none)',
            ),
        ),
    ),
    Command(
        "screen",
        "GET",
        "read",
        "show the terminal of a service, byte by byte",
        (
            Param("name", "name", "a service with tty = true, which runs", required=True),
            Param("lines", "integer", "so many lines of the past", default=10),
        ),
        stream=True,
        examples=(
            "curl --unix-socket /run/nsinit/control.sock http://nsinit/v1/screen?name=shell",
        ),
        route=PREFIX + "screen",
    ),
    Command(
        "terminal",
        "POST",
        "operate",
        "show the terminal of a service, and type on it",
        (
            Param("name", "name", "a service with tty = true, which runs", required=True),
            Param("lines", "integer", "so many lines of the past", default=10),
        ),
        stream=True,
        examples=("POST /v1/terminal, then lines of JSON both ways: nsinit.client",),
        route=PREFIX + "terminal",
    ),
)
