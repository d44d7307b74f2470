"""Text of services for the screen: colours of theirs are kept, what moves the cursor is not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from nsinit.cli.output import TINTS, clock, printable

if TYPE_CHECKING:
    from collections.abc import Mapping

_COLOUR: Final = re.compile(r"(\x1b\[[0-9;:]*m)")  # SGR of ECMA-48


def state(word: str) -> Text:
    """A state in its colour."""
    return Text(word, TINTS.get(word, ""))


def output(line: str) -> Text:
    """A line that a program has written."""
    parts = _COLOUR.split(line.expandtabs())
    return Text.from_ansi("".join(p if _COLOUR.fullmatch(p) else printable(p) for p in parts))


def log_row(row: Mapping[str, Any]) -> Text:
    """A row of `logs`."""
    if "skipped" in row:
        return Text(f"{row['skipped']} bytes were skipped here", "yellow")
    line = output(row["line"])
    return Text.assemble((clock(row["time"]), "dim"), " ", line)


def event_row(row: Mapping[str, Any]) -> Text:
    """A row of `events`: a change of state, or whatever else there is."""
    who = row.get("service") or "init"
    head = ((clock(row["time"]), "dim"), " ", (f"{printable(who)} ", "bold"))
    if row.get("type", "state") == "state" and row.get("new") is not None:
        reason = f" ({printable(row['reason'])})" if row.get("reason") else ""
        return Text.assemble(*head, f"{row['old']} -> ", state(row["new"]), reason)
    kind = str(row.get("type", ""))
    known = ("time", "service", "type", "seq", "old", "new", "want", "run", "replica")
    more = " ".join(f"{k}={printable(str(v))}" for k, v in row.items() if k not in known and v)
    return Text.assemble(*head, kind, f" {more}" if more else "")
