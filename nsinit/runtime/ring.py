"""The last output of each service, in memory, for `nsinit ctl logs`. Pure.

A ring grows on use up to its own limit; all rings together stay under one cap, at the cost of the
oldest output of whoever writes. What counts is the output and `COST` bytes for each read that
brought some of it, which is what noting its time takes: a service that flushes each short line
takes no more memory than one that writes blocks. A chunk is given back when all of it is forgotten,
so that a ring may hold `CHUNK` bytes more than it tells.

Lines are numbered by the bytes of all output up to their ends: numbers rise from line to line over
all services, and nobody has to count lines for that.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from collections import deque
from heapq import merge
from typing import TYPE_CHECKING, Final

from nsinit.named import Named
from nsinit.runtime.lines import Block

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterable, Iterator, Mapping

    Row = tuple[int, float, str, int, str, bytes, bool, bool]

_PIECE: Final = 1 << 20  # bytes of records that are handed over at once
TOTAL: Final = 64 << 20
CHUNK: Final = 16 << 10
COST: Final = 32  # bytes: the arrays of a chunk take 29 for a record
GONE: Final = 100  # services that are no more, whose last output is kept
PAUSE: Final = 500  # records that are looked through at once
STREAMS: Final = ("stdout", "stderr", "syslog", "journal")
_GOES_ON, _CONTINUES, _STREAM = 1, 2, 4


class Record(Named):
    """Whole lines that were read together: `at` is the clock time (s) of that.

    `number` is that of the last line; that of another is less by the bytes that come after it.
    """

    number: int
    at: float
    service: str
    run: int
    stream: str
    block: Block


class Wanted(Named):
    """Which records somebody wants to see: clock times (s), and lines numbered above `after`.

    `runs` are those of each service, from the first to the last, and `other_runs` those of services
    that are not there. Records are taken to be in the order of their times, which is wrong where
    the clock was set.
    """

    services: Container[str] | None = None
    since: float = -math.inf
    until: float = math.inf
    after: int = 0
    runs: Mapping[str, tuple[float, float]] = {}
    other_runs: tuple[float, float] = (0, math.inf)
    stream: str | None = None

    def fits(self, record: Record) -> bool:
        """Whether a record is wanted, apart from its time and number."""
        if self.services is not None and record.service not in self.services:
            return False
        first, last = self.runs.get(record.service, self.other_runs)
        fits = self.stream is None or record.stream == self.stream
        return fits and first <= record.run <= last


ALL: Final = Wanted()


class _Chunk:
    """Records of one service that came one after the other, closely packed."""

    __slots__ = (
        *("ats", "begin", "data", "ends", "first"),
        *("kinds", "numbers", "open", "runs", "service"),
    )

    def __init__(self, service: str, data: bytes | bytearray, begin: int = 0) -> None:
        self.service = service
        self.data = data  # the bytes of one large record, or a place for many
        self.begin = begin  # of the first record
        self.open = isinstance(data, bytearray)
        self.first = 0  # those before it are forgotten
        self.numbers = array("Q")
        self.ats = array("d")
        self.runs = array("Q")
        self.ends = array("I")
        self.kinds = bytearray()

    def add(self, record: Record, start: int) -> None:
        """Take the lines of a record from an offset on."""
        block = record.block
        if isinstance(self.data, bytearray):
            self.data += memoryview(block.data)[start:]
            self.open = len(self.data) + COST * len(self) < CHUNK
        self.numbers.append(record.number)
        self.ats.append(record.at)
        self.runs.append(record.run)
        self.ends.append(len(self.data))
        flags = _GOES_ON * block.goes_on + _CONTINUES * (block.continues and not start)
        self.kinds.append(_STREAM * STREAMS.index(record.stream) + flags)

    def size(self, index: int) -> int:
        return self.ends[index] - (self.ends[index - 1] if index else self.begin)

    def record(self, index: int) -> Record:
        start, kind = self.ends[index] - self.size(index), self.kinds[index]
        data = bytes(self.data[start : self.ends[index]])
        return Record(
            self.numbers[index],
            self.ats[index],
            self.service,
            self.runs[index],
            STREAMS[kind // _STREAM],
            Block(data, bool(kind & _GOES_ON), bool(kind & _CONTINUES)),
        )

    def __len__(self) -> int:
        return len(self.ends)


_Span = tuple[_Chunk, int, int]  # the records of a chunk from one index up to another


class Rings:
    """One ring per service."""

    def __init__(self, total: int = TOTAL) -> None:
        self.total = total
        self.size = 0
        self._rings: dict[str, deque[_Chunk]] = {}
        self._sizes: dict[str, int] = {}
        self._limits: dict[str, int] = {}
        self._gone: dict[str, None] = {}  # services that are no more, in the order of their leaving
        self._number = 0

    @property
    def services(self) -> list[str]:
        """Those that have written something, also if they are no more."""
        return list(self._rings)

    def limit(self, service: str, size: int) -> None:
        """How many bytes of a service are kept."""
        self._limits[service] = size

    def add(self, at: float, service: str, run: int, stream: str, block: Block) -> Record:
        """Keep a block, of a large one the end, and forget what is too old for the limits."""
        self._number += len(block.data)
        limit = self._limits.get(service, 0)
        record = Record(self._number, at, service, run, stream, block)
        self._put(record, _tail(block.data, min(limit, self.total) - COST))
        self._gone.pop(service, None)
        while self.size > self.total and self._gone:
            self._drop(next(iter(self._gone)))
        ring = self._rings[service]
        while ring and (self._sizes[service] > limit or self.size > self.total):
            self._forget(service, ring)
        return record

    def _put(self, record: Record, start: int = 0) -> None:
        ring = self._rings.setdefault(record.service, deque())
        size = len(record.block.data) - start
        if start > CHUNK:
            record, start = record._replace(block=_from(record.block, start)), 0
        if size >= CHUNK:
            ring.append(_Chunk(record.service, record.block.data, start))  # without a copy
        elif not ring or not ring[-1].open:
            ring.append(_Chunk(record.service, bytearray()))
        ring[-1].add(record, start)
        self._grow(record.service, size + COST)

    def _forget(self, service: str, ring: deque[_Chunk]) -> None:
        chunk = ring[0]
        self._grow(service, -chunk.size(chunk.first) - COST)
        chunk.first += 1
        if chunk.first == len(chunk):
            ring.popleft()

    def forget_all_but(self, services: Collection[str]) -> None:
        """Of services that are no more the last ones' output stays while there is room for it."""
        self._limits = {name: size for name, size in self._limits.items() if name in services}
        gone = {name: None for name in self._gone if name not in services}
        self._gone = gone | {name: None for name in self._rings if name not in services}
        for name in list(self._gone)[:-GONE]:
            self._drop(name)

    def _drop(self, service: str) -> None:
        del self._rings[service], self._gone[service]
        self.size -= self._sizes.pop(service)

    def _grow(self, service: str, size: int) -> None:
        self.size += size
        self._sizes[service] = self._sizes.get(service, 0) + size

    # --- For another init -------------------------------------------------------------------------

    def export(self) -> tuple[dict[str, int], int]:
        """The limits, and the number of the last record."""
        return dict(self._limits), self._number

    def rows(self) -> Iterator[list[Row]]:
        """Every record, some at a time, in the order of the rings."""
        some: list[Row] = []
        size = 0
        for ring in self._rings.values():
            for chunk in ring:
                for index in range(chunk.first, len(chunk)):
                    r = chunk.record(index)
                    data, goes_on, continues = r.block[:3]
                    row = (r.number, r.at, r.service, r.run, r.stream, data, goes_on, continues)
                    some.append(row)
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
                if stream in STREAMS:
                    block = Block(data, goes_on, continues)
                    self._put(Record(at, wall, service, run, stream, block))

    # --- Looking ----------------------------------------------------------------------------------

    def look(self, wanted: Wanted = ALL) -> Look:
        """What is wanted of what there is now."""
        return Look(list(self._chosen(wanted)), wanted)

    def records(self, services: Container[str] | None = None) -> list[Record]:
        """What is kept of some services, or of all, in the order in which it was read."""
        return [record for record in self.look(Wanted(services)).find() if record is not None]

    def last(self, service: str, count: int) -> list[Record]:
        """The last lines of a service, in the order in which they were read."""
        look = self.look(Wanted({service}))
        return [record for record in look.last(count) if record is not None]

    def last_words(self, service: str, run: int, count: int, size: int) -> bytes:
        """At most so many of the last lines of a run, and so many bytes of them."""
        kept: list[bytes] = []
        lines = 0
        spans = [(chunk, chunk.first, len(chunk)) for chunk in self._rings.get(service, ())]
        for record in _backwards(spans):
            if record.run != run or size <= 0 or lines >= count:
                break
            kept.append(record.block.data[-size:])
            size -= len(kept[-1])
            lines += kept[-1].count(b"\n")
        found = b"".join(reversed(kept)).split(b"\n")
        return b"\n".join(found[-count - 1 :])

    def _chosen(self, wanted: Wanted) -> Iterator[deque[_Chunk]]:
        for name, ring in self._rings.items():
            if wanted.services is None or name in wanted.services:
                yield ring


