"""How a run ends: its last processes go, its post_stop runs, and what comes after is decided.

`conclude` alone decides what follows a run, whoever ended it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nsinit.core import policy
from nsinit.core.messages import Release, Sweep
from nsinit.core.state import State
from nsinit.core.turn import arm, disarm, enter, remark, run_task
from nsinit.model.plan import allows_restart

if TYPE_CHECKING:
    from nsinit.core.messages import TaskEnded
    from nsinit.core.state import ServiceState
    from nsinit.core.turn import Turn
    from nsinit.model.plan import Rules

NO_RESTART = 125  # of a post_stop hook, as under s6


def main_is_gone(turn: Turn, s: ServiceState, rules: Rules) -> None:
    """There is no main process (any more): look for what it left, unless that may stay.

    A daemon that was not found yet is not what its parent left behind: it may not stay.
    """
    if rules.kill_mode == "process" and s.stage != "daemon":
        nothing_left(turn, s, rules)
    else:
        turn.actions.append(Sweep(s.name, s.run))


def nothing_left(turn: Turn, s: ServiceState, rules: Rules) -> None:
    """No process of the run is left: clean up after it, once and if there is time, and conclude."""
    if s.stage == "post_stop" or "post_stop" not in rules.tasks or s.stop_scale <= 0:
        conclude(turn, s, rules)
        return
    s.stage = "post_stop"
    if s.state is not State.STOPPING:
        enter(turn, s, State.STOPPING, s.why)
    disarm(turn, s, "stop")
    run_task(turn, s, rules, "post_stop", scale=s.stop_scale)


def on_post_stop_ended(turn: Turn, s: ServiceState, rules: Rules, e: TaskEnded) -> None:
    """Code 125 means "do not restart"; its own leftovers are ended like any."""
    if e.status == NO_RESTART:
        s.hopeless = True
        s.why = s.why or "post_stop forbids a restart"
    elif e.status != 0:
        remark(turn, s, f"post_stop {policy.how_it_ended(e.status, e.text)}")
    main_is_gone(turn, s, rules)


def conclude(turn: Turn, s: ServiceState, rules: Rules) -> None:
    """Nothing of the run is left: decide what comes after it."""
    success = policy.succeeded(rules, s.status, s.cause)
    s.result = policy.result_of(rules, s.status, s.cause)
    s.last_status, s.stage = s.status, ""
    asked, s.asked = s.asked, ""
    turn.actions.append(Release(s.name, s.run, s.result, s.why))
    if not success and s.want and asked != "restart":
        turn.broken.append(s)
    if not s.want:
        enter(turn, s, State.STOPPED, s.why)
    elif asked == "restart":
        s.restarts += 1
        s.triggered = bool(rules.trigger)  # who asks for it does not want to wait
        enter(turn, s, State.WAITING, s.why)
    elif not s.hopeless and policy.restarts(rules, success=success, status=s.status):
        _retry(turn, s, rules)
    elif rules.trigger and success:
        _await_next(turn, s, rules, s.why)
    elif success:
        enter(turn, s, State.EXITED, s.why)
    else:
        give_up(turn, s, rules, s.why)


def give_up(turn: Turn, s: ServiceState, rules: Rules, reason: str) -> None:
    """It failed, and on_fail hears of it: for good, or until the next time of its schedule."""
    if _tries_again(s, rules) and "on_fail" not in rules.tasks:
        _await_next(turn, s, rules, reason)
        return
    enter(turn, s, State.FAILED, reason)
    if "on_fail" in rules.tasks:
        run_task(turn, s, rules, "on_fail")


def on_fail_ended(turn: Turn, s: ServiceState, rules: Rules, e: TaskEnded) -> None:
    """That it ended lets init end, if init waits for nothing else."""
    if e.status != 0:
        remark(turn, s, f"on_fail {policy.how_it_ended(e.status, e.text)}")
    if s.want and _tries_again(s, rules):
        _await_next(turn, s, rules, s.reason)


def _tries_again(s: ServiceState, rules: Rules) -> bool:
    """Whether a failure only means to wait for the next time: not if init is to end with it."""
    fatal = rules.essential or s.fatal or rules.on_failure == "shutdown"
    return rules.trigger == "schedule" and s.cause != "dependency" and not fatal


def _await_next(turn: Turn, s: ServiceState, rules: Rules, reason: str) -> None:
    """This run is over, whatever came of it; the next of a schedule has all its restarts again.

    So has that of a socket after a long run; one that leaves its connections must reach its limit.
    """
    if rules.trigger == "schedule" or _lasted(turn, s, rules):
        s.fails, s.delay = 0, 0.0
    enter(turn, s, State.WAITING, reason)


def _lasted(turn: Turn, s: ServiceState, rules: Rules) -> bool:
    ended_at = turn.now if s.ended_at is None else s.ended_at
    return s.ready_at is not None and ended_at - s.ready_at >= rules.reset_after


def _retry(turn: Turn, s: ServiceState, rules: Rules) -> None:
    """Run it again: at once if the last run was long, else after a growing delay."""
    lasted = _lasted(turn, s, rules)
    if lasted:
        s.fails, s.delay = 0, 0.0
    if not allows_restart(rules.restart_limit, s.fails):
        s.result = "start-limit"
        give_up(turn, s, rules, s.why or f"{s.fails} restarts in a row were not enough")
        return
    s.fails += 1
    s.restarts += 1
    s.triggered = bool(rules.trigger)
    if not lasted:
        s.delay = policy.next_delay(s.delay, rules.restart_delay, rules.restart_max_delay)
    if s.cause == "exec" or not s.begun:
        # It may take no time at all: without a pause init would do nothing else.
        s.delay = max(s.delay, policy.SHORTAGE_DELAY)
    if s.delay <= 0:
        enter(turn, s, State.WAITING, s.why)
        return
    enter(turn, s, State.BACKOFF, s.why)
    arm(turn, s, "backoff", policy.with_jitter(s.delay, turn.jitter))
