"""All that an init knows of output, for the program that takes its place: structs.

What is added later has a default, as in `handover`, which packs them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from nsinit.model.logs import FileRules
from nsinit.model.shaping import ShapeRules
from nsinit.model.syslog import SyslogRules

if TYPE_CHECKING:
    from nsinit.runtime.handover import Keep
    from nsinit.runtime.stream import Stream

NONE: Final = -1  # in the place of a descriptor or an index


class TerminalState(Struct, frozen=True, kw_only=True):
    """A terminal that init made; the master is the descriptor of the stream."""

    slave: int
    held: bytes = b""
    typed: bytes = b""


class StreamState(Struct, frozen=True, kw_only=True):
    """One pipe or terminal that a service or a hook writes to."""

    key: tuple[str, int, str]
    fd: int
    name: str
    limit: int
    rest: bytes
    continues: bool
    size: int
    console: bool
    tap: int = NONE  # index among the taps
    terminal: TerminalState | None = None
    form: str = ""  # on the console
    syslog: SyslogRules | None = None
    pid: int = 0
    shape: ShapeRules | None = None
    shaper: ShaperState | None = None


class ShaperState(Struct, frozen=True, kw_only=True):
    """What is held of a stream's lines, and how much of it may come; instants are monotonic."""

    off: bool
    held: list[bytes]
    added_at: float
    wanted: bool
    allowed: bool
    room: tuple[float, float]  # lines and bytes that may come
    filled_at: float
    untold: tuple[int, int]
    told_at: float


def stream_state(stream: Stream, keep: Keep, tap: int) -> StreamState:
    """All of a stream; `tap` is the index of its way into a file."""
    rest, continues = stream.cutter.export()
    return StreamState(
        key=stream.key,
        fd=keep(stream.fd),
        name=stream.name,
        limit=stream.cutter.limit,
        rest=rest,
        continues=continues,
        size=stream.size,
        console=stream.form is not None,
        form=stream.form or "",
        syslog=stream.syslog,
        pid=stream.pid,
        shape=stream.shaper.rules if stream.shaper is not None else None,
        shaper=stream.shaper.export() if stream.shaper is not None else None,
        tap=tap,
        terminal=stream.terminal.export(keep) if stream.terminal is not None else None,
    )


class SyslogState(Struct, frozen=True, kw_only=True):
    """A syslog daemon; what waits for it, with whose tally, and how much of the first is sent."""

    address: str
    fd: int = NONE
    is_stream: bool = False
    waiting: list[tuple[list[bytes], str, str, str]] = []
    at: int = 0
    dropped: int = 0
    untold: int = 0
    warned: bool = False
    rules: SyslogRules | None = None


class TapState(Struct, frozen=True, kw_only=True):
    """The way of a stream into a file."""

    path: str
    shared: bool
    tally: tuple[str, str, str] = ("", "", "")


class FileState(Struct, frozen=True, kw_only=True):
    """A log file; `inside` and `torn` are indices of taps, `inside` may be -2 for nobody's."""

    rules: FileRules
    service: str
    fd: int
    file: tuple[int, int]
    size: int
    inside: int
    torn: list[int]
    untold: int
    dropped: int
    failing: bool
    warned: bool
    ownerless: bool
    retry_at: float
    quiet_until: float
    period: tuple[float, float] = (0.0, 0.0)  # clock times


class JobState(Struct, frozen=True, kw_only=True):
    """The file that is being packed, and by which process."""

    path: str
    source: tuple[int, int]
    made: str
    pid: int
    fd: int = NONE  # keeps the number of the source from being given to another file


class FilesState(Struct, frozen=True, kw_only=True):
    """All log files."""

    files: list[FileState]
    taps: list[TapState]
    dropped_before: int = 0
    waiting: list[str] = []
    job: JobState | None = None
    told_missing: bool = False


class LogsState(Struct, frozen=True, kw_only=True):
    """All streams; the rings' records travel by themselves."""

    width: int
    streams: list[StreamState]
    files: FilesState | None = None
    limits: dict[str, int] = {}
    number: int = 0
    counters: list[tuple[str, str, str, int, int]] = []
    syslogs: list[SyslogState] = []


class OutletState(Struct, frozen=True):
    """What stdout or stderr has not taken yet, and what it never took."""

    waiting: bytes
    dropped: int
    untold: int
    pieces: list[tuple[int, str, str, str]] = []  # of what waits: size, and whose tally it has
    torn: bool = False