class Look:
    """Some records, as they were when they were asked for; what is older than wanted costs nothing.

    They are made while they are taken, and None stands for a while in which none was found: so
    that whoever takes them can do something else meanwhile.
    """

    def __init__(self, rings: Iterable[Iterable[_Chunk]], wanted: Wanted) -> None:
        self._wanted = wanted
        spans = [[(chunk, chunk.first, len(chunk)) for chunk in ring] for ring in rings]
        self._spans = [_newer(ring, wanted.since, wanted.after) for ring in spans]

    def find(self) -> Iterator[Record | None]:
        """All of them, in the order in which they were read."""
        return self._find(self._wanted.after)

    def last(self, count: int) -> Iterator[Record | None]:
        """The last `count` lines of them, in the same order."""
        if count <= 0:
            return
        after = self._wanted.after
        rows = merge(*map(_backwards, self._spans), key=_number, reverse=True)
        for seen, record in enumerate(rows):
            if seen % PAUSE == PAUSE - 1:
                yield None
            if not self._fits(record):
                continue
            shown = last_of(_after(record, after), count)
            count -= shown.block.data.count(b"\n")
            if not count:
                after = shown.number - len(shown.block.data)
                break
        yield from self._find(after)

    def _find(self, after: int) -> Iterator[Record | None]:
        spans = [_newer(ring, -math.inf, after) for ring in self._spans]
        for seen, record in enumerate(merge(*map(_forwards, spans), key=_number)):
            if self._fits(record):
                yield _after(record, after)
            elif seen % PAUSE == 0:
                yield None

    def _fits(self, record: Record) -> bool:
        return record.at <= self._wanted.until and self._wanted.fits(record)


