"""One event being handled, and the moves that every handler is made of.

Timers and tasks belong to states: `WHERE` and `TASKS` say to which, and `enter` ends those that the
next state has no use for: all tasks, since none belongs to two. A task is a command or a probe
beside the main process (a hook, a health check); its time limit is a timer of the same name.

For a paused service time stands still: what its timers have left is held, tasks are put off, and
leaving the states in which it may be paused thaws it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nsinit.core import policy
from nsinit.core.messages import Arm, Changed, Disarm, Freeze, KillTask, Remark, RunTask
from nsinit.core.state import State

if TYPE_CHECKING:
    from nsinit.core.messages import Action, ChangeKind, TaskKind, TimerKind
    from nsinit.core.state import ServiceState
    from nsinit.model.plan import Rules

TASKS: Final[dict[TaskKind, State]] = {
    "pre_start": State.STARTING,
    "ready": State.STARTING,
    "post_start": State.STARTING,
    "health": State.RUNNING,
    "reload": State.RUNNING,
    "pre_stop": State.STOPPING,
    "stop_command": State.STOPPING,
    "post_stop": State.STOPPING,
    "on_fail": State.FAILED,
}
WHERE: Final[dict[TimerKind, tuple[State, ...]]] = {
    "start": (State.STARTING, State.RUNNING),  # a oneshot's bounds its whole run
    "uptime": (State.STARTING,),
    "again": (State.STARTING,),
    "find": (State.STARTING,),
    "check": (State.RUNNING,),
    "watchdog": (State.RUNNING,),
    "stop": (State.STOPPING,),
    "backoff": (State.BACKOFF,),
    **{task: (state,) for task, state in TASKS.items()},
}
PAUSABLE: Final = (State.STARTING, State.RUNNING)


class Turn:
    """One event being handled: the instant, a random number, and the actions so far."""

    def __init__(self, now: float, jitter: float) -> None:
        self.now = now
        self.jitter = jitter
        self.actions: list[Action] = []
        self.touched: list[ServiceState] = []  # whose neighbours must be looked at
        self.ended: list[ServiceState] = []  # who came to an end that may be init's too
        self.broken: list[ServiceState] = []  # whose run ended without success


def enter(turn: Turn, s: ServiceState, state: State, reason: str = "") -> None:
    """Go to another state; no timer stays but one that belongs there too, and no task."""
    old = s.state
    for timer in [kind for kind in (*s.timers, *s.held) if state not in WHERE[kind]]:
        disarm(turn, s, timer)
    for task in (*s.tasks, *s.put_off):
        cancel_task(turn, s, task)
    if s.paused and state not in PAUSABLE:
        s.paused = False
        turn.actions.append(Freeze(s.name, s.run, on=False))
    s.state, s.reason, s.since_at = state, reason, turn.now
    turn.actions.append(Changed(s.name, s.run, old, state, s.pid, reason))
    turn.touched.append(s)
    if state in (State.EXITED, State.FAILED):
        turn.ended.append(s)


def same(s: ServiceState, told: str, kind: ChangeKind) -> Changed:
    """Something has changed about a service that stays in its state."""
    return Changed(s.name, s.run, s.state, s.state, s.pid, told, kind)


def arm(turn: Turn, s: ServiceState, timer: TimerKind, after: float) -> None:
    """Set a timer of the current run, `after` seconds from now."""
    if s.paused:
        s.held[timer] = after
        return
    s.timers[timer] = turn.now + after
    turn.actions.append(Arm(s.name, s.run, timer, s.timers[timer]))


def disarm(turn: Turn, s: ServiceState, timer: TimerKind) -> None:
    """Drop a timer of the current run, if it is set."""
    s.held.pop(timer, None)
    if s.timers.pop(timer, None) is not None:
        turn.actions.append(Disarm(s.name, s.run, timer))


def run_task(
    turn: Turn, s: ServiceState, rules: Rules, task: TaskKind, *, scale: float = 1.0
) -> None:
    """Begin a task, with the part of its time limit that `scale` leaves."""
    if s.paused:
        s.put_off += (task,)
        return
    s.tasks.append(task)
    result = s.result if s.state is State.FAILED else policy.result_of(rules, s.status, s.cause)
    turn.actions.append(RunTask(s.name, s.run, task, s.pid, s.status, result))
    arm(turn, s, task, rules.tasks[task] * scale)


def cancel_task(turn: Turn, s: ServiceState, task: TaskKind) -> None:
    """End a task, if it runs; whatever it still says is not listened to."""
    if task in s.put_off:
        s.put_off = tuple(other for other in s.put_off if other != task)
    if task in s.tasks:
        s.tasks.remove(task)
        disarm(turn, s, task)
        turn.actions.append(KillTask(s.name, s.run, task))


def remark(turn: Turn, s: ServiceState, text: str) -> None:
    """Tell the operator something that changes nothing."""
    turn.actions.append(Remark(s.name, text))
