"""The life of one service, as a table of what each event does in each state.

Rules that hold after every event:
1. A run has one main process. `pid` is set only while that lives; a new run begins only when
   nothing of the last one is left (kill_mode "process" leaves strays alone on purpose).
2. A run ends through `stopping`, whoever ended it; `_conclude` alone decides what follows.
3. Signals go only to a run that has a process. The stop sequence is data; killing is its last step
   and is repeated until the run is empty.
4. A timer is armed only in the state that needs it, and is disarmed when that state is left.
5. A pair that is not in `TABLE` can't happen; it is noted and changes nothing.

Time and chance come with the `Turn`. The supervisor looks after everything between services: when
one may start (`may_start`), when one may stop (`may_stop`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from nsinit.core import policy
from nsinit.core.messages import (
    Arm,
    Changed,
    Disarm,
    Emptied,
    Execed,
    Exited,
    Fired,
    Lingering,
    Ready,
    Release,
    RunEvent,
    Signal,
    Spawn,
    Spawned,
    SpawnFailed,
    Sweep,
    TimerKind,
)
from nsinit.core.state import ACTIVE, AT_REST, ServiceState, State
from nsinit.model.plan import allows_restart

if TYPE_CHECKING:
    from collections.abc import Callable

    from nsinit.core.messages import Action, Scope
    from nsinit.core.state import Result
    from nsinit.model.plan import Rules

    # A handler takes the class of event that its row names, which no type can say of a table.
    Handler = Callable[["Turn", ServiceState, Rules, Any], None]
    Key = tuple[State, type[RunEvent] | str]

SIGKILL: Final = 9
SIGCONT: Final = 18


class Turn:
    """One event being handled: the instant, a random number, and the actions so far."""

    def __init__(self, now: float, jitter: float) -> None:
        self.now = now
        self.jitter = jitter
        self.actions: list[Action] = []
        self.touched: list[ServiceState] = []  # whose neighbours must be looked at
        self.ended: list[ServiceState] = []  # who came to an end that may be init's too


def enter(turn: Turn, s: ServiceState, state: State, reason: str = "") -> None:
    """Go to another state; its timers are the only ones that stay."""
    old = s.state
    for timer in [kind for kind in s.timers if kind not in _TIMERS[state]]:
        disarm(turn, s, timer)
    s.state, s.reason, s.since_at = state, reason, turn.now
    turn.actions.append(Changed(s.name, s.run, old, state, s.pid, reason))
    turn.touched.append(s)
    if state in (State.EXITED, State.FAILED):
        turn.ended.append(s)


def arm(turn: Turn, s: ServiceState, timer: TimerKind, after: float) -> None:
    """Set a timer of the current run, `after` seconds from now."""
    s.timers[timer] = turn.now + after
    turn.actions.append(Arm(s.name, s.run, timer, s.timers[timer]))


def disarm(turn: Turn, s: ServiceState, timer: str) -> None:
    """Drop a timer of the current run, if it is set."""
    if s.timers.pop(timer, None) is not None:
        turn.actions.append(Disarm(s.name, s.run, timer))  # type: ignore[arg-type]


# --- What the supervisor and the operator ask for ------------------------------------------------


def start(turn: Turn, s: ServiceState) -> None:
    """Want it up. An operator's start forgets earlier failures and skips a backoff."""
    s.want, s.by_hand = True, False
    if s.state in (State.STARTING, State.RUNNING):
        s.asked = ""  # a stop that has not begun is taken back
        turn.touched.append(s)
        return
    if s.state is State.STOPPING:
        s.asked = "restart"
        return
    if s.state is not State.WAITING:
        s.fails, s.delay, s.due = 0, 0.0, False
        enter(turn, s, State.WAITING)


def stop(turn: Turn, s: ServiceState, *, by_hand: bool) -> None:
    """Want it down. What has processes is stopped once the supervisor says `may_stop`."""
    s.want = False
    if s.state in AT_REST:
        return
    s.by_hand = by_hand
    if s.state in ACTIVE:
        s.asked = "stop"
        turn.touched.append(s)
    else:
        enter(turn, s, State.STOPPED)


def restart(turn: Turn, s: ServiceState) -> None:
    """Stop it, if it has processes, and start it again."""
    if s.state in ACTIVE:
        s.want, s.by_hand, s.asked = True, False, "restart"
        s.fails, s.delay = 0, 0.0
        turn.touched.append(s)
    else:
        start(turn, s)


def may_start(turn: Turn, s: ServiceState, rules: Rules) -> None:
    """Everything that it waits for holds: begin a new run."""
    s.run += 1
    s.pid, s.begun, s.cause, s.status = 0, False, "", None
    s.stop_step, s.stop_scale, s.swept, s.due = -1, 1.0, False, False
    s.started_at, s.ready_at, s.ended_at = turn.now, None, None
    enter(turn, s, State.STARTING)
    if rules.start_timeout is not None:
        arm(turn, s, "start", rules.start_timeout)
    turn.actions.append(Spawn(s.name, s.run))


