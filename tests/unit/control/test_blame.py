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
    }  # fmt: skip
    assert rows["stuck"]["starting"] is None
    assert rows["stuck"]["at"] is None


def test_chain_is_who_was_waited_for_longest_when_blamed() -> None:
    """Back from the last one; of two that were waited for, the later."""
    assert [link["name"] for link in _blame()["chain"]] == ["web", "db"]
    assert [link["name"] for link in _blame("cache", "stuck")["chain"]] == ["cache"]
    assert _blame("stuck")["chain"] == []
    assert blame(PLAN, {}, 9.0, PLAN.services) == {"services": [], "chain": []}
