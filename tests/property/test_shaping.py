"""Lines that are joined, filtered and limited: each goes out once, or is counted."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from nsinit.model.shaping import ShapeRules
from nsinit.runtime.handover import pack, unpack
from nsinit.runtime.lines import LineCutter
from nsinit.runtime.logstate import ShaperState
from nsinit.runtime.shaping import Piece, Shaper
from nsinit.runtime.tally import Tallies, Tally
from tests.support import strategies as some

LINES = st.lists(
    st.sampled_from([b"> one", b"> two", b"  more", b"", b"drop me", b"x" * 9, b"\xff\x00"]),
    max_size=40,
)
RULES = st.builds(
    ShapeRules,
    lines=st.sampled_from([0.0, 0.0, 1.0, 5.0]),
    bytes=st.sampled_from([0.0, 0.0, 8.0, 64.0]),
    burst=st.sampled_from([0.1, 1.0, 3.0]),
    include=st.sampled_from([(), (), (">",), ("one", "x")]),
    exclude=st.sampled_from([(), ("drop",)]),
    first=st.sampled_from(["", "^>"]),
    limit=st.integers(1, 60),
)
NOTE = re.compile(rb"nsinit: (\d+) lines \((\d+) bytes\) were dropped here: over the rate limit\n")


class World:
    """A shaper, its clock and all that came out."""

    def __init__(self, rules: ShapeRules) -> None:
        tallies = Tallies()
        self.filtered: Tally = tallies.of("a", "stdout", "filter")
        self.limited: Tally = tallies.of("a", "stdout", "rate_limit")
        self.rules, self.now = rules, 100.0
        self.shaper = self._make()
        self.out: list[Piece] = []

    def _make(self) -> Shaper:
        return Shaper(self.rules, self.filtered, self.limited, lambda work, _: work(), self.now)

    def replace(self) -> None:
        """Another init goes on."""
        state = unpack(pack(self.shaper.export()), ShaperState)
        self.shaper = self._make()
        self.shaper.adopt(state)

    def text(self) -> tuple[bytes, int]:
        """What came out of the service, and how many bytes the notes tell of."""
        told, made = 0, b""
        for block, _ in self.out:
            if found := NOTE.fullmatch(block.data):
                told += int(found[2])
            else:
                made += block.data[:-1] if block.goes_on else block.data
        return made, told


@given(st.data(), LINES, RULES, st.integers(2, 30))
def test_every_byte_goes_out_or_is_counted_when_lines_are_shaped(
    data: st.DataObject, lines: list[bytes], rules: ShapeRules, limit: int
) -> None:
    """However the stream is cut, whenever time passes, and over other inits."""
    stream = b"".join(line + b"\n" for line in lines)
    world, cutter = World(rules), LineCutter(limit)
    for piece in data.draw(some.cuts(stream)):
        world.out += world.shaper.feed(cutter.feed(piece), world.now)
        step = data.draw(st.sampled_from([0.0, 0.0, 0.3, 2.0]))
        world.now += step
        at = world.shaper.wake_at
        if step and at is not None and at <= world.now:
            world.out += world.shaper.tick(world.now)
        if step:
            world.replace()
    world.out += world.shaper.feed(cutter.flush(), world.now)
    world.out += world.shaper.flush(world.now)
    made, told = world.text()
    lost = world.filtered.dropped + world.limited.dropped
    assert len(made) + lost == len(stream)
    assert told == world.limited.dropped
    assert world.shaper.wake_at is None
    if not lost:
        assert made == stream
    it = iter(made.split(b"\n"))
    assert len(made.split(b"\n")) <= len(stream.split(b"\n"))
    if limit >= 9:  # no line was cut: what is left is some of the lines, in order
        whole = iter(stream.split(b"\n"))
        assert all(any(line == other for other in whole) for line in it)


@given(LINES, st.data())
def test_records_are_whole_when_lines_are_joined(lines: list[bytes], data: st.DataObject) -> None:
    """Each begins with a line that the pattern finds, but for what had no beginning."""
    stream = b"".join(line + b"\n" for line in lines)
    world, cutter = World(ShapeRules(first="^>", limit=1 << 20)), LineCutter(100)
    for piece in data.draw(some.cuts(stream)):
        world.out += world.shaper.feed(cutter.feed(piece), world.now)
    world.out += world.shaper.flush(world.now)
    records: list[bytes] = []
    for block, joined in world.out:
        body = block.data[:-1]
        records += [body] if joined else body.split(b"\n")
    expected = re.split(rb"\n(?=>)", stream[:-1]) if lines else []
    assert records == expected


def test_line_is_let_through_when_a_second_has_passed() -> None:
    """Two at once, then one a second; the rest is told of once a second."""
    world = World(ShapeRules(lines=1, burst=2))
    cutter = LineCutter(100)
    made: list[list[bytes]] = []
    for _ in range(3):
        out = world.shaper.feed(cutter.feed(b"a\nb\nc\nd\n"), world.now)
        made.append([line for block, _ in out for line in block.data.splitlines()])
        world.now += 1
    note = b"nsinit: %d lines (%d bytes) were dropped here: over the rate limit"
    assert made == [[b"a", b"b", note % (2, 4)], [b"a", note % (3, 6)], [b"a", note % (3, 6)]]


def test_pattern_is_not_used_any_more_when_it_took_too_long() -> None:
    """Then all lines pass; that is told by whoever looks at the time."""
    tallies = Tallies()
    asked: list[int] = []

    def guard(work: object, _: float) -> None:
        asked.append(id(work))

    tally = tallies.of("a", "stdout", "filter")
    shaper = Shaper(ShapeRules(include=("x",)), tally, tally, guard, 0.0)
    for _ in range(2):
        (piece,) = shaper.feed(LineCutter(9).feed(b"a\n"), 0.0)
        assert piece.block.data == b"a\n"
    assert shaper.is_off
    assert len(asked) == 1
