"""What each thing more costs, and whether the last ones cost more than those before.

A figure grows with the number of things by what each of them costs, on top of what the first one
needs anyhow. It is linear if the step to the greatest number costs no more for each than the steps
before did, within what figures vary here.
"""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Final, NamedTuple

from .figures import short

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .figures import Row

_MARGIN: Final = 1.5
_FLAT: Final = 1.2  # what grows by less from the first number to the last does not grow


class Curve(NamedTuple):
    """One measure by number of things, the smallest number first."""

    name: str
    title: str
    unit: str
    things: str
    points: Sequence[tuple[int, float]]

    @property
    def steps(self) -> list[float]:
        """What each thing costs (in the unit) between one number and the next."""
        pairs = zip(self.points, self.points[1:], strict=False)
        return [(after - before) / (more - less) for (less, before), (more, after) in pairs]

    @property
    def growth(self) -> float:
        """The last step by all before it; 1 for what does not grow."""
        (first, low), *_, (before, high), (_, last) = self.points
        if last <= low * _FLAT:
            return 1.0
        rate = (high - low) / (before - first)
        if rate <= 0:  # nothing is to be seen of them yet, beside what the first one needs
            rate = high / before
        return self.steps[-1] / rate

    @property
    def is_linear(self) -> bool:
        """Whether the last things cost what the others do."""
        return self.growth <= _MARGIN

    def cells(self) -> tuple[str, ...]:
        """Title, the cost of each at every number and in the last step, the verdict."""
        each = ", ".join(f"{n}: {_small(value / n)}" for n, value in self.points)
        verdict = "linear" if self.is_linear else f"grows: {short(self.growth)} times"
        return f"{self.title} ({self.unit})", self.things, each, _small(self.steps[-1]), verdict


def curves(rows: Iterable[Row], peer: str) -> list[Curve]:
    """Of all measures that were made with three numbers of things or more."""
    points: dict[str, list[Row]] = {}
    for row in rows:
        if peer in row.rounds:
            points.setdefault(row.measure.name, []).append(row)
    return [
        Curve(
            found[0].measure.name,
            found[0].measure.title,
            found[0].measure.unit,
            found[0].measure.things,
            [(row.count, statistics.median(row.values(peer))) for row in found],
        )
        for found in points.values()
        if len(found) >= 3
    ]


def _small(value: float) -> str:
    return f"{value:.2g}"
