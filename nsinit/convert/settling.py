"""What is seen only when all services are there: cycles, a budget for the end, log files. Pure."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from nsinit.model import graph
from nsinit.units import format_duration, parse_duration

if TYPE_CHECKING:
    from nsinit.convert.document import Document, Table, Value

_KEYS: Final = ("after", "before", "wants", "depends_on")  # of a cycle, the first is given up
_SHUTDOWN: Final = 9.0  # s, init.shutdown_timeout when nothing is said
_HOOK: Final = 5.0  # s, of a hook that says nothing
_LONGEST: Final = 3650.0 * 86_400  # s


def break_cycles(tables: dict[str, Table]) -> None:
    """Give up an order that can't be kept: systemd does the same, at a time of its choice."""
    while cycle := graph.find_cycle(edges_of(tables)):
        steps = list(pairwise(cycle))
        for key in _KEYS:
            found = next((step for step in steps if _waits(tables, *step, key)), None)
            if found is not None:
                break
        else:
            return
        one, other = found
        holder, name = (other, one) if key == "before" else (one, other)
        remove(tables[holder], key, name)
        if key in ("wants", "depends_on") and "autostart" not in tables[one].keys:
            tables[other].keys.pop("autostart", None)
        tables[holder].unsupported(holder, 0, key, name, f"a cycle: {' -> '.join(cycle)}")


def edges_of(tables: dict[str, Table]) -> dict[str, list[str]]:
    """From each service to those that it waits for."""
    made: dict[str, list[str]] = {name: [] for name in tables}
    for name, table in tables.items():
        for key in ("depends_on", "wants", "after"):
            made[name] += [other for other in names_in(table, key) if other in made]
        for other in names_in(table, "before"):
            if other in made:
                made[other].append(name)
    return made


def names_in(table: Table, key: str) -> list[str]:
    """Of a list, or of a table of conditions."""
    value = table.keys.get(key)
    return [str(name) for name in value] if isinstance(value, list | dict) else []


def _waits(tables: dict[str, Table], one: str, other: str, key: str) -> bool:
    holder, name = (other, one) if key == "before" else (one, other)
    return name in names_in(tables[holder], key)


def remove(table: Table, key: str, name: str) -> None:
    """Take a service out of a key."""
    known = table.keys.get(key)
    if isinstance(known, dict):
        left: Value = {other: how for other, how in known.items() if other != name}
    else:
        left = [other for other in names_in(table, key) if other != name]
    if left:
        table.set(key, left)
    else:
        table.keys.pop(key, None)


def one_file_each(document: Document) -> None:
    """Two services don't write to one log file."""
    seen: dict[str, str] = {}
    for name, table in document.services.items():
        log = table.keys.get("log")
        if not isinstance(log, dict):
            continue
        err = log.get("stderr")
        for where in (log, err if isinstance(err, dict) else {}):
            path = where.get("file")
            if isinstance(path, str) and seen.setdefault(path, name) != name:
                where.pop("file")
                where.pop("max_size", None)
                table.unsupported(path, 0, "log", path, f"{seen[path]} writes to it already")
        if not log or log == {"stderr": {}}:
            del table.keys["log"]


def set_budget(document: Document) -> None:
    """As much time for the end as the longest chain of services may take."""
    costs = {name: _cost(table) for name, table in document.services.items()}
    edges = edges_of(document.services)
    chains: dict[str, float] = {}
    for name in graph.in_order(edges):
        chains[name] = costs[name] + max((chains.get(one, 0.0) for one in edges[name]), default=0.0)
    longest = max(chains.values(), default=0.0)
    if longest >= _SHUTDOWN:
        spare = max(longest * 0.25, 1.0)  # init keeps a part of it for the KILLs
        text = "for the longest chain of stops; a container engine may give less"
        document.init.set(
            "shutdown_timeout", format_duration(min(longest + spare, _LONGEST)), remark=text
        )


def _cost(table: Table) -> float:
    """How long (s) a stop may take."""
    keys = table.keys
    stop = parse_duration(keys.get("stop_timeout", 8))
    cost = stop
    for key, default in (("stop_command", stop), ("post_stop", _HOOK)):
        hook = keys.get(key)
        if isinstance(hook, dict):
            cost += parse_duration(hook.get("timeout", default))
    return cost
