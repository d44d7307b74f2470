"""The rows of streams."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

from nsinit.control.answers.basics import (
    Bytes,
    Clock,
    Mistake,
    Pid,
    Span,
)


class LogLine(TypedDict):
    """A line of output; `base64` has its bytes if they are not UTF-8.

    Numbers rise from line to line, by the bytes of all that was written.
    """

    seq: int
    time: Clock
    service: str
    replica: NotRequired[int]
    run: int
    stream: str
    line: str
    base64: NotRequired[str]
    part: NotRequired[Literal["first", "middle", "last"]]
    priority: NotRequired[int]
    facility: NotRequired[int]
    identifier: NotRequired[str]
    pid: NotRequired[int]


class Skipped(TypedDict):
    """So many bytes were left out here: the client reads more slowly than a service writes."""

    skipped: Bytes


class Event(TypedDict):
    """Something that has happened; docs/events.md says which types there are, and what they tell.

    What means nothing for a type is null, or is not there if it is a key of some types only.
    """

    seq: int
    time: Clock
    type: str
    service: str | None
    old: str | None
    new: str | None
    want: Literal["up", "down"] | None
    run: int | None
    pid: Pid | None
    reason: str | None
    result: str | None
    exit_code: int | None
    exit_signal: int | None
    health: str | None
    by: NotRequired[str]
    seconds: NotRequired[Span]
    oom: NotRequired[bool]
    core_dumped: NotRequired[bool]
    cpu_user: NotRequired[Span | None]
    cpu_system: NotRequired[Span | None]
    max_rss: NotRequired[Bytes | None]
    stage: NotRequired[str]
    errno: NotRequired[int]
    probe: NotRequired[str]
    in_a_row: NotRequired[int | None]
    hook: NotRequired[str]
    ok: NotRequired[bool]
    verb: NotRequired[str]
    names: NotRequired[list[str]]
    by_uid: NotRequired[int | None]
    by_pid: NotRequired[Pid | None]
    signal: NotRequired[str | None]
    action: NotRequired[str]
    version: NotRequired[str]
    before: NotRequired[str]
    forced: NotRequired[bool]
    hurry: NotRequired[bool]
    what: NotRequired[str]
    count: NotRequired[int]
    total: NotRequired[int]
    counts: NotRequired[dict[str, int]]
    added: NotRequired[list[str]]
    removed: NotRequired[list[str]]
    restarted: NotRequired[dict[str, list[str]]]
    adjusted: NotRequired[dict[str, list[str]]]
    ignored: NotRequired[list[str]]
    first: NotRequired[int | None]
    last: NotRequired[int | None]


class Death(TypedDict):
    """How a run ended; `by` says why init ended it, if it did."""

    run: int
    time: Clock
    seconds: Span
    pid: Pid | None
    result: str | None
    exit_code: int | None
    exit_signal: int | None
    reason: str
    by: str
    oom: bool
    core_dumped: bool
    cpu_user: Span | None
    cpu_system: Span | None
    max_rss: Bytes | None
    output: list[str]


class RecordHead(TypedDict):
    """The first line of a flight record."""

    format: str
    version: int
    nsinit: str
    at: Span
    time: Clock


class RecordBegin(TypedDict):
    """All that the core remembered before the events that follow, with nsinit of that version."""

    begin: str
    plan: dict[str, Any]
    state: dict[str, Any]


class RecordEvent(TypedDict):
    """What the core was told: when (monotonic), and the sum of the actions that followed."""

    n: int
    at: Span
    jitter: float
    event: dict[str, Any]
    sum: int


class RecordError(TypedDict):
    """What the event before has raised."""

    raised: str


class RecordEnd(TypedDict):
    """The last line: how many events there were."""

    end: int


class Descriptors(TypedDict):
    """Init waits for so many descriptors (SCM_RIGHTS, with one byte)."""

    descriptors: int


class Started(TypedDict):
    """The command runs."""

    pid: Pid


class Exited(TypedDict):
    """The end by exit(3); of a command that could not be run the code that a shell gives."""

    exit_code: int | None
    error: NotRequired[Mistake]


class Killed(TypedDict):
    """The end by a signal."""

    exit_signal: int


class Attached(TypedDict):
    """The terminal of this run follows."""

    service: str
    run: int
    stdin: bool


class Shown(TypedDict):
    """What the terminal shows, in base64."""

    output: str
