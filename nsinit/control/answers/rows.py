"""The rows of streams."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from nsinit.control.answers.basics import (
    Bytes,
    Clock,
    Mistake,
    Pid,
    State,
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


class Skipped(TypedDict):
    """So many bytes were left out here: the client reads more slowly than a service writes."""

    skipped: Bytes


class Event(TypedDict):
    """A change of a service."""

    seq: int
    time: Clock
    service: str
    old: State
    new: State
    want: Literal["up", "down"]
    run: int
    pid: Pid | None
    reason: str
    result: str
    exit_code: int | None
    exit_signal: int | None
    health: str | None


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
