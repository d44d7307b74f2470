"""What a measurement is: a name, how often, and one sample of one peer."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from .peer import Peer
from .stage import Stage

Sample = Callable[[Stage, Peer, int], list[float]]


class Measure(NamedTuple):
    """One thing to measure; `sample` gives the figures of one peer in one round."""

    name: str
    title: str
    unit: str
    sample: Sample
    rounds: int
    quick_rounds: int
    tail: bool = False  # whether the 99th percentile matters
    alone: bool = False  # whether the number of services doesn't: one, then
