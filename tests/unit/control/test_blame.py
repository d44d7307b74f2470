"""What the boot waited for."""

from __future__ import annotations

from typing import Any

from nsinit.control.blame import blame
from nsinit.model.plan import Plan, Rules
from nsinit.runtime.events import BootTimes


def _times(
    waiting: float, starting: float | None, up: float | None, state: str = "running"
) -> BootTimes:
    made = BootTimes()
    made.waiting_at, made.starting_at, made.up_at, made.state = waiting, starting, up, state
    return made


PLAN = Plan(
    services={
        "db": Rules(name="db"),
        "cache": Rules(name="cache"),
        "web": Rules(name="web", needs={"db": "ready"}, after=("cache",)),
        "late": Rules(name="late", needs={"web": "ready"}),
        "stuck": Rules(name="stuck"),
    }
)
TIMES = {
    "db": _times(10.0, 10.0, 12.0),
    "cache": _times(10.0, 10.0, 10.5),
    "web": _times(10.0, 12.0, 12.25),
    "late": _times(50.0, 50.0, 60.0),
    "stuck": _times(10.0, 10.1, None, "starting"),
}


def _blame(*names: str) -> dict[str, Any]:
    return blame(PLAN, TIMES, 9.0, names or tuple(PLAN.services))


def test_slowest_start_is_first_when_blamed() -> None:
    """Spans, and the instant since init began; what the boot did not want is not in it."""
    rows = {row["name"]: row for row in _blame()["services"]}
    assert list(rows) == ["db", "cache", "web", "stuck"]
    assert rows["web"] == {
        "name": "web", "waiting": 2.0, "starting": 0.25, "at": 3.25, "state": "running",
        "waiting_from": 1.0, "starting_from": 3.0, "tasks": [],
    }  # fmt: skip
    assert rows["stuck"]["starting"] is None
    assert rows["stuck"]["at"] is None


def test_chain_is_who_was_waited_for_longest_when_blamed() -> None:
    """Back from the last one; of two that were waited for, the later."""
    assert [link["name"] for link in _blame()["chain"]] == ["web", "db"]
    assert [link["name"] for link in _blame("cache", "stuck")["chain"]] == ["cache"]
    assert _blame("stuck")["chain"] == []
    assert blame(PLAN, {}, 9.0, PLAN.services) == {"services": [], "chain": []}


def test_tasks_are_told_when_a_start_has_some() -> None:
    """Hooks and probes of the first start; what comes after it is up is not of the boot."""
    times = _times(10.0, 10.0, None, "starting")
    times.task("pre_start", 10.0)
    times.task_ended("pre_start", 10.5, good=True)
    times.task("ready", 11.0)
    times.task_ended("ready", 11.25, good=False)
    times.task("ready", 12.0)
    (row,) = blame(PLAN, {"db": times}, 9.0, ["db"])["services"]
    assert row["tasks"] == [
        {"task": "pre_start", "from": 1.0, "to": 1.5, "good": True},
        {"task": "ready", "from": 2.0, "to": 2.25, "good": False},
        {"task": "ready", "from": 3.0, "to": None, "good": None},
    ]
    times.up_at = 13.0
    times.task("health", 14.0)
    for _ in range(500):
        times.up_at = None
        times.task("ready", 15.0)
    assert len(times.tasks) == 100
