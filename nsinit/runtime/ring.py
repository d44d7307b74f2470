"""The last output of each service, in memory, for `nsinit ctl logs`. Pure.

A ring grows on use up to its own limit; all rings together stay under one cap, at the cost of the
oldest output of whoever writes.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from nsinit.runtime.lines import Block

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Row = tuple[int, float, str, int, str, bytes, bool, bool]

_PIECE: Final = 1 << 20  # bytes of records that are handed over at once
TOTAL: Final = 64 << 20


class Record(NamedTuple):
    """Whole lines that were read together: `at` is the clock time (s) of that."""

    number: int
    at: float
    service: str
    run: int
    stream: str
    block: Block


class Rings:
    """One ring per service."""

    def __init__(self, total: int = TOTAL) -> None:
        self.total = total
        self.size = 0
        self._rings: dict[str, deque[Record]] = {}
        self._sizes: dict[str, int] = {}
        self._limits: dict[str, int] = {}
        self._number = 0

    def limit(self, service: str, size: int) -> None:
        """How many bytes of a service are kept."""
        self._limits[service] = size

    def add(self, at: float, service: str, run: int, stream: str, block: Block) -> Record:
        """Keep a block, and forget what is too old for the limits."""
        self._number += 1
        limit = self._limits.get(service, 0)
        block = _tail(block, min(limit, self.total))
        record = Record(self._number, at, service, run, stream, block)
        ring = self._rings.setdefault(service, deque())
        ring.append(record)
        grown = len(block.data)
        self.size += grown
        self._sizes[service] = self._sizes.get(service, 0) + grown
        while ring and (self._sizes[service] > limit or self.size > self.total):
            gone = len(ring.popleft().block.data)
            self.size -= gone
            self._sizes[service] -= gone
        return record

    def export(self) -> tuple[dict[str, int], int]:
        """The limits, and the number of the last record."""
        return dict(self._limits), self._number

    def rows(self) -> Iterator[list[Row]]:
        """Every record, some at a time, in the order of the rings."""
        some: list[Row] = []
        size = 0
        for ring in self._rings.values():
            for r in ring:
                some.append((r.number, r.at, r.service, r.run, r.stream, *r.block))
                size += len(r.block.data)
                if size >= _PIECE:
                    yield some
                    some, size = [], 0
        if some:
            yield some

    def adopt(self, limits: dict[str, int], number: int, rows: Iterable[list[Row]]) -> None:
        """Go on with what other rings had."""
        self._limits, self._number = dict(limits), number
        for some in rows:
            for at, wall, service, run, stream, data, goes_on, continues in some:
                record = Record(at, wall, service, run, stream, Block(data, goes_on, continues))
                self._rings.setdefault(service, deque()).append(record)
                self._sizes[service] = self._sizes.get(service, 0) + len(data)
                self.size += len(data)

    def records(self, services: set[str] | None = None) -> list[Record]:
        """What is kept of some services, or of all, in the order in which it was read."""
        rings = (r for name, r in self._rings.items() if services is None or name in services)
        return sorted((record for ring in rings for record in ring), key=lambda r: r.number)


def _tail(block: Block, size: int) -> Block:
    """The last whole lines of a block that fit; a single line that does not is kept anyway."""
    if len(block.data) <= size:
        return block
    start = block.data.find(b"\n", max(0, len(block.data) - size - 1), len(block.data) - 1) + 1
    start = start or block.data.rfind(b"\n", 0, len(block.data) - 1) + 1
    return block._replace(data=block.data[start:], continues=block.continues and not start)


def lines(record: Record) -> Iterator[tuple[bytes, bool, bool]]:
    """Each line without its newline, whether it goes on in the next, whether it continues one."""
    parts = record.block.data[:-1].split(b"\n")
    last = len(parts) - 1
    for index, part in enumerate(parts):
        yield (
            part,
            record.block.goes_on and index == last,
            record.block.continues and index == 0,
        )
