"""The rounds of a trial: every peer in turn, as often as the time allows."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from .figures import Row
from .measure import Ask

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .measure import Found, Measure, Trial
    from .peer import Contender
    from .stage import Stage


_BEGAN: Final = time.monotonic()


class Effort(NamedTuple):
    """How much is to be measured: fewer rounds, or as many as are said, whatever time they take."""

    quick: bool = False
    rounds: int = 0


class Rounds:
    """One trial with one number of services."""

    def __init__(self, stage: Stage, trial: Trial, count: int, effort: Effort) -> None:
        self._stage = stage
        self._trial = trial
        self._count = count
        self._effort = effort
        self._took: dict[str, float] = {}  # s by peer

    def run(self, peers: Sequence[Contender], measures: Sequence[Measure]) -> list[Row]:
        """The rows of these measures."""
        rows = [Row(measure, self._count) for measure in measures]
        effort = self._effort
        rounds = effort.rounds or self._trial.limits(effort.quick).rounds
        for number in range(rounds):
            there = [peer for peer in peers if self._has_time(peer)]
            wanted = [row for row in rows if self._is_wanted(row.measure, number)]
            if not there or not wanted:
                break
            what = f"{measures[0].name}, {self._count} {measures[0].things}"
            tell(f"{what}: round {number + 1} of {rounds}")
            # Who comes first changes, since the second finds warmer caches.
            self._round(there if number % 2 == 0 else there[::-1], wanted)
        tell("")
        return [row for row in rows if row.rounds]

    def _has_time(self, peer: Contender) -> bool:
        limit = self._trial.limits(self._effort.quick).seconds
        if self._effort.rounds or peer.name not in self._took:
            return True
        return self._took[peer.name] < limit

    def _is_wanted(self, measure: Measure, number: int) -> bool:
        if self._effort.rounds or not measure.rounds:
            return True
        return number < (1 if self._effort.quick else measure.rounds)

    def _round(self, peers: Sequence[Contender], rows: Sequence[Row]) -> None:
        trial = self._trial
        able = {peer.name: [row for row in rows if can(peer, row.measure)] for peer in peers}
        peers = [peer for peer in peers if able[peer.name]]
        if trial.together is not None:
            began = time.monotonic()
            found = trial.together(self._stage, peers, self._ask(rows))
            for peer in peers:
                _add(able[peer.name], peer, found[peer.name])
                self._note(peer, began)
        elif trial.sample is not None:
            for peer in peers:
                began = time.monotonic()
                mine = able[peer.name]
                _add(mine, peer, trial.sample(self._stage, peer, self._ask(mine)))
                self._note(peer, began)

    def _note(self, peer: Contender, began: float) -> None:
        self._took[peer.name] = self._took.get(peer.name, 0.0) + time.monotonic() - began

    def _ask(self, rows: Iterable[Row]) -> Ask:
        return Ask(self._count, frozenset(r.measure.name for r in rows), self._effort.quick)


def can(peer: Contender, measure: Measure) -> bool:
    """Whether a peer does what is measured."""
    return all(getattr(peer, word) for word in measure.needs.split())


def _add(rows: Iterable[Row], peer: Contender, found: Found) -> None:
    for row in rows:
        row.add(peer.name, list(found[row.measure.name]))


def tell(text: str) -> None:
    """How far it is, and since when, to whoever waits."""
    if text:
        text = f"{time.monotonic() - _BEGAN:4.0f} s  {text}"
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
    elif text:
        print(text, file=sys.stderr)
