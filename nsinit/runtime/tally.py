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
    """Counts for one sink of one stream."""

    __slots__ = ("bytes", "dropped", "key")

    def __init__(self, key: tuple[str, str, str]) -> None:
        self.key = key
        self.bytes = 0
        self.dropped = 0


class Tallies:
    """All of them; they outlive runs."""

    def __init__(self) -> None:
        self._all: dict[tuple[str, str, str], Tally] = {}

    def of(self, service: str, stream: str, sink: str) -> Tally:
        """That of a sink, from 0 on."""
        key = (service, stream, sink)
        found = self._all.get(key)
        if found is None:
            found = self._all[key] = Tally(key)
        return found

    def counters(self) -> list[Counter]:
        """All, in the order in which they were first needed."""
        return [Counter(*tally.key, tally.bytes, tally.dropped) for tally in self._all.values()]

    def of_services(self, services: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Those of services for `ctl status`."""
        mine: dict[str, list[Counter]] = {service: [] for service in services}
        for tally in self._all.values() if mine else ():
            if (found := mine.get(tally.key[0])) is not None:
                found.append(Counter(*tally.key, tally.bytes, tally.dropped))
        return {service: self._shown(found) for service, found in mine.items()}

    def _shown(self, mine: list[Counter]) -> dict[str, Any]:
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
        self._all = {key: tally for key, tally in self._all.items() if key[0] in services}

    def adopt(self, counters: Iterable[tuple[str, str, str, int, int]]) -> None:
        """Go on from another's."""
        for service, stream, sink, size, dropped in counters:
            tally = self.of(service, stream, sink)
            tally.bytes, tally.dropped = size, dropped
