"""The snapshot: everything about init that can be observed, and the only type for it.

Status, the event stream, metrics and probes are all made from it. Instants are monotonic seconds;
whoever shows them to a person turns them into clock times. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct, structs

from nsinit.core.state import State

if TYPE_CHECKING:
    from nsinit.core.messages import Changed
    from nsinit.core.state import ServiceState
    from nsinit.core.supervisor import Supervisor
    from nsinit.model.plan import Rules


class ServiceView(Struct, frozen=True, kw_only=True):
    """One service as it is at this moment."""

    name: str
    description: str
    type: str
    tags: tuple[str, ...]
    main: bool
    essential: bool
    want: Literal["up", "down"]
    state: State
    reason: str
    result: str
    pid: int | None
    run: int
    restarts: int
    since_at: float
    started_at: float | None
    ready_at: float | None
    next_retry_at: float | None
    health: str
    message: str
    pinned: bool
    reloading: bool
    exit_code: int | None
    exit_signal: int | None
    awaits_trigger: bool = False  # when it waits, it does so for its schedule or socket alone
    paused: bool = False
    probe_failures: int = 0
    next_run: float | None = None  # by its schedule, in seconds since the epoch


class View(Struct, frozen=True, kw_only=True):
    """Init as it is at this moment."""

    phase: str
    exit_code: int | None
    main: str | None
    services: list[ServiceView]


def view_service(s: ServiceState, rules: Rules) -> ServiceView:
    """The snapshot of one service."""
    status = s.last_status
    return ServiceView(
        name=s.name,
        description=rules.description,
        type=rules.type,
        tags=rules.tags,
        main=rules.main,
        essential=rules.essential,
        want="up" if s.want else "down",
        state=s.state,
        reason=s.reason,
        result=s.result,
        pid=s.pid or None,
        run=s.run,
        restarts=s.restarts,
        since_at=s.since_at,
        started_at=s.started_at if s.run else None,
        ready_at=s.ready_at,
        next_retry_at=s.timers.get("backoff"),
        health=s.health if s.state is State.RUNNING else "",
        message=s.message,
        pinned=bool(s.pinned),
        reloading=s.reloading,
        paused=s.paused,
        exit_code=status if status is not None and status >= 0 else None,
        exit_signal=-status if status is not None and status < 0 else None,
        probe_failures=s.probe_failures,
        awaits_trigger=bool(rules.trigger) and not s.triggered,
    )


def still(s: ServiceState) -> ServiceState:
    """A service as it is now, for a view that is made later: this takes a tenth of the time."""
    return structs.replace(s, timers=dict(s.timers))


def view_change(change: Changed, s: ServiceState, rules: Rules) -> ServiceView:
    """The snapshot of a service at the moment of a change, a little later in the same turn."""
    now = view_service(s, rules)
    return structs.replace(
        now,
        health=change.reason.partition(":")[0] if change.kind == "health" else now.health,
        state=State(change.new),
        run=change.run,
        pid=change.pid or None,
        reason=change.reason,
    )


def view(supervisor: Supervisor) -> View:
    """The snapshot of everything, services in starting order."""
    state, plan = supervisor.state, supervisor.plan
    return View(
        phase=state.phase,
        exit_code=state.code,
        main=plan.main,
        services=[view_service(state.services[name], r) for name, r in plan.services.items()],
    )
