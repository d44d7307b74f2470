"""What a measurement is: a name, how often, and one sample of one peer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from .stage import Stage

# The peer is of the family that is measured: a Measure and its family are written together.
Sample = Callable[[Stage, Any, int], list[float]]


class Measure(NamedTuple):
    """One thing to measure; `sample` gives the figures of one peer in one round."""

    name: str
    title: str
    unit: str
    sample: Sample
    rounds: int
    quick_rounds: int
    tail: bool = False  # whether the 99th percentile matters
    family: str = "init"  # of the peers that it measures
    alone: bool = False  # whether the number of services doesn't: one, then
    needs: str = ""  # what a peer must be able to do
