"""Whether all is well: one verdict on every service, and one on all of them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from nsinit.core.state import State

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nsinit.core.state import CoreState, ServiceState
    from nsinit.model.plan import Plan, Rules

HEALTHY: Final = "healthy"
UNHEALTHY: Final = "unhealthy"
NOT_RUNNING: Final = "not-running"
IN_WORDS: Final[dict[str, str]] = {State.BACKOFF: "in backoff"}
_PHASES: Final = {
    "new": "init's own pre_start has not ended",
    "stopping": "init is shutting down",
    "done": "init is shutting down",
}


def judge(s: ServiceState, rules: Rules) -> tuple[str, str]:
    """The verdict on one service, and the reason if it is no good one.

    What waits for its schedule or for a connection does what it should.
    """
    if s.state is State.RUNNING and s.health != "unhealthy":
        return HEALTHY, ""
    if s.state is State.RUNNING:
        return UNHEALTHY, f"{s.health_fails} checks in a row found it unhealthy"
    if s.state is State.EXITED and rules.oneshot:
        return HEALTHY, ""
    if s.state is State.WAITING and rules.trigger and not s.triggered:
        return HEALTHY, ""
    reason = f": {s.reason}" if s.reason else ""
    state = IN_WORDS.get(s.state, s.state)
    return (UNHEALTHY if s.state is State.FAILED else NOT_RUNNING), f"it is {state}{reason}"


def assess(plan: Plan, state: CoreState, names: Iterable[str]) -> dict[str, Any]:
    """The verdict on some services together: that on the worst of them, and all reasons."""
    rows, reasons = [], []
    for name in names:
        s = state.services[name]
        health, reason = judge(s, plan.services[name])
        rows.append({"name": name, "state": s.state, "health": health, "reason": reason})
        if reason:
            reasons.append(f"{name}: {reason}")
    if state.phase in _PHASES:
        reasons.insert(0, _PHASES[state.phase])
    found = {row["health"] for row in rows} | ({NOT_RUNNING} if state.phase in _PHASES else set())
    worst = next((verdict for verdict in (UNHEALTHY, NOT_RUNNING) if verdict in found), HEALTHY)
    return {"health": worst, "reasons": reasons, "services": rows}


def wanted(state: CoreState) -> list[str]:
    """The services that should be up."""
    return [name for name, s in state.services.items() if s.want]
