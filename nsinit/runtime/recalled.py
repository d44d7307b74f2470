"""The past of an init as bytes, for the one that takes its place; see `handover`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from nsinit.core.view import ServiceView
from nsinit.runtime.deaths import Death
from nsinit.runtime.events import EventType, Happening, Note
from nsinit.runtime.handover import BadHandoverError, pack, unpack

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# By the number of values; before there were types a change had four.
_KINDS: Final[dict[int, Any]] = {
    4: tuple[int, float, str, ServiceView],
    5: tuple[int, float, str, ServiceView, EventType],
    7: tuple[int, float, EventType, str, int, dict[str, Any], tuple[str, ...] | None],
}
_NOTE: Final = 7
# Events are many, and `pack` is thorough: what msgpack can say by itself it says, after this byte,
# with which no msgpack begins.
_DIRECT: Final = b"\xc1"
_UNREADABLE: Final = (
    BadHandoverError,
    msgspec.MsgspecError,
    KeyError,
    IndexError,
    RecursionError,
    UnicodeDecodeError,
)
_encode: Final = msgspec.msgpack.Encoder().encode
_DECODERS: Final = {count: msgspec.msgpack.Decoder(kind).decode for count, kind in _KINDS.items()}


def pack_events(events: Iterable[Happening | Note]) -> list[bytes]:
    """The events of a history."""
    return [_pack_event(tuple(event)) for event in events]


def _pack_event(event: tuple[object, ...]) -> bytes:
    try:
        return _DIRECT + _encode(event)
    except (UnicodeEncodeError, OverflowError):
        return pack(event)


def unpack_events(rows: list[bytes]) -> Iterator[Happening | Note]:
    """Those of them that this version understands."""
    for row in rows:
        try:
            values = _unpack_event(row)
        except _UNREADABLE:
            continue
        yield Note(*values) if len(values) == _NOTE else Happening(*values)


def _unpack_event(row: bytes) -> tuple[Any, ...]:
    direct = row.startswith(_DIRECT)
    count = row[direct] & 0x0F  # a short array
    made: tuple[Any, ...] = _DECODERS[count](row[1:]) if direct else unpack(row, _KINDS[count])
    return made


def pack_deaths(deaths: Iterable[Death]) -> list[bytes]:
    """Ends of runs."""
    return [pack(death) for death in deaths]


def unpack_deaths(rows: list[bytes]) -> Iterator[Death]:
    """Those that this version understands."""
    for row in rows:
        try:
            yield unpack(row, Death)
        except BadHandoverError:
            continue
