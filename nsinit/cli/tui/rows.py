"""What the screen shows of an init, from the answers of `status` and `top`. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from nsinit.cli.output import amount, span

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

COLUMNS: Final = ("name", "state", "pid", "for", "cpu%", "memory", "restarts", "details")
SORTS: Final = ("order", "name", "state", "cpu%", "memory", "restarts")
_URGENT: Final = ("failed", "backoff", "stopping", "starting", "waiting", "running")
_UNKNOWN: Final = "-"


class Row(NamedTuple):
    """One service; `cpu` in per cent of one, `memory` in bytes, None if not known yet."""

    name: str
    state: str
    pid: int | None
    seconds: float | None
    cpu: float | None
    memory: int | None
    restarts: int
    details: str
    marks: tuple[str, ...] = ()

    def cells(self) -> tuple[str, ...]:
        """Its text, column by column."""
        return (
            self.name,
            self.state,
            str(self.pid or _UNKNOWN),
            _UNKNOWN if self.seconds is None else span(self.seconds),
            _UNKNOWN if self.cpu is None else f"{self.cpu:.1f}",
            amount(self.memory) if self.memory else _UNKNOWN,
            str(self.restarts),
            ", ".join(part for part in (self.details, *self.marks) if part),
        )


def rows(status: Mapping[str, Any], top: dict[str, Any] | None) -> list[Row]:
    """Those of all services, in the order of init; what `top` does not know is not known."""
    used = {row["name"]: row for row in (top or {}).get("services", [])}
    return [_row(s, used.get(s["name"])) for s in status["services"]]


def _row(s: dict[str, Any], used: dict[str, Any] | None) -> Row:
    memory = None
    if used is not None:
        group = used.get("group")
        memory = group["memory"]["current"] if group else None
        memory = used["rss"] if memory is None else memory
    marks = [word for word in ("paused", "reloading", "pinned", "main") if s.get(word)]
    if s.get("health") == "unhealthy":
        marks.insert(0, "unhealthy")
    return Row(
        name=s["name"],
        state=s["state"],
        pid=s["pid"],
        seconds=s["seconds"],
        cpu=used["cpu"] if used is not None else None,
        memory=memory,
        restarts=s["restarts"],
        details=s["reason"] or s.get("message") or s.get("description") or "",
        marks=tuple(marks),
    )


def chosen(found: list[Row], words: str, order: str) -> list[Row]:
    """Those whose name, state or details hold every one of these words, in an order of `SORTS`."""
    parts = words.casefold().split()
    kept = [row for row in found if all(p in _text(row) for p in parts)]
    key = _KEYS.get(order)
    return sorted(kept, key=key) if key is not None else kept


def _text(row: Row) -> str:
    return " ".join((row.name, row.state, row.details, *row.marks)).casefold()


def _urgency(row: Row) -> int:
    return _URGENT.index(row.state) if row.state in _URGENT else len(_URGENT)


_KEYS: Final[dict[str, Callable[[Row], Any]]] = {
    "name": lambda row: row.name,
    "state": _urgency,
    "cpu%": lambda row: -(row.cpu or 0.0),
    "memory": lambda row: -(row.memory or 0),
    "restarts": lambda row: -row.restarts,
}


def summary(found: list[Row]) -> str:
    """One line about all: how many are how, and what they use."""
    counts: dict[str, int] = {}
    for row in found:
        counts[row.state] = counts.get(row.state, 0) + 1
    states = sorted(counts, key=lambda s: _URGENT.index(s) if s in _URGENT else len(_URGENT))
    parts = [f"{counts[state]} {state}" for state in states]
    text = f"{len(found)} service{'' if len(found) == 1 else 's'}"
    text += f": {', '.join(parts)}" if parts else ""
    cpu = sum(row.cpu or 0.0 for row in found)
    memory = sum(row.memory or 0 for row in found)
    return f"{text}   cpu {cpu:.0f}%   memory {amount(memory)}"
