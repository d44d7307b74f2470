"""What is measured: rows of the table, and the trials that find the figures of several at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from .stage import Stage


class Measure(NamedTuple):
    """One row of the table, with every number of `things` that is measured."""

    name: str
    title: str
    unit: str
    more: bool = False  # whether more of it is better
    tail: bool = False  # whether the 99th percentile matters
    needs: str = ""  # what a peer must be able to do: words of `Peer`
    rounds: int = 0  # at most so many, one if it is to be quick; 0: as many as its trial has
    counts: tuple[int, ...] = ()  # only with so many services; (): whatever is asked for
    things: str = "services"  # what is counted


class Ask(NamedTuple):
    """What a trial is asked for: with how many services, which measures, how long it may take."""

    services: int
    wanted: frozenset[str]
    quick: bool


# Samples by the name of the measure.
Found = Mapping[str, Sequence[float]]
# The peer is of the family that is measured: a Trial and its family are written together.
Sample = Callable[[Stage, Any, Ask], Found]
# The same of several peers that are alive at the same time: samples by the name of the peer.
Together = Callable[[Stage, Sequence[Any], Ask], Mapping[str, Found]]


class Limits(NamedTuple):
    """How many rounds there are at most, and how long (s) a peer takes part in them.

    The first round is always made. So those that are quick make many, and the slow do not make
    everybody wait.
    """

    rounds: int
    seconds: float


class Trial(NamedTuple):
    """One way to find figures. Either of `sample` and `together` is there."""

    measures: tuple[Measure, ...]
    sample: Sample | None = None
    together: Together | None = None
    full: Limits = Limits(10, 15.0)
    quick: Limits = Limits(2, 3.0)
    family: str = "init"  # of the peers that it measures
    starts: bool = False  # whether it matters how a program is started
    counts: tuple[int, ...] = ()  # with so many services; (): as the command line says
    quick_counts: tuple[int, ...] = ()  # if it is to be quick; (): as many
    files_each: int = 0  # so many files must init be allowed to open for each of what is counted

    def asked(self, count: int, names: frozenset[str]) -> tuple[Measure, ...]:
        """Those of its measures that are wanted with so many services."""
        return tuple(
            m for m in self.measures if m.name in names and (not m.counts or count in m.counts)
        )

    def limits(self, quick: bool) -> Limits:
        """Those that hold."""
        return self.quick if quick else self.full
