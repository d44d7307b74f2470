"""What is printed: a table for each family, a verdict for each goal, who is missing."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Final

from .catalogue import IMAGE, MEASURES, OURS
from .curves import curves
from .figures import short, summary
from .goals import count_met, verdicts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .figures import Row
    from .result import Result

_NONE: Final = "-"  # does not do that, or wasn't asked
HOW_TO_READ: Final = f"""\
Median (least to most) [{OURS} ÷ the peer, the median of the rounds]. In megabytes each second more
is better; less is, in all others."""


def text(result: Result) -> str:
    """All of it, as Markdown."""
    parts = [table(result, family) for family in result.about["versions"]]
    parts += [HOW_TO_READ, *curve_table(result), *verdict_table(result)]
    missing = result.about["missing"]
    parts += ["\n".join(f"{peer} is missing: {get}" for peer, get in missing.items())]
    took = result.about["seconds"]
    parts.append(f"{met(result)}It took {took // 60:.0f} min {took % 60:.0f} s.")
    return "\n\n".join(part for part in parts if part)


def table(result: Result, family: str) -> str:
    """The rows of one family."""
    rows, peers = result.of(family), result.peers(family)
    head = [["what", "N", *peers], ["---", *("---:" for _ in range(len(peers) + 1))]]
    lines = [
        [f"{row.measure.title} ({row.measure.unit})", str(row.count)]
        + [_cell(row, peer) for peer in peers]
        for row in rows
    ]
    return markdown([*head, *lines]) if rows else ""


def verdict_table(result: Result) -> list[str]:
    """What came of the goals, also in the form for images; nothing where none was measured."""
    found = verdicts(result.rows, OURS)
    as_image = {v.goal: f"{v.short}: {v.words}" for v in verdicts(result.rows, IMAGE)}
    head = ["goal", "N", f"{OURS}: verdict", "why", *([IMAGE] if as_image else [])]
    lines = [head, ["---"] * len(head)]
    for v in found:
        title = MEASURES[v.goal.measure].name + (" (stretch)" if v.goal.stretch else "")
        cells = [title, str(v.goal.services), v.short, v.words]
        lines.append([*cells, as_image.get(v.goal, _NONE)] if as_image else cells)
    return [markdown(lines)] if found else []


def curve_table(result: Result) -> list[str]:
    """What each service costs, and each subscriber; nothing where it was not measured."""
    found = curves(result.of("scale"), OURS)
    head = ["what grows", "with", "cost of each", "of each of the last", "verdict"]
    lines = [head, ["---"] * len(head), *(curve.cells() for curve in found)]
    return [markdown(lines)] if found else []


def met(result: Result) -> str:
    """How many goals are met, as a sentence."""
    found = verdicts(result.rows, OURS)
    return f"{count_met(found)}. " if found else ""


def markdown(lines: Iterable[Sequence[str]]) -> str:
    """A table of cells."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _cell(row: Row, peer: str) -> str:
    if peer not in row.rounds:
        return _NONE
    found = summary(row.values(peer))
    more = f", p99 {short(found['p99'])}" if row.measure.tail else ""
    words = (
        f"**{short(found['median'])}**{more} ({short(found['least'])} to {short(found['most'])})"
    )
    if peer == OURS or OURS not in row.rounds:
        return words
    return f"{words} [{short(statistics.median(row.ratios(OURS, peer)))}]"
