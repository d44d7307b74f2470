"""What came of a run, as an object and as a file: every sample, and what it was measured on."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .catalogue import FAMILIES, MEASURES, OURS
from .figures import Row, summary

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(slots=True)
class Result:
    """Rows, and about them: date, command, versions of peers, the machine, who was missing."""

    about: Mapping[str, Any]
    rows: list[Row]

    def of(self, family: str) -> list[Row]:
        """The rows of one family of peers."""
        return [row for row in self.rows if FAMILIES[row.measure.name] == family]

    def peers(self, family: str) -> list[str]:
        """Those of it that were there."""
        return list(self.about["versions"].get(family, ()))

    def save(self, path: str) -> None:
        """Write it as JSON, a line for each row."""
        with open(path, "w") as file:
            file.write('{"about": ' + json.dumps(self.about, indent=1) + ',\n"rows": [\n')
            file.write(",\n".join(json.dumps(_row(row)) for row in self.rows))
            file.write("\n]}\n")


def load(path: str) -> Result:
    """What was saved; rows of measures that are not there any more are left out."""
    with open(path) as file:
        data = json.load(file)
    rows = []
    for one in data["rows"]:
        if one["measure"] in MEASURES:
            row = Row(MEASURES[one["measure"]], one["n"])
            for peer, told in one["peers"].items():
                row.rounds[peer] = [[_read(value) for value in each] for each in told["rounds"]]
            rows.append(row)
    return Result(data["about"], rows)


def _row(row: Row) -> dict[str, Any]:
    """For other programs: figures, every sample, and ratios to ours."""
    return {
        "measure": row.measure.name,
        "title": row.measure.title,
        "unit": row.measure.unit,
        "n": row.count,
        "of": row.measure.things,
        "peers": {
            peer: {**_figures(row.values(peer)), "rounds": [[_write(v) for v in r] for r in rounds]}
            for peer, rounds in row.rounds.items()
        },
        "ratios": {
            peer: _figures(row.ratios(OURS, peer))
            for peer in row.rounds if peer != OURS and OURS in row.rounds
        },
    }  # fmt: skip


def _figures(values: Iterable[float]) -> dict[str, float | None]:
    return {name: _write(value) for name, value in summary(list(values)).items()}


def _write(value: float) -> float | None:
    """Four digits that matter; JSON has no infinity (RFC 8259, section 6)."""
    return None if math.isinf(value) else float(f"{value:.4g}")


def _read(value: float | None) -> float:
    return math.inf if value is None else value