def must_wait(turn: Turn, s: ServiceState, reason: str) -> None:
    """Something that it waits for does not hold yet."""
    if s.state is State.WAITING:
        s.reason = reason
    else:
        s.due = False
        enter(turn, s, State.WAITING, reason)


def cannot_start(turn: Turn, s: ServiceState, reason: str) -> None:
    """What it needs has failed for good."""
    s.result, s.last_status = "dependency", None
    enter(turn, s, State.FAILED, reason)


def may_stop(turn: Turn, s: ServiceState, rules: Rules, *, scale: float) -> None:
    """All that had to stop before it are gone: begin the stop sequence."""
    s.stop_scale = scale
    _begin_stop(turn, s, rules, "")


def shorten_stop(turn: Turn, s: ServiceState, *, scale: float) -> None:
    """Scale down what is left of the grace of a run that is being stopped."""
    s.stop_scale = min(s.stop_scale, scale)
    if "stop" in s.timers:
        arm(turn, s, "stop", max(0.0, s.timers["stop"] - turn.now) * scale)


def kill_now(turn: Turn, s: ServiceState, rules: Rules) -> None:
    """Skip what is left of the grace of a run that is being stopped."""
    if s.stop_step < len(rules.stop_steps):
        s.stop_step = len(rules.stop_steps) - 1
        _next_stop_step(turn, s, rules)


# --- What happens to a run ------------------------------------------------------------------------


def _on_spawned(turn: Turn, s: ServiceState, rules: Rules, e: Spawned) -> None:
    s.pid = e.pid
    if s.asked:
        turn.touched.append(s)


def _on_execed(turn: Turn, s: ServiceState, rules: Rules, e: Execed) -> None:
    s.begun = True
    if not rules.waits_for_ready and rules.min_uptime <= 0:
        _become_ready(turn, s, rules)
        return
    turn.touched.append(s)  # "started" holds now
    if not rules.waits_for_ready:
        arm(turn, s, "uptime", rules.min_uptime)


def _on_ready(turn: Turn, s: ServiceState, rules: Rules, e: Ready) -> None:
    s.begun = True
    if rules.waits_for_ready:
        _become_ready(turn, s, rules)


def _become_ready(turn: Turn, s: ServiceState, rules: Rules) -> None:
    s.ready_at = turn.now
    if not rules.oneshot:  # a oneshot's start_timeout bounds its whole run
        disarm(turn, s, "start")
    enter(turn, s, State.RUNNING)


def _on_spawn_failed(turn: Turn, s: ServiceState, rules: Rules, e: SpawnFailed) -> None:
    s.pid, s.ended_at = 0, turn.now
    s.cause, s.status = "exec", policy.exec_status(e.errno)
    if s.state is State.RUNNING or (s.state is State.STARTING and s.asked):
        enter(turn, s, State.STOPPING, s.asked)
    _conclude(turn, s, rules, e.text, hopeless=e.errno not in policy.TRANSIENT)


def _on_exited(turn: Turn, s: ServiceState, rules: Rules, e: Exited) -> None:
    s.pid, s.status, s.ended_at = 0, e.status, turn.now
    if s.state is not State.STOPPING:
        enter(turn, s, State.STOPPING, "ended")
    if rules.kill_mode == "process":
        _conclude(turn, s, rules)
    else:
        turn.actions.append(Sweep(s.name, s.run))


def _on_lingering(turn: Turn, s: ServiceState, rules: Rules, e: Lingering) -> None:
    """Others outlived the main process: they get the rest of the stop sequence."""
    s.reason = f"{e.count} of its processes left"
    if s.swept:
        return
    s.swept = True
    if rules.kill_mode == "mixed":
        kill_now(turn, s, rules)
    elif s.stop_step < 0:
        _next_stop_step(turn, s, rules)
    elif s.stop_step < len(rules.stop_steps):  # only the group had this step's signal
        _signal(turn, s, rules.stop_steps[s.stop_step][0], "all")


def _on_emptied(turn: Turn, s: ServiceState, rules: Rules, e: Emptied) -> None:
    if s.status is not None:
        _conclude(turn, s, rules)


def _on_start_timeout(turn: Turn, s: ServiceState, rules: Rules, e: Fired) -> None:
    _begin_stop(turn, s, rules, "timeout")


def _on_uptime(turn: Turn, s: ServiceState, rules: Rules, e: Fired) -> None:
    _become_ready(turn, s, rules)


def _on_stop_timer(turn: Turn, s: ServiceState, rules: Rules, e: Fired) -> None:
    _next_stop_step(turn, s, rules)


def _on_backoff_over(turn: Turn, s: ServiceState, rules: Rules, e: Fired) -> None:
    s.due = True
    turn.touched.append(s)


def _ignore(turn: Turn, s: ServiceState, rules: Rules, e: RunEvent) -> None:
    """It comes too late to matter, or says what is known."""


