"""The past of an init as bytes, for the one that takes its place; see `handover`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from nsinit.core.view import ServiceView
from nsinit.runtime.deaths import Death
from nsinit.runtime.events import EventType, Happening, Note
from nsinit.runtime.handover import BadHandoverError, pack, unpack

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# By the number of values; before there were types a change had four.
_CHANGE = {
    4: tuple[int, float, str, ServiceView],
    5: tuple[int, float, str, ServiceView, EventType],
}
_NOTE = tuple[int, float, EventType, str, int, dict[str, Any], tuple[str, ...] | None]


def pack_events(events: Iterable[Happening | Note]) -> list[bytes]:
    """The events of a history."""
    return [pack(tuple(event)) for event in events]


def unpack_events(rows: list[bytes]) -> Iterator[Happening | Note]:
    """Those of them that this version understands."""
    for row in rows:
        try:
            values = len(msgspec.msgpack.decode(row))
            if values in _CHANGE:
                yield Happening(*unpack(row, _CHANGE[values]))
            else:
                yield Note(*unpack(row, _NOTE))
        except (BadHandoverError, msgspec.MsgspecError, TypeError):
            continue


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
