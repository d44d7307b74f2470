"""What the boot waited for: how long each service took, and the chain that took longest. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nsinit.model.plan import Plan
    from nsinit.runtime.events import BootTask, BootTimes


def blame(
    plan: Plan, times: Mapping[str, BootTimes], began: float, names: Iterable[str]
) -> dict[str, Any]:
    """The first start of each service, the slowest first, and the critical chain of these.

    Spans are seconds; `at` and `..._from` are since init `began`, as are the times of `tasks`, the
    hooks and probes of that start. What is not there yet is None.
    """
    boot = min((t.waiting_at for t in times.values() if t.waiting_at is not None), default=None)
    # All that the boot wants begins to wait in one instant; what was started later is not of it.
    chosen = [name for name in names if name in times and times[name].waiting_at == boot]
    rows = [{"name": name, **_row(times[name], began)} for name in chosen]
    rows.sort(key=lambda row: (-(row["starting"] or 0.0), -(row["waiting"] or 0.0)))
    return {"services": rows, "chain": _chain(plan, times, began, chosen)}


def _row(t: BootTimes, began: float) -> dict[str, Any]:
    return {
        "waiting": _span(t.waiting_at, t.starting_at),
        "starting": _span(t.starting_at, t.up_at),
        "at": _span(began, t.up_at),
        "state": t.state,
        "waiting_from": _span(began, t.waiting_at),
        "starting_from": _span(began, t.starting_at),
        "tasks": [_task(task, began) for task in t.tasks],
    }


def _task(task: BootTask, began: float) -> dict[str, Any]:
    return {
        "task": task.task,
        "from": _span(began, task.began),
        "to": _span(began, task.ended),
        "good": task.good,
    }


def _span(first: float | None, then: float | None) -> float | None:
    return None if first is None or then is None else round(then - first, 3)


def _chain(
    plan: Plan, times: Mapping[str, BootTimes], began: float, names: list[str]
) -> list[dict[str, Any]]:
    """From the service that was up last back to the one that waited for nobody, the last first."""
    up = {name: t.up_at for name, t in times.items() if t.up_at is not None}
    current = max((name for name in names if name in up), key=lambda n: up[n], default=None)
    made: list[dict[str, Any]] = []
    while current is not None:
        made.append({"name": current, **_row(times[current], began)})
        rules = plan.services.get(current)
        before = [*rules.needs, *rules.after] if rules is not None else []
        # Who was up later than this one began cannot be what it waited for.
        start = times[current].starting_at or up[current]
        earlier = [n for n in before if n in up and up[n] <= start]
        current = max(earlier, key=lambda n: up[n], default=None)
    return made
