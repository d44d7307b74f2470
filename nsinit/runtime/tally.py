"""How many bytes each sink of each stream was handed, and how many of them it dropped. Pure.

Bytes are those that stand there in the end, with prefixes and whatever else a form adds. What
waits in a queue is neither: it may still be either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from nsinit.named import Named

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

CAPTURE: Final = "capture"  # what was read of a stream; nothing is dropped there


class Counter(Named):
    """One sink of one stream since init began; `bytes` includes what was dropped."""

    service: str
    stream: str
    sink: str
    bytes: int
    dropped: int


class Tally:
    """Counts for one sink of one stream of a service."""

    __slots__ = ("bytes", "dropped", "place", "service")

    def __init__(self, service: str, place: tuple[str, str]) -> None:
        """`place` is the stream and the sink."""
        self.service = service
        self.place = place
        self.bytes = 0
        self.dropped = 0

    @property
    def key(self) -> tuple[str, str, str]:
        """The service, the stream and the sink."""
        return (self.service, *self.place)


class Tallies:
    """All of them; they outlive runs."""

    def __init__(self) -> None:
        self._all: dict[str, list[Tally]] = {}
        self._places: dict[tuple[str, str], tuple[str, str]] = {}  # the same for all services

    def of(self, service: str, stream: str, sink: str) -> Tally:
        """That of a sink, from 0 on."""
        place = (stream, sink)
        mine = self._all.setdefault(service, [])
        for tally in mine:
            if tally.place == place:
                return tally
        made = Tally(service, self._places.setdefault(place, place))
        mine.append(made)
        return made

    def counters(self) -> list[Counter]:
        """All, by service, in the order in which they were first needed."""
        return [_counter(tally) for mine in self._all.values() for tally in mine]

    def of_services(self, services: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Those of services for `ctl status`."""
        return {service: self._shown(service) for service in services}

    def _shown(self, service: str) -> dict[str, Any]:
        mine = [_counter(tally) for tally in self._all.get(service, ())]
        return {
            "bytes": sum(one.bytes for one in mine if one.sink == CAPTURE),
            "dropped": sum(one.dropped for one in mine),
            "sinks": [
                {
                    "stream": one.stream,
                    "sink": one.sink,
                    "bytes": one.bytes,
                    "dropped": one.dropped,
                }
                for one in mine
                if one.sink != CAPTURE
            ],
        }

    def forget_all_but(self, services: Collection[str]) -> None:
        """Those of services that are no more; one that comes again begins at 0."""
        self._all = {name: mine for name, mine in self._all.items() if name in services}

    def adopt(self, counters: Iterable[tuple[str, str, str, int, int]]) -> None:
        """Go on from another's."""
        for service, stream, sink, size, dropped in counters:
            tally = self.of(service, stream, sink)
            tally.bytes, tally.dropped = size, dropped


def _counter(tally: Tally) -> Counter:
    return Counter(*tally.key, tally.bytes, tally.dropped)
