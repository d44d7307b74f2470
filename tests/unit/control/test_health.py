"""One verdict on every service, and one on all."""

from __future__ import annotations

from typing import Any

import pytest

from nsinit.control.health import assess, judge, wanted
from nsinit.core.state import ServiceState, State
from nsinit.model.plan import Plan, Rules

UP: dict[str, Any] = {"want": True, "state": State.RUNNING}


def _judge(rules: dict[str, Any], **fields: Any) -> tuple[str, str]:
    return judge(ServiceState(name="a", **UP | fields), Rules(name="a", **rules))


@pytest.mark.parametrize(
    ("rules", "fields", "verdict", "reason"),
    [
        ({}, {}, "healthy", ""),
        ({}, {"health": "starting"}, "healthy", ""),
        ({}, {"health": "healthy"}, "healthy", ""),
        (
            {},
            {"health": "unhealthy", "health_fails": 3},
            "unhealthy",
            "3 checks in a row found it unhealthy",
        ),
        ({"type": "oneshot"}, {"state": State.EXITED}, "healthy", ""),
        ({}, {"state": State.EXITED}, "not-running", "it is exited"),
        ({}, {"state": State.FAILED, "reason": "x"}, "unhealthy", "it is failed: x"),
        ({}, {"state": State.BACKOFF}, "not-running", "it is in backoff"),
        ({}, {"state": State.WAITING, "reason": "for b"}, "not-running", "it is waiting: for b"),
        ({"trigger": "schedule"}, {"state": State.WAITING}, "healthy", ""),
        (
            {"trigger": "schedule"},
            {"state": State.WAITING, "triggered": True},
            "not-running",
            "it is waiting",
        ),
    ],
)
def test_verdict_follows_from_the_state_when_a_service_is_judged(
    rules: dict[str, Any], fields: dict[str, Any], verdict: str, reason: str
) -> None:
    """What waits for its hour does what it should."""
    assert _judge(rules, **fields) == (verdict, reason)


def test_worst_verdict_counts_when_there_are_several() -> None:
    """Unhealthy before not running before healthy; nothing that is wanted down counts."""
    w = _world(a=State.RUNNING, b=State.STARTING, c=State.FAILED, d=State.STOPPED)
    assert wanted(w[1]) == ["a", "b", "c"]
    assert assess(*w, ["a"])["health"] == "healthy"
    assert assess(*w, ["a", "b"])["health"] == "not-running"
    found = assess(*w, ["a", "b", "c"])
    assert found["health"] == "unhealthy"
    assert found["reasons"] == ["b: it is starting", "c: it is failed"]
    assert [row["health"] for row in found["services"]] == ["healthy", "not-running", "unhealthy"]
    assert assess(*w, [])["health"] == "healthy"


@pytest.mark.parametrize(
    ("phase", "reason"),
    [
        ("new", "init's own pre_start has not ended"),
        ("stopping", "init is shutting down"),
        ("done", "init is shutting down"),
    ],
)
def test_nothing_is_well_when_init_is_not_up(phase: Any, reason: str) -> None:
    """Whatever the services are."""
    plan, state = _world(a=State.RUNNING)
    state.phase = phase
    found = assess(plan, state, ["a"])
    assert (found["health"], found["reasons"]) == ("not-running", [reason])


def _world(**states: State) -> tuple[Plan, Any]:
    from nsinit.core.state import CoreState

    services = {
        name: ServiceState(name=name, state=state, want=state is not State.STOPPED)
        for name, state in states.items()
    }
    plan = Plan(services={name: Rules(name=name) for name in states})
    return plan, CoreState(services=services, phase="up")
