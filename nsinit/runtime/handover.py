"""All that an init knows, as bytes, for the program that takes its place in the same process.

Descriptors keep their numbers over execve(2), so the state names them by number. The layout:

    MAGIC, version (u32), size of the head (u64), the head (msgpack of `Handover`),
    then pieces of the rings, each with its size (u32) before it; a size of 0 ends them.

What is added to a struct later has a default, so that an older init can hand over to a newer one.
A part of init that not every init has is a `Portable` and travels under its name in `parts`.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec
from msgspec import Struct, field

from nsinit.core.messages import Event, RunTask, TaskKind
from nsinit.core.state import CoreState
from nsinit.kernel import memory
from nsinit.model.load import Loaded
from nsinit.model.plan import Plan
from nsinit.model.spec import Hook, Init, Service
from nsinit.model.types import decode_hook, encode_hook
from nsinit.runtime.logstate import LogsState, OutletState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Keep = Callable[[int], int]  # notes a descriptor that is to stay open; returns it

MAGIC: Final = b"nsinit handover\n"
VERSION: Final = 1
NONE: Final = -1  # in the place of a descriptor or an index
_HEAD: Final = struct.Struct("<IQ")
_SIZE: Final = struct.Struct("<I")
_MARK: Final = "\0"  # begins what msgpack can't say by itself; nothing in a configuration has it
_BIG: Final = 1 << 63

# The last one for what has no form as bytes, and so is never there.
_UNREADABLE: Final = (msgspec.MsgspecError, ValueError, RecursionError, NotImplementedError)

Row = tuple[int, float, str, int, str, bytes, bool, bool]  # a record of a ring


class BadHandoverError(Exception):
    """What was handed over can't be used; says why."""


class Portable(Protocol):
    """A part of init that takes its state along."""

    def export(self) -> tuple[bytes, list[int]]:
        """Its state, which it keeps on using, and the descriptors that are to stay open."""

    def adopt(self, data: bytes, fds: list[int]) -> None:
        """Go on with a state that was exported, before anything else happens."""


class Part(Struct, frozen=True):
    """What a `Portable` exported."""

    name: str
    data: bytes
    fds: list[int]


class Failure(Struct, frozen=True):
    """How an exec failed, while the end of the child is not heard of yet."""

    text: str
    stage: str
    errno: int


class ChildState(Struct, frozen=True):
    """A process that was started; with a report, its exec may not have happened yet."""

    pid: int
    path: str
    report: int = NONE
    stages: list[str] = []


class MainState(Struct, frozen=True, kw_only=True):
    """A main process; `watch` tells the end of one that is another's child."""

    service: str
    run: int
    child: ChildState
    failure: Failure | None = None
    watch: int = NONE


class TaskState(Struct, frozen=True, kw_only=True):
    """A hook or an exec probe."""

    action: RunTask
    child: ChildState
    cancelled: bool = False


class UnreadyState(Struct, frozen=True, kw_only=True):
    """A run that is to tell by a descriptor or a line that it is ready, or has just told."""

    service: str
    run: int
    fd: int = NONE
    line: bool = False
    told: bool = False


class StraysState(Struct, frozen=True, kw_only=True):
    """Which process belongs to which service."""

    mains: dict[int, str] = {}
    sessions: dict[int, str] = {}
    members: list[tuple[int, int, str]] = []


class RunsState(Struct, frozen=True, kw_only=True):
    """Processes, and what services are by now and after their present run."""

    services: dict[str, Service]
    coming: dict[str, Service] = {}
    own: dict[str, Hook | None] = {}
    mains: list[MainState] = []
    tasks: list[TaskState] = []
    probes: list[tuple[str, int, TaskKind]] = []  # without a process
    unready: list[UnreadyState] = []
    killed: list[str] = []
    sweeping: dict[str, int] = {}
    orphans_reaped: int = 0
    oom_kills: int | None = None
    oom_seen: dict[str, int] = {}
    strays: StraysState = StraysState()


class HistoryState(Struct, frozen=True):
    """The number of the last event, and the last events; what can't be read is left out.

    `deaths` are ends of runs, `flight` the generations of the flight recorder.
    """

    number: int
    recent: list[bytes]
    deaths: list[bytes] = []
    flight: list[bytes] = []


class NotifyState(Struct, frozen=True):
    """The notify sockets: service, descriptor, path, run, uid of the service."""

    directory: str | None
    sockets: list[tuple[str, int, str, int, int]]


class ListenerState(Struct, frozen=True):
    """The control socket; without one the descriptor is NONE."""

    fd: int
    path: str
    made: list[str]


class Birth(Struct, frozen=True, kw_only=True):
    """With what init was born: its surroundings, and what it decided by once and for all."""

    env: dict[str, str]
    directory: str
    asked: str | None
    command: list[str]
    options: dict[str, Any] = {}
    soft_files: int | None
    started_at: float
    init: Init
    dumpable: bool = True
    passable: list[int] = []