# --- How a run ends -------------------------------------------------------------------------------


def _begin_stop(turn: Turn, s: ServiceState, rules: Rules, cause: Result) -> None:
    s.cause = cause
    enter(turn, s, State.STOPPING, cause or s.asked)
    _next_stop_step(turn, s, rules)


def _next_stop_step(turn: Turn, s: ServiceState, rules: Rules) -> None:
    """Send the next signal of the stop sequence; past its end KILL, again and again."""
    s.stop_step = min(s.stop_step + 1, len(rules.stop_steps))
    alone = rules.kill_mode == "process"
    if s.stop_step == len(rules.stop_steps):
        _signal(turn, s, SIGKILL, "main" if alone else "all")
        if s.status is not None:  # only strays are left: look again whether they are
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


def _conclude(
    turn: Turn, s: ServiceState, rules: Rules, reason: str = "", *, hopeless: bool = False
) -> None:
    """Nothing of the run is left: decide what comes after it."""
    success = policy.succeeded(rules, s.status, s.cause)
    s.result = policy.result_of(rules, s.status, s.cause)
    s.last_status = s.status
    asked, s.asked = s.asked, ""
    turn.actions.append(Release(s.name, s.run))
    if not s.want:
        enter(turn, s, State.STOPPED, reason)
    elif asked == "restart":
        s.restarts += 1
        enter(turn, s, State.WAITING, reason)
    elif not hopeless and policy.restarts(rules, success=success, status=s.status):
        _retry(turn, s, rules, reason)
    else:
        enter(turn, s, State.EXITED if success else State.FAILED, reason)


def _retry(turn: Turn, s: ServiceState, rules: Rules, reason: str) -> None:
    """Run it again: at once if the last run was long, else after a growing delay."""
    lasted = s.ready_at is not None and turn.now - s.ready_at >= rules.reset_after
    if lasted:
        s.fails, s.delay = 0, 0.0
    if not allows_restart(rules.restart_limit, s.fails):
        s.result = "start-limit"
        enter(turn, s, State.FAILED, reason or f"{s.fails} restarts in a row were not enough")
        return
    s.fails += 1
    s.restarts += 1
    if not lasted:
        s.delay = policy.next_delay(s.delay, rules.restart_delay, rules.restart_max_delay)
    if s.cause == "exec":  # it takes no time at all: without a pause init would do nothing else
        s.delay = max(s.delay, policy.SHORTAGE_DELAY)
    if s.delay <= 0:
        enter(turn, s, State.WAITING, reason)
        return
    enter(turn, s, State.BACKOFF, reason)
    arm(turn, s, "backoff", policy.with_jitter(s.delay, turn.jitter))


# --- The table ------------------------------------------------------------------------------------

TABLE: Final[dict[Key, Handler]] = {
    (State.STARTING, Spawned): _on_spawned,
    (State.STARTING, SpawnFailed): _on_spawn_failed,
    (State.STARTING, Execed): _on_execed,
    (State.STARTING, Ready): _on_ready,
    (State.STARTING, Exited): _on_exited,
    (State.STARTING, "uptime"): _on_uptime,
    (State.STARTING, "start"): _on_start_timeout,
    (State.RUNNING, SpawnFailed): _on_spawn_failed,  # it lied when it said that it is ready
    (State.RUNNING, Execed): _ignore,  # it said that it is ready before we knew that it runs
    (State.RUNNING, Ready): _ignore,
    (State.RUNNING, Exited): _on_exited,
    (State.RUNNING, "start"): _on_start_timeout,
    (State.STOPPING, SpawnFailed): _on_spawn_failed,
    (State.STOPPING, Execed): _ignore,
    (State.STOPPING, Ready): _ignore,
    (State.STOPPING, Exited): _on_exited,
    (State.STOPPING, Lingering): _on_lingering,
    (State.STOPPING, Emptied): _on_emptied,
    (State.STOPPING, "stop"): _on_stop_timer,
    (State.BACKOFF, "backoff"): _on_backoff_over,
}
TABLE.update(
    # What the outside world may still say of a run after its end.
    ((state, late), _ignore)
    for state in (*AT_REST, State.WAITING, State.BACKOFF)
    for late in (Execed, Ready, Lingering, Emptied)
)

_TIMERS: Final[dict[State, frozenset[str]]] = {
    state: frozenset(key for at, key in TABLE if at is state and isinstance(key, str))
    for state in State
}


def handle(turn: Turn, s: ServiceState, rules: Rules, event: RunEvent) -> bool:
    """Let one event act on its service; False if that pair can't happen."""
    if event.run != s.run:
        return True  # of an earlier run
    key: type[RunEvent] | str = type(event)
    if isinstance(event, Fired):
        if s.timers.get(event.timer) != event.at:
            return True  # of a timer that was disarmed or armed anew meanwhile
        del s.timers[event.timer]
        key = event.timer
    handler = TABLE.get((s.state, key))
    if handler is None:
        return False
    handler(turn, s, rules, event)
    return True
