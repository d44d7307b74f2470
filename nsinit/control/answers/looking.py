"""The answers of rows that look."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict

from msgspec import Meta

from nsinit.control.answers.basics import (
    Bytes,
    Clock,
    Percent,
    Pid,
    Span,
    State,
    Type,
    Verdict,
)
from nsinit.control.answers.rows import Death, LogLine
from nsinit.control.answers.usage import MeasuredUsage, Usage


class AboutInit(TypedDict):
    """Init itself."""

    version: str
    pid: Pid
    phase: Literal["new", "up", "stopping", "done"]
    main: str | None
    uptime: Span
    orphans_reaped: int
    log_bytes_dropped: int
    clients_dropped: int
    addresses: list[str]
    usage: Usage | None


class Sink(TypedDict):
    """One place where a stream of a service goes; `bytes` has what was dropped in it too."""

    stream: str
    sink: str
    bytes: int
    dropped: int


class Logs(TypedDict):
    """What was read of the output of a service since init began, and what became of it."""

    bytes: int
    dropped: int
    sinks: list[Sink]


class Service(TypedDict):
    """A service as it is now."""

    name: str
    state: State
    want: Literal["up", "down"]
    pid: Pid | None
    reason: str
    result: str
    exit_code: int | None
    exit_signal: int | None
    run: int
    restarts: int
    seconds: Annotated[float, Meta(description="for how long it has been in its state")] | None
    since: Clock | None
    started: Clock | None
    ready: Clock | None
    next_retry: Clock | None
    next_run: Clock | None
    health: str | None
    message: str | None
    pinned: bool
    reloading: bool
    paused: bool
    type: Type
    main: bool
    essential: bool
    tags: list[str]
    description: str
    usage: Usage | None
    logs: Logs | None


class Status(TypedDict):
    """Init and services."""

    init: AboutInit
    services: list[Service]


class Listed(TypedDict):
    """A service by name."""

    name: str
    type: Type
    tags: list[str]
    description: str


class Listing(TypedDict):
    """Names of services."""

    services: list[Listed]


class Version(TypedDict):
    """Of the program that runs, and of what is installed now."""

    version: str
    pid: Pid
    on_disk: str | None


class ServiceHealth(TypedDict):
    """The verdict on one service."""

    name: str
    state: State
    health: Verdict
    reason: str


class Health(TypedDict):
    """The verdict on all of them."""

    health: Verdict
    reasons: list[str]
    services: list[ServiceHealth]


class Live(TypedDict):
    """That it is answered is the answer."""

    live: bool


class Ready(TypedDict):
    """Whether all that should run does, and is well."""

    ready: bool
    reasons: list[str]


class Link(TypedDict):
    """Somebody that a service waits for, directly or not."""

    name: str
    state: State
    depth: int
    text: str


class Hand(TypedDict):
    """Who stopped a service."""

    uid: int
    time: Clock


class Reason(TypedDict):
    """Why a service is as it is."""

    name: str
    state: State
    sentences: list[str]
    chain: list[Link]
    next_run: Clock | None
    stopped_by: NotRequired[Hand]
    deaths: list[Death]
    output: list[LogLine]


class ServicePast(TypedDict):
    """The last ends of a service, the last one first; without a state if it is no more."""

    name: str
    state: State | None
    run: int | None
    since: Clock | None
    deaths: list[Death]


class Past(TypedDict):
    """How the last runs of services have ended."""

    services: list[ServicePast]


class Reasons(TypedDict):
    """Why services are as they are."""

    services: list[Reason]


Task = TypedDict("Task", {"task": str, "from": Span | None, "to": Span | None, "good": bool | None})
"""A hook or probe of a first start; instants are since the boot."""


class Start(TypedDict):
    """The first start of a service: how long it waited and took, and when it was up since boot."""

    name: str
    waiting: Span | None
    starting: Span | None
    at: Span | None
    state: State
    waiting_from: Span | None
    starting_from: Span | None
    tasks: list[Task]


class Boot(TypedDict):
    """The slowest first, and the chain that took longest, the last first."""

    services: list[Start]
    chain: list[Start]


class Node(TypedDict):
    """A service in the graph."""

    name: str
    state: State
    needs: dict[str, str]
    wants: list[str]
    after: list[str]


class Graph(TypedDict):
    """Who needs whom; the states are those of all services."""

    services: list[Node]
    states: dict[str, State]


class Process(TypedDict):
    """A process of a service."""

    pid: Pid
    parent: Pid
    role: Literal["main", "helper", "child", "stray"]
    state: str
    command: str
    rss: Bytes


class Family(TypedDict):
    """The processes of a service."""

    name: str
    state: State
    processes: list[Process]
    left_out: int


class Tree(TypedDict):
    """The processes of services."""

    services: list[Family]


class Load(TypedDict):
    """What a service uses."""

    name: str
    state: State
    pid: Pid | None
    cpu: Percent
    rss: Bytes
    processes: int
    fds: int | None
    group: MeasuredUsage | None


class Top(TypedDict):
    """What services and the sandbox use."""

    services: list[Load]
    sandbox: MeasuredUsage | None