class Handover(Struct, kw_only=True):
    """An init. `falls` are the instants of the last replacements that were forced by an error."""

    version: str  # of the nsinit that hands over
    pid: int
    birth: Birth
    loaded: Loaded
    counts: dict[str, int] = {}
    plan: Plan
    core: CoreState
    queue: list[Event] = []
    runs: RunsState
    logs: LogsState
    outlets: list[OutletState]
    history: HistoryState
    notify: NotifyState
    listener: ListenerState
    parts: list[Part] = []
    falls: list[float] = []
    forced: bool = False  # by an error
    fds: list[int] = field(default_factory=list)


# --- To bytes and back ----------------------------------------------------------------------------


def pack(value: object) -> bytes:
    """Anything that is made of structs, as bytes; text may hold what is no Unicode."""
    plain = msgspec.to_builtins(value, builtin_types=(bytes,), enc_hook=encode_hook)
    return msgspec.msgpack.encode(_marked(plain))


def unpack(data: bytes, kind: Any) -> Any:  # noqa: ANN401  (what msgspec takes as a type)
    """What `pack` was given; BadHandoverError if it is not of that kind."""
    try:
        plain = _unmarked(msgspec.msgpack.decode(data))
        return msgspec.convert(plain, kind, builtin_types=(bytes,), dec_hook=decode_hook)
    except _UNREADABLE as error:
        raise BadHandoverError(f"cannot read what init handed over: {error}") from None


def _marked(value: Any) -> Any:  # noqa: ANN401  (what msgpack knows)
    """Text with surrogates (bytes of an environment) and huge numbers as marked text."""
    if isinstance(value, str):
        if value.isascii() and not value.startswith(_MARK):
            return value
        raw = value.encode("utf-8", "surrogatepass")
        return value if _is_plain(value) else f"{_MARK}t{raw.decode('latin-1')}"
    if isinstance(value, dict):
        return {_marked(key): _marked(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_marked(item) for item in value]
    if isinstance(value, int) and not -_BIG <= value < _BIG:
        return f"{_MARK}i{value}"
    return value


def _is_plain(text: str) -> bool:
    return not text.startswith(_MARK) and not any("\ud800" <= char <= "\udfff" for char in text)


def _unmarked(value: Any) -> Any:  # noqa: ANN401  (the same)
    if isinstance(value, str) and value.startswith(_MARK):
        if value[1:2] == "i":
            return int(value[2:])
        return value[2:].encode("latin-1").decode("utf-8", "surrogatepass")
    if isinstance(value, dict):
        return {_unmarked(key): _unmarked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_unmarked(item) for item in value]
    return value


def write(handover: Handover, rows: Iterable[list[Row]]) -> int:
    """The whole state in a sealed file; its descriptor. OSError when memory is short."""
    return memory.sealed("nsinit-handover", _pieces(pack(handover), rows))


def _pieces(head: bytes, rows: Iterable[list[Row]]) -> Iterator[bytes]:
    yield MAGIC + _HEAD.pack(VERSION, len(head))
    yield head
    for some in rows:
        data = msgspec.msgpack.encode(some)
        yield _SIZE.pack(len(data))
        yield data
    yield _SIZE.pack(0)


def read(fd: int) -> tuple[Handover, Iterator[list[Row]]]:
    """What `write` wrote; BadHandoverError if it is something else or of another version."""
    if not memory.is_sealed(fd):
        raise BadHandoverError(f"descriptor {fd} is no sealed file")
    begin = len(MAGIC) + _HEAD.size
    top = memory.read_at(fd, begin, 0)
    if len(top) < begin or not top.startswith(MAGIC):
        raise BadHandoverError("this is no handover of an init")
    version, size = _HEAD.unpack_from(top, len(MAGIC))
    if version != VERSION:
        why = f"the running init speaks version {version} of it, this nsinit {VERSION}"
        raise BadHandoverError(f"cannot take over: {why}")
    head = memory.read_at(fd, size, begin)
    if len(head) < size:
        raise BadHandoverError("the handover is cut short")
    return unpack(head, Handover), _rows(fd, begin + size)


def _rows(fd: int, at: int) -> Iterator[list[Row]]:
    while True:
        size = memory.read_at(fd, _SIZE.size, at)
        if len(size) < _SIZE.size:
            raise BadHandoverError("the handover is cut short")
        (length,) = _SIZE.unpack(size)
        if not length:
            return
        data = memory.read_at(fd, length, at + _SIZE.size)
        try:
            yield msgspec.msgpack.decode(data, type=list[Row])
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise BadHandoverError(f"cannot read the rings: {error}") from None
        at += _SIZE.size + length
