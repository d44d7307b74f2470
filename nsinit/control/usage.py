"""What the processes of services are and use, from /proc; a bounded number of them per answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from nsinit.kernel import proc

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nsinit.core.view import ServiceView
    from nsinit.kernel.proc import Usage

    Processes = list[tuple[int, str, bool]]  # pid, service, whether init started it itself

LIMIT: Final = 1000  # processes that are read for one answer: init has other things to do


def trees(views: Iterable[ServiceView], processes: Processes) -> dict[str, Any]:
    """The processes of services, each with its parent and its role.

    A role is "main", "helper" (a hook or a command of `exec`), "child", or "stray": what has lost
    its parent and was adopted by init.
    """
    rows, count = [], 0
    for view in views:
        mine = [(pid, ours) for pid, who, ours in processes if who == view.name]
        found = [(made, ours) for pid, ours in mine[: LIMIT - count] if (made := proc.usage(pid))]
        count += len(found)
        pids = {one.pid for one, _ in found}
        rows.append(
            {
                "name": view.name,
                "state": view.state,
                "processes": [_process(one, ours, view, pids) for one, ours in found],
                "left_out": max(0, len(mine) - len(found)) if count >= LIMIT else 0,
            }
        )
    return {"services": rows}


def _process(one: Usage, ours: bool, view: ServiceView, pids: set[int]) -> dict[str, Any]:
    role = "child" if one.parent in pids else "stray"
    if one.pid == view.pid:
        role = "main"
    elif ours:
        role = "helper"
    return {
        "pid": one.pid,
        "parent": one.parent,
        "role": role,
        "state": one.state,
        "command": proc.command_line(one),
        "rss": one.rss,
    }


class Sample(NamedTuple):
    """What processes had used at an instant (monotonic s), by service."""

    at: float
    services: dict[str, list[Usage]]


def sample(processes: Processes, now: float) -> Sample:
    """Read them all, up to the limit."""
    made: dict[str, list[Usage]] = {}
    for pid, service, _ in processes[:LIMIT]:
        found = proc.usage(pid)
        if found is not None:
            made.setdefault(service, []).append(found)
    return Sample(now, made)


def totals(views: Iterable[ServiceView], before: Sample, now: Sample) -> list[dict[str, Any]]:
    """What each service uses: CPU in per cent of one, the rest now.

    What began and ended between the two samples is not seen; descriptors are None where they may
    not be counted.
    """
    rows = []
    for view in views:
        used = {(p.pid, p.started): p.cpu for p in before.services.get(view.name, ())}
        found = now.services.get(view.name, [])
        cpu = sum(p.cpu - used.get((p.pid, p.started), 0.0) for p in found)
        counts = [proc.descriptor_count(p.pid) for p in found]
        known = [count for count in counts if count is not None]
        rows.append(
            {
                "name": view.name,
                "state": view.state,
                "pid": view.pid,
                "cpu": round(100 * cpu / max(now.at - before.at, 0.001), 1),
                "rss": sum(p.rss for p in found),
                "processes": len(found),
                "fds": sum(known) if known or not found else None,
            }
        )
    return rows