def _number(record: Record) -> int:
    return record.number


def _newer(spans: list[_Span], since: float, after: int) -> list[_Span]:
    """Those records that are not too old: a look at some of the chunks and into one of them."""
    found: list[_Span] = []
    for chunk, start, stop in reversed(spans):
        at = max(
            bisect_left(chunk.ats, since, start, stop),
            bisect_right(chunk.numbers, after, start, stop),
        )
        if at < stop:
            found.append((chunk, at, stop))
        if at > start:
            break
    return found[::-1]


def _forwards(spans: list[_Span]) -> Iterator[Record]:
    for chunk, start, stop in spans:
        for index in range(start, stop):
            yield chunk.record(index)


def _backwards(spans: list[_Span]) -> Iterator[Record]:
    for chunk, start, stop in reversed(spans):
        for index in range(stop - 1, start - 1, -1):
            yield chunk.record(index)


def _tail(data: bytes, size: int) -> int:
    """Where the last whole lines begin that fit; a single line that does not is kept anyway."""
    if len(data) <= size:
        return 0
    start = data.find(b"\n", max(0, len(data) - size - 1), len(data) - 1) + 1
    return start or data.rfind(b"\n", 0, len(data) - 1) + 1


def _from(block: Block, start: int) -> Block:
    """The lines of a block from an offset on."""
    return block._replace(data=block.data[start:], continues=block.continues and not start)


def _after(record: Record, number: int) -> Record:
    """The lines of a record with larger numbers; there is one."""
    at = len(record.block.data) - (record.number - number)
    if at <= 0:
        return record
    start = record.block.data.rfind(b"\n", 0, at) + 1
    return record._replace(block=_from(record.block, start))


def last_of(record: Record, count: int) -> Record:
    """The last lines of a record, `count` at most."""
    has = record.block.data.count(b"\n")
    if has <= count:
        return record
    at = len(record.block.data)
    for _ in range(count + 1):
        at = record.block.data.rfind(b"\n", 0, at)
    return record._replace(block=_from(record.block, at + 1))


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
