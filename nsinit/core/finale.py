"""What init does of its own before the first and after the last service, and what it ends with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nsinit.core import messages as m
from nsinit.core import order, policy
from nsinit.core.state import AT_REST, State

if TYPE_CHECKING:
    from nsinit.core.state import CoreState, ServiceState
    from nsinit.core.turn import Turn
    from nsinit.model.plan import Plan


def run_hook(turn: Turn, plan: Plan, state: CoreState, task: m.TaskKind) -> bool:
    """Run a hook of init's own; False if there is none to run."""
    limit = plan.tasks.get(task)
    if limit is None:
        return False
    state.hook, state.hook_at = task, turn.now + limit
    turn.actions.append(m.RunTask("", 0, task, status=state.code))
    turn.actions.append(m.Arm("", 0, task, state.hook_at))
    return True


def kill_hook(turn: Turn, state: CoreState) -> None:
    """End the hook that runs, if one does."""
    if hook := state.hook:
        turn.actions += (m.KillTask("", 0, hook), m.Disarm("", 0, hook))
        state.hook = ""


def keeps_up(state: CoreState, s: ServiceState) -> bool:
    """Whether init has to go on for the sake of this service."""
    if state.phase == "stopping":
        return order.alive(s) or bool(s.tasks)
    return s.state not in AT_REST or s.by_hand or bool(s.tasks)


class Reasons:
    """The services that may be a reason for init to go on.

    Nobody becomes one without being touched, so whoever was found to be none is not looked at again
    before that: all events together look at each service as often as it is touched, and not at all
    of them each time one ends.
    """

    def __init__(self) -> None:
        self._names: dict[str, None] | None = None  # None: it may be anybody

    def note(self, names: dict[str, None]) -> None:
        """These were touched."""
        if self._names is not None:
            self._names.update(names)

    def any(self, state: CoreState) -> bool:
        """Whether there is one."""
        if self._names is None:
            self._names = dict.fromkeys(state.services)
        while self._names:
            s = state.services.get(next(reversed(self._names)))
            if s is not None and keeps_up(state, s):
                return True
            self._names.popitem()
        return False


def final_code(plan: Plan, state: CoreState) -> int:
    """The exit code of an init that has nothing left to do."""
    if state.code is not None:
        return state.code
    if state.phase == "stopping":
        main = state.services[plan.main] if plan.main else None
        return policy.exit_code(main.last_status) if main and main.run else 0
    return first_failure(state)


def first_failure(state: CoreState) -> int:
    """The code of the first service that failed by itself; 0 if none did."""
    failed = [s for s in state.services.values() if s.state is State.FAILED]
    first = min(failed, key=lambda s: (s.result == "dependency", s.since_at), default=None)
    return policy.failure_code(first.last_status) if first else 0
