"""The stop of a run: pre_stop and stop_command, then signals and waits in turn, then KILL.

The stop sequence is data; killing is its last step and is repeated until the run is empty.
Signals go only to a run that has a process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nsinit.core import policy
from nsinit.core.ending import main_is_gone, nothing_left
from nsinit.core.messages import Signal, Sweep
from nsinit.core.state import State
from nsinit.core.turn import arm, cancel_task, enter, remark, run_task

if TYPE_CHECKING:
    from nsinit.core.messages import (
        Emptied,
        Exited,
        Fired,
        Lingering,
        MainFound,
        Scope,
        TaskEnded,
        TaskKind,
    )
    from nsinit.core.state import Result, ServiceState
    from nsinit.core.turn import Turn
    from nsinit.model.plan import Rules

SIGABRT: Final = 6
SIGKILL: Final = 9
SIGCONT: Final = 18
STOP_TASKS: Final[tuple[TaskKind, ...]] = ("pre_stop", "stop_command")


def begin_stop(turn: Turn, s: ServiceState, rules: Rules, cause: Result) -> None:
    """End a run, or undo what an exited oneshot did; `cause` is why, if nobody asked for it."""
    undo = s.state is State.EXITED
    if undo:
        s.stop_step, s.swept = -1, False  # nothing of its run is left
    else:
        s.cause = cause
    enter(turn, s, State.STOPPING, s.why or cause or s.asked)
    hosted = rules.accepts and s.begun  # what has no main process ends when it is told to
    if hosted:
        s.status = 0
    if not s.pid and not undo and not hosted:  # a hook before it ran, or no daemon is found yet
        main_is_gone(turn, s, rules)
        return
    _ask_to_end(turn, s, rules)


def found_late(turn: Turn, s: ServiceState, rules: Rules, pid: int) -> None:
    """A daemon was found while its run is being stopped: it is waited for as no stray is."""
    if s.stage != "daemon":
        return
    s.pid, s.status, s.stage = pid, None, "main"
    if s.stop_scale <= 0:
        _kill(turn, s, rules)
    elif s.stop_step < 0:
        _ask_to_end(turn, s, rules)


def abort(turn: Turn, s: ServiceState, rules: Rules) -> None:
    """End a run that hangs, with a picture of what it was doing: ABRT, then KILL."""
    s.cause = "watchdog"
    enter(turn, s, State.STOPPING, s.why or "its watchdog was not fed")
    _signal(turn, s, SIGABRT, "main")
    s.stop_step = len(rules.stop_steps) - 1
    arm(turn, s, "stop", rules.stop_steps[-1][1])


def shorten_stop(turn: Turn, s: ServiceState, *, scale: float) -> None:
    """Scale down what is left of the grace of a run that is being stopped."""
    s.stop_scale = min(s.stop_scale, scale)
    for timer in list(s.timers):
        arm(turn, s, timer, max(0.0, s.timers[timer] - turn.now) * scale)


def kill_now(turn: Turn, s: ServiceState, rules: Rules) -> None:
    """Skip what is left of the grace of a run that is being stopped, and the hooks to come."""
    if s.state is not State.STOPPING:
        return  # there was nothing to wait for
    s.stop_scale = 0.0
    for task in list(s.tasks):
        cancel_task(turn, s, task)
    if s.stage == "post_stop" or (not s.pid and s.stop_step < 0):
        main_is_gone(turn, s, rules)
    elif s.stop_step < len(rules.stop_steps):
        _kill(turn, s, rules)


# --- What happens meanwhile -----------------------------------------------------------------------


def on_exited(turn: Turn, s: ServiceState, rules: Rules, e: Exited) -> None:
    """The main process has ended, by itself or not."""
    s.pid, s.status, s.ended_at = 0, e.status, turn.now
    if e.oom and not s.cause:
        s.cause = "oom"
    if e.text:
        s.why = s.why or e.text
        if not e.oom:  # else its result tells
            remark(turn, s, e.text)
    if s.state is not State.STOPPING:
        enter(turn, s, State.STOPPING, "ended")
    if not any(task in STOP_TASKS for task in s.tasks):  # else when that has ended
        main_is_gone(turn, s, rules)


def on_found_stopping(turn: Turn, s: ServiceState, rules: Rules, e: MainFound) -> None:
    """The answer was on its way when the stop began."""
    found_late(turn, s, rules, e.pid)


def on_lingering(turn: Turn, s: ServiceState, rules: Rules, e: Lingering) -> None:
    """Others outlived the main process: they get the rest of the stop sequence."""
    s.reason = f"{e.count} of its processes left"
    if s.stage == "post_stop" and "stop" not in s.timers:
        _kill(turn, s, rules)
    if s.stage == "post_stop" or s.swept:
        return
    s.swept = True
    if rules.kill_mode == "mixed":
        _kill(turn, s, rules)
    elif s.stop_step < 0:
        _next_stop_step(turn, s, rules)
    elif s.stop_step < len(rules.stop_steps):  # only the group had this step's signal
        _signal(turn, s, rules.stop_steps[s.stop_step][0], "all")


def on_emptied(turn: Turn, s: ServiceState, rules: Rules, e: Emptied) -> None:
    """Nothing of the run is left."""
    if not s.pid and not s.tasks:
        nothing_left(turn, s, rules)


def on_stop_timer(turn: Turn, s: ServiceState, rules: Rules, e: Fired) -> None:
    """A step of the sequence was not enough."""
    _next_stop_step(turn, s, rules)


def on_stop_task_ended(turn: Turn, s: ServiceState, rules: Rules, e: TaskEnded) -> None:
    """The signals follow, whatever came of it."""
    if e.status != 0:
        remark(turn, s, f"{e.task} {policy.how_it_ended(e.status, e.text)}")
    _next_stop_task(turn, s, rules)


# --- The sequence ---------------------------------------------------------------------------------


def _ask_to_end(turn: Turn, s: ServiceState, rules: Rules) -> None:
    s.stop_tasks = STOP_TASKS if s.stop_scale > 0 else ()
    _next_stop_task(turn, s, rules)


def _next_stop_task(turn: Turn, s: ServiceState, rules: Rules) -> None:
    left = [task for task in s.stop_tasks if task in rules.tasks]
    s.stop_tasks = (*left[1:],)
    if left:
        run_task(turn, s, rules, left[0], scale=s.stop_scale)
    elif s.pid:
        _next_stop_step(turn, s, rules)
    else:
        main_is_gone(turn, s, rules)


def _kill(turn: Turn, s: ServiceState, rules: Rules) -> None:
    s.stop_step = len(rules.stop_steps)
    _next_stop_step(turn, s, rules)


def _next_stop_step(turn: Turn, s: ServiceState, rules: Rules) -> None:
    """Send the next signal of the stop sequence; past its end KILL, again and again."""
    s.stop_step = min(s.stop_step + 1, len(rules.stop_steps))
    alone = rules.kill_mode == "process" and s.pid
    if s.stop_step == len(rules.stop_steps):
        _signal(turn, s, SIGKILL, "main" if alone else "all")
        if not s.pid:  # only strays are left: look again whether they are
            turn.actions.append(Sweep(s.name, s.run))
        arm(turn, s, "stop", policy.KILL_RETRY)
        return
    number, wait = rules.stop_steps[s.stop_step]
    scope: Scope = "main" if alone or rules.kill_mode == "mixed" else "group"
    _signal(turn, s, number, "all" if s.swept else scope)
    arm(turn, s, "stop", wait * s.stop_scale)


def _signal(turn: Turn, s: ServiceState, number: int, scope: Scope) -> None:
    turn.actions.append(Signal(s.name, s.run, number, scope))
    if number != SIGKILL:  # a stopped process acts on nothing else before it is continued
        turn.actions.append(Signal(s.name, s.run, SIGCONT, scope))
