"""Pictures of a result, as files of SVG."""

from __future__ import annotations

import os
import statistics
from typing import TYPE_CHECKING, Final

from .catalogue import OURS
from .curves import curves
from .svg import bars, lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .result import Result

_BY_COUNT: Final = ("boot", "shutdown", "memory", "status")
_BARS: Final = ("logs", "logs-many", "restart")


def write(result: Result, directory: str) -> list[str]:
    """Make those of which there are figures; their paths."""
    os.makedirs(directory, exist_ok=True)
    pictures = {**_by_count(result), **_throughput(result), **_scale(result)}
    paths = []
    for name, text in pictures.items():
        path = os.path.join(directory, f"{name}.svg")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        paths.append(path)
    return paths


def _by_count(result: Result) -> dict[str, str]:
    """A curve for each peer."""
    made = {}
    for name in _BY_COUNT:
        rows = [row for row in result.rows if row.measure.name == name]
        series: dict[str, list[tuple[float, float]]] = {}
        for row in rows:
            for peer in row.rounds:
                value = statistics.median(row.values(peer))
                series.setdefault(peer, []).append((row.count, value))
        if len(rows) > 1:
            measure = rows[0].measure
            made[name] = lines(f"{measure.title}, {measure.unit}", "services", series, OURS)
    return made


def _throughput(result: Result) -> dict[str, str]:
    """A bar for each peer, the best first."""
    made = {}
    for row in result.rows:
        measure = row.measure
        if measure.name in _BARS and row.rounds:
            values = {peer: statistics.median(row.values(peer)) for peer in row.rounds}
            best = dict(sorted(values.items(), key=lambda item: item[1], reverse=measure.more))
            made[measure.name] = bars(f"{measure.title}, {measure.unit}", best, OURS)
    return made


def _scale(result: Result) -> dict[str, str]:
    """What each service costs, and each subscriber: flat is linear."""
    made: dict[str, dict[str, Sequence[tuple[float, float]]]] = {}
    for curve in curves(result.of("scale"), OURS):
        each = [(float(n), value / n) for n, value in curve.points if value > 0]
        name = f"{curve.name.removeprefix('scale-')}, {curve.unit}"
        if len(each) > 1:
            made.setdefault(curve.things, {})[name] = each
    return {f"scale-{things}": _each(things, series) for things, series in made.items()}


def _each(things: str, series: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    title = f"{OURS} alone: the cost of each of the {things}"
    return lines(title, things, series, "")
