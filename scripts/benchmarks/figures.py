"""From samples to figures: medians, 99th percentiles, ratios round by round, Markdown, JSON."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .measure import Measure


_NONE = "-"  # does not do that


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

    def as_json(self, ours: str) -> dict[str, Any]:
        """Everything, for other programs."""
        return {
            "measure": self.measure.name,
            "title": self.measure.title,
            "unit": self.measure.unit,
            "services": self.count,
            "peers": {
                peer: {**summary(self.values(peer)), "rounds": rounds}
                for peer, rounds in self.rounds.items()
            },
            "ratios": {
                peer: {**summary(self.ratios(ours, peer)), "rounds": self.ratios(ours, peer)}
                for peer in self.rounds
                if peer != ours
            },
        }


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


def as_table(rows: Sequence[Row], peers: Sequence[str], ours: str) -> str:
    """A Markdown table: medians with their spread, and ratios with theirs."""
    others = [peer for peer in peers if peer != ours]
    head = ["what", "N", *peers, *(f"{ours} ÷ {peer}" for peer in others)]
    lines = [head, ["---", *("---:" for _ in head[1:])]]
    for row in rows:
        cells = [f"{row.measure.title} ({row.measure.unit})", str(row.count)]
        known = row.rounds.keys()
        tail = row.measure.tail
        cells += [_cell(row.values(p), tail=tail) if p in known else _NONE for p in peers]
        cells += [_cell(row.ratios(ours, p)) if p in known else _NONE for p in others]
        lines.append(cells)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _cell(values: Sequence[float], *, tail: bool = False) -> str:
    found = summary(values)
    more = f", p99 {short(found['p99'])}" if tail else ""
    spread = f"({short(found['least'])} to {short(found['most'])})"
    return f"**{short(found['median'])}**{more} {spread}"


def short(value: float) -> str:
    """Three digits that matter."""
    if value >= 100:
        return f"{value:.0f}"
    digits = 1 if value >= 10 else 2 if value >= 1 else 3
    return f"{value:.{digits}f}"


def document(rows: Iterable[Row], about: Mapping[str, object], ours: str) -> dict[str, Any]:
    """What `--json` writes."""
    return {"about": dict(about), "rows": [row.as_json(ours) for row in rows]}
