"""What the processes of services are and use, from /proc; a bounded number of them per answer.

All of it is read in turns, as there may be many.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from nsinit.kernel import proc, seam

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from nsinit.core.view import ServiceView
    from nsinit.kernel.proc import Stat, Usage

    Processes = list[tuple[int, str, bool]]  # pid, service, whether init started it itself
    Pick = Callable[[dict[int, Stat]], Processes]  # of all that there are

LIMIT: Final = 1000  # processes that are read for one answer: init has other things to do


def _owned(pick: Pick) -> Generator[None, None, dict[str, list[tuple[int, bool]]]]:
    """The processes of each service."""
    seen: dict[int, Stat] = {}
    for pid in proc.pids():
        if (found := proc.stat(pid)) is not None:
            seen[pid] = found
        yield
    made: dict[str, list[tuple[int, bool]]] = {}
    for pid, service, ours in pick(seen):
        made.setdefault(service, []).append((pid, ours))
    return made


def trees(views: list[ServiceView], pick: Pick) -> Generator[None, None, dict[str, Any]]:
    """The processes of services, each with its parent and its role.

    A role is "main", "helper" (a hook or a command of `exec`), "child", or "stray": what has lost
    its parent and was adopted by init.
    """
    rows, count = [], 0
    owned = yield from _owned(pick)
    for view in views:
        mine = owned.get(view.name, [])
        found: list[tuple[Usage, bool]] = []
        for pid, ours in mine[: LIMIT - count]:
            if (made := proc.usage(pid)) is not None:
                found.append((made, ours))
            yield
        count += len(found)
        pids, shown = {one.pid for one, _ in found}, []
        for one, ours in found:
            shown.append(_process(one, ours, view, pids))
            yield
        left_out = max(0, len(mine) - len(found)) if count >= LIMIT else 0
        row = {"name": view.name, "state": view.state, "processes": shown, "left_out": left_out}
        rows.append(row)
        yield
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
    """What processes had used, by service, each with the instant (monotonic s) of that.

    `at` is when the first was looked at.
    """

    at: float
    services: dict[str, list[tuple[float, Usage]]]


def sample(pick: Pick) -> Generator[None, None, Sample]:
    """Read them all, up to the limit."""
    owned = yield from _owned(pick)
    made = Sample(seam.monotonic(), {})
    count = 0
    for service, processes in owned.items():
        for pid, _ in processes[: LIMIT - count]:
            if (found := proc.usage(pid)) is not None:
                made.services.setdefault(service, []).append((seam.monotonic(), found))
                count += 1
            yield
    return made


def totals(
    views: list[ServiceView], before: Sample, now: Sample
) -> Generator[None, None, list[dict[str, Any]]]:
    """What each service uses: CPU in per cent of one, the rest now.

    What began and ended between the two samples is not seen; descriptors are None where they may
    not be counted.
    """
    rows = []
    for view in views:
        used = {(p.pid, p.started): (at, p.cpu) for at, p in before.services.get(view.name, ())}
        found = now.services.get(view.name, [])
        cpu, known = 0.0, []
        for at, one in found:
            since, spent = used.get((one.pid, one.started), (before.at, 0.0))
            cpu += (one.cpu - spent) / max(at - since, 0.001)
            if (count := proc.descriptor_count(one.pid)) is not None:
                known.append(count)
            yield
        rows.append(
            {
                "name": view.name,
                "state": view.state,
                "pid": view.pid,
                "cpu": round(100 * cpu, 1),
                "rss": sum(one.rss for _, one in found),
                "processes": len(found),
                "fds": sum(known) if known or not found else None,
            }
        )
        yield
    return rows
