"""The tables of the README and of docs/performance.md, made from the figures that are kept.

A page has them between two marks. They are stale when a page is not what the figures make of it, or
the figures are not of what is measured now: then `--readme`, or a new run, mends it.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import sys
from typing import TYPE_CHECKING, Final

from . import report
from .catalogue import IMAGE, MEASURES, OURS, PEERS, TRIALS
from .figures import percentile, short, summary
from .goals import verdicts
from .records import BenchError
from .result import load

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .figures import Row
    from .result import Result

SOURCE: Final = "docs/performance.json"
_ROOT: Final = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_BEGIN: Final = "<!-- made by scripts/bench --readme -->"
_END: Final = "<!-- until here -->"
_BLOCK: Final = re.compile(f"(?<={_BEGIN}\n).*?(?={_END})", re.DOTALL)
_OLD: Final = 90  # days
# The columns of the README: what others compare with; all are in docs/performance.md.
_COLUMNS: Final = (OURS, IMAGE, "dinit", "s6", "runit", "supervisord", "circus")
_ROWS: Final = ("boot", "restart", "shutdown", "memory", "idle", "status", "command", "logs")
_OTHERS: Final = ("true", "sandbox", "network")


def write() -> int:
    """Write all pages; tells what is odd about the figures."""
    try:
        result = load(os.path.join(_ROOT, SOURCE))
    except OSError as error:
        raise BenchError(f"cannot read {SOURCE}: {error.strerror}") from None
    for page, block in _blocks(result).items():
        path = os.path.join(_ROOT, page)
        with open(path) as file:
            before = file.read()
        after = _BLOCK.sub(block.replace("\\", r"\\"), before)
        with open(path, "w") as file:
            file.write(after)
    for reason in (*_lacks(result), *_aged(result)):
        print(f"bench: {reason}", file=sys.stderr)
    return 0


def stale() -> list[str]:
    """Why the pages are not what they should be; their age is no reason."""
    result = load(os.path.join(_ROOT, SOURCE))
    found = _lacks(result)
    for page, block in _blocks(result).items():
        with open(os.path.join(_ROOT, page)) as file:
            if _BLOCK.findall(file.read()) != [block]:
                found.append(f"{page} has not what {SOURCE} says: run scripts/bench --readme")
    return found


def _lacks(result: Result) -> list[str]:
    """What is measured now, and was not."""
    about = result.about
    known = {peer for family in about["versions"].values() for peer in family} | {*about["missing"]}
    made = {(row.measure.name, row.count) for row in result.rows}
    want = {
        (measure.name, count)
        for trial in TRIALS
        for measure in trial.measures
        for count in measure.counts or (about["quick"] and trial.quick_counts) or trial.counts
    }
    lacks = [f"{name} of {n}" for name, n in sorted(want - made)]
    lacks += sorted({*MEASURES} - {name for name, _ in made} - {name for name, _ in want})
    lacks += sorted({kind.name for kind in PEERS} - known)
    return [f"{SOURCE} lacks {what}: run scripts/bench all --json {SOURCE}" for what in lacks]


def _aged(result: Result) -> list[str]:
    date = dt.date.fromisoformat(result.about["date"])
    days = (dt.datetime.now(dt.UTC).date() - date).days
    return [f"the figures are {days} days old"] if days > _OLD else []


def _blocks(result: Result) -> dict[str, str]:
    return {"README.md": _short(result), "docs/performance.md": _long(result)}


def _short(result: Result) -> str:
    """What fits into a README: medians with 1, 100 and 1000 services."""
    columns = [peer for peer in _COLUMNS if peer in result.peers("init")]
    lines = [["", *columns, "goal"], ["---", *("---:" for _ in columns), "---"]]
    for name in _ROWS:
        if rows := [row for row in result.rows if row.measure.name == name]:
            cells = [" / ".join(_figure(row, peer) for row in rows) for peer in columns]
            cells = [cell if set(cell) - {*"- /"} else "-" for cell in cells]
            lines.append([_title(rows), *cells, _goal(result, name)])
    return "\n".join(
        [
            f"{_origin(result)}:\n",
            report.markdown(lines),
            "",
            " ".join(_line(result, row) for row in result.rows if row.measure.name in _OTHERS),
            "",
        ]
    )


def _title(rows: Iterable[Row]) -> str:
    row, *more = rows
    counts = " / ".join(str(one.count) for one in (row, *more))
    title = f"{row.measure.title}, {row.measure.unit}"
    return f"{title}; N = {counts}" if counts != "1" else title


def _figure(row: Row, peer: str) -> str:
    if peer not in row.rounds:
        return "-"
    found = short(summary(row.values(peer))["median"])
    return (
        f"{found} (p99 {short(percentile(row.values(peer), 0.99))})" if row.measure.tail else found
    )


def _goal(result: Result, name: str) -> str:
    found = [
        v for v in verdicts(result.rows, OURS) if v.goal.measure == name and not v.goal.stretch
    ]
    if all(v.met for v in found):
        return "met" if found else ""
    if len(found) == 1:
        return found[0].short
    several = len({v.goal.services for v in found}) > 1
    median = "N = {}" if several else "the median"
    wrong = dict.fromkeys(
        "p99" if v.goal.tail else median.format(v.goal.services) for v in found if not v.met
    )
    return f"not met: {', '.join(wrong)}"


def _line(result: Result, row: Row) -> str:
    """A row whose peers are others."""
    ours = _figure(row, OURS)
    theirs = ", ".join(f"{peer} {_figure(row, peer)}" for peer in row.rounds if peer != OURS)
    measure = row.measure
    told = f"{OURS} **{ours}** {measure.unit}; {theirs}"
    return f"{measure.title}: {told} ({_goal(result, measure.name)})."


def _origin(result: Result) -> str:
    about = result.about
    machine = f"Linux {about['kernel']}, {about['processors']} processors, Python {about['python']}"
    return f"`{about['command']}`, {about['date']}, {machine}"


def _long(result: Result) -> str:
    """Everything."""
    versions = {
        peer: version
        for family in result.about["versions"].values()
        for peer, version in family.items()
    }
    told = ", ".join(f"{peer} {version}".strip() for peer, version in versions.items())
    missing = ", ".join(result.about["missing"]) or "none"
    head = [
        f"{_origin(result)}. {report.met(result).strip()}",
        f"Versions: {told}. Missing: {missing}.",
        report.HOW_TO_READ,
    ]
    tables = [report.table(result, family) for family in result.about["versions"]]
    ends = [*report.curve_table(result), *report.verdict_table(result)]
    return "\n\n".join([*head, *filter(None, tables), *ends]) + "\n"
