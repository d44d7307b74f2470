"""From samples to figures: medians, 99th percentiles, ratios round by round."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .measure import Measure


@dataclass(slots=True)
class Row:
    """One measurement at one number of services; samples by peer and round."""

    measure: Measure
    count: int
    rounds: dict[str, list[list[float]]] = field(default_factory=dict)

    def add(self, peer: str, samples: list[float]) -> None:
        """Take the samples of one round."""
        self.rounds.setdefault(peer, []).append(samples)

    def values(self, peer: str) -> list[float]:
        """All samples of a peer."""
        return [value for samples in self.rounds[peer] for value in samples]

    def ratios(self, ours: str, theirs: str) -> list[float]:
        """Ours by theirs, each round by itself: what slows the machine slows both of a pair.

        A slow peer may have taken part in the first rounds only.
        """
        pairs = zip(self.rounds[ours], self.rounds[theirs], strict=False)
        return [_ratio(statistics.median(one), statistics.median(other)) for one, other in pairs]


def _ratio(one: float, other: float) -> float:
    """Of two that are nothing, or nothing to be done with, neither is more."""
    if one == other:
        return 1.0
    return one / other if other else math.inf


def summary(values: Sequence[float]) -> dict[str, float]:
    """Median, 99th percentile, the ends of the spread."""
    return {
        "median": statistics.median(values),
        "p99": percentile(values, 0.99),
        "least": min(values),
        "most": max(values),
    }


def percentile(values: Sequence[float], part: float) -> float:
    """The least value that `part` of all do not exceed (nearest rank)."""
    return sorted(values)[max(0, math.ceil(part * len(values)) - 1)]


def short(value: float) -> str:
    """Three digits that matter."""
    if math.isinf(value):
        return "never"
    if value == 0:
        return "0"
    if value >= 100:
        return f"{value:.0f}"
    digits = 1 if value >= 10 else 2 if value >= 1 else 3
    return f"{value:.{digits}f}"
