"""Lines joined into records, filtered and limited, before they go anywhere. Pure.

Loaded only by who asks for it: here each line is looked at. Time is a parameter (monotonic s).
Whatever is left out is counted to the byte: by `filtered` if a pattern did not want it, by
`limited` if it was too much, which is also told in the stream, once a second at most. The pieces of
a line that was cut share the fate of the first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from nsinit.model.probing import LINE_MAX, compile_pattern
from nsinit.runtime.lines import Block

if TYPE_CHECKING:
    from collections.abc import Callable

    from nsinit.model.shaping import ShapeRules
    from nsinit.runtime.logstate import ShaperState
    from nsinit.runtime.tally import Tally

    # A search and the instant that it belongs to; None: it took too long.
    Guard = Callable[[Callable[[], list[bool]], float], list[bool] | None]

_TELL_AFTER: Final = 1.0  # s between two notes of what was left out
_HEAD: Final = LINE_MAX  # bytes of a line that patterns see


class Piece(NamedTuple):
    """Lines, and whether they are one record."""

    block: Block
    joined: bool


class Note(Piece):
    """What nsinit itself says there."""


class Shaper:
    """One stream."""

    def __init__(
        self, rules: ShapeRules, filtered: Tally, limited: Tally, guard: Guard, now: float
    ) -> None:
        """`guard` bounds the time of all searches of an instant; after that there are none."""
        self.rules = rules
        self._filtered = filtered
        self._limited = limited
        self._guard = guard
        self._off = False
        self._first = compile_pattern(rules.first) if rules.first else None
        self._include = [compile_pattern(one) for one in rules.include]
        self._exclude = [compile_pattern(one) for one in rules.exclude]
        self._held: list[bytes] = []  # lines of a record that may go on
        self._held_size = 0
        self._added_at = now
        self._wanted = self._allowed = True  # whether the line that was cut was let through
        self._most_lines = max(rules.lines * rules.burst, 1.0)
        self._most_bytes = max(rules.bytes * rules.burst, 1.0)
        self._lines, self._bytes = self._most_lines, self._most_bytes  # that may come now
        self._filled_at = now
        self._untold = (0, 0)  # lines and bytes
        self._told_at = now - _TELL_AFTER

    # --- In and out -------------------------------------------------------------------------------

    def feed(self, blocks: list[Block], now: float) -> list[Piece]:
        """What comes out by now."""
        pieces = [piece for block in blocks for piece in self._join(block, now)]
        return self._let_through(pieces, now)

    def tick(self, now: float) -> list[Piece]:
        """What was held for long enough, and notes that are due."""
        pieces: list[Piece] = []
        if self._held and now - self._added_at >= self.rules.hold:
            pieces = self._release()
        return self._let_through(pieces, now)

    def flush(self, now: float) -> list[Piece]:
        """All that is held: the run is over."""
        made = self._let_through(self._release(), now)
        return made + self._note(now) if any(self._untold) else made

    @property
    def wake_at(self) -> float | None:
        """When `tick` has something to do; None if never."""
        due = [self._added_at + self.rules.hold] if self._held else []
        if any(self._untold):
            due.append(self._told_at + _TELL_AFTER)
        return min(due, default=None)

    @property
    def is_off(self) -> bool:
        """Whether a pattern took too long, so that none is used any more."""
        return self._off

    # --- Records of several lines -----------------------------------------------------------------

    def _join(self, block: Block, now: float) -> list[Piece]:
        if self._first is None:
            return [Piece(block, joined=False)]
        lines = block.data[:-1].split(b"\n")
        first_of = self._first
        begins = self._search(lambda line: first_of.search(line) is not None, lines, now)
        made: list[Piece] = []
        last = len(lines) - 1
        for index, (line, first) in enumerate(zip(lines, begins, strict=True)):
            goes_on = block.goes_on and index == last
            continues = block.continues and index == 0
            if goes_on or continues:
                made += [*self._release(), Piece(Block(line + b"\n", goes_on, continues), False)]
                continue
            if first or self._held_size + len(line) >= self.rules.limit:
                made += self._release()
            self._held.append(line)
            self._held_size += len(line) + 1
            self._added_at = now
        return _gathered(made)

    def _release(self) -> list[Piece]:
        if not self._held:
            return []
        data = b"\n".join(self._held) + b"\n"
        joined = len(self._held) > 1
        self._held, self._held_size = [], 0
        return [Piece(Block(data), joined)]

    # --- What is let through ----------------------------------------------------------------------

    def _let_through(self, pieces: list[Piece], now: float) -> list[Piece]:
        rules = self.rules
        if self._include or self._exclude:
            pieces = [kept for piece in pieces for kept in self._filter(piece, now)]
        if rules.lines or rules.bytes:
            pieces = [kept for piece in pieces for kept in self._limit(piece, now)]
            if any(self._untold) and now - self._told_at >= _TELL_AFTER:
                pieces = pieces + self._note(now)
        return pieces

    def _filter(self, piece: Piece, now: float) -> list[Piece]:
        block = piece.block
        lines = [block.data[:-1]] if piece.joined else block.data[:-1].split(b"\n")
        wanted = self._search(self._is_wanted, lines, now)
        if block.continues:
            wanted[0] = self._wanted
        if block.goes_on:
            self._wanted = wanted[-1]
        self._filtered.bytes += _size(block)
        if all(wanted):
            return [piece]
        made, lost = _picked(piece, lines, wanted)
        self._filtered.dropped += lost
        return made

    def _is_wanted(self, line: bytes) -> bool:
        if self._include and not any(one.search(line) for one in self._include):
            return False
        return not any(one.search(line) for one in self._exclude)

    def _search(self, test: Callable[[bytes], bool], lines: list[bytes], now: float) -> list[bool]:
        """For each line what a test says; True for all when patterns are not used any more."""
        found: list[bool] | None = None
        if not self._off:
            found = self._guard(lambda: [test(line[:_HEAD]) for line in lines], now)
        if found is None:
            self._off = True
            return [True] * len(lines)
        return found

    def _limit(self, piece: Piece, now: float) -> list[Piece]:
        rules, block = self.rules, piece.block
        gone, self._filled_at = max(0.0, now - self._filled_at), now
        self._lines = min(self._most_lines, self._lines + gone * rules.lines)
        self._bytes = min(self._most_bytes, self._bytes + gone * rules.bytes)
        self._limited.bytes += _size(block)
        count = block.data.count(b"\n")
        if self._fit(count, len(block.data)) and not block.continues:
            self._take(count, len(block.data))
            self._allowed = True
            return [piece]
        lines = [block.data[:-1]] if piece.joined else block.data[:-1].split(b"\n")
        allowed: list[bool] = []
        for index, line in enumerate(lines):
            number = count if piece.joined else 1
            fits = self._allowed if block.continues and not index else self._has_room
            if fits:
                self._take(number, len(line) + 1)
            allowed.append(fits)
        if block.goes_on:
            self._allowed = allowed[-1]
        made, lost = _picked(piece, lines, allowed)
        if lost:
            self._limited.dropped += lost
            dropped = count if piece.joined else allowed.count(False)
            self._untold = (self._untold[0] + dropped, self._untold[1] + lost)
        return made

    def _fit(self, lines: int, size: int) -> bool:
        """Whether all of it may come now."""
        enough = not self.rules.lines or self._lines >= lines
        return enough and (not self.rules.bytes or self._bytes >= size)

    @property
    def _has_room(self) -> bool:
        """Whether a line or a record may come, which then may be larger than what is left."""
        enough = not self.rules.lines or self._lines >= 1
        return enough and (not self.rules.bytes or self._bytes >= 1)

    def _take(self, lines: int, size: int) -> None:
        self._lines -= lines
        self._bytes -= size

    def _note(self, now: float) -> list[Piece]:
        """Tell what was too much."""
        (lines, size), self._untold, self._told_at = self._untold, (0, 0), now
        text = f"nsinit: {lines} lines ({size} bytes) were dropped here: over the rate limit\n"
        return [Note(Block(text.encode()), joined=False)]

    # --- For another init -------------------------------------------------------------------------

    def export(self) -> ShaperState:
        """What is held, and all counts."""
        from nsinit.runtime.logstate import ShaperState  # noqa: PLC0415  (loaded by then)

        return ShaperState(
            off=self._off,
            held=self._held,
            added_at=self._added_at,
            wanted=self._wanted,
            allowed=self._allowed,
            room=(self._lines, self._bytes),
            filled_at=self._filled_at,
            untold=self._untold,
            told_at=self._told_at,
        )

    def adopt(self, state: ShaperState) -> None:
        """Go on where another was; the clock is the same."""
        self._off, self._held, self._added_at = state.off, state.held, state.added_at
        self._held_size = sum(len(line) + 1 for line in state.held)
        self._wanted, self._allowed = state.wanted, state.allowed
        (self._lines, self._bytes), self._filled_at = state.room, state.filled_at
        self._untold, self._told_at = state.untold, state.told_at


def _size(block: Block) -> int:
    """The bytes of the service in it: the newline that a cut added is not its."""
    return len(block.data) - block.goes_on


def _picked(piece: Piece, lines: list[bytes], chosen: list[bool]) -> tuple[list[Piece], int]:
    """The lines that are chosen, as one piece, and how many bytes the others have."""
    block = piece.block
    kept = [line for line, yes in zip(lines, chosen, strict=True) if yes]
    left = sum(len(line) + 1 for line, yes in zip(lines, chosen, strict=True) if not yes)
    if block.goes_on and not chosen[-1]:
        left -= 1
    if not kept:
        return [], left
    data = b"\n".join(kept) + b"\n"
    made = Block(data, block.goes_on and chosen[-1], block.continues and chosen[0])
    return [piece._replace(block=made)], left


def _gathered(pieces: list[Piece]) -> list[Piece]:
    """Single lines in a row as one piece: they need no work of their own each."""
    made: list[Piece] = []
    row: list[bytes] = []

    def end_row() -> None:
        if row:
            made.append(Piece(Block(b"".join(row)), joined=False))
            row.clear()

    for piece in pieces:
        if piece.joined or piece.block.goes_on or piece.block.continues:
            end_row()
            made.append(piece)
        else:
            row.append(piece.block.data)
    end_row()
    return made
