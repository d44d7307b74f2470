"""The life of one service: what may be asked of it, and the table of what each event does.

Rules that hold after every event:
1. A run has one main process. `pid` is set only while that lives; a new run begins only when
   nothing of the last one is left (kill_mode "process" leaves strays alone on purpose).
2. A run ends through `stopping`, whoever ended it; `ending.conclude` alone decides what follows.
3. Timers and tasks run only in the states that need them (`turn.WHERE`).
4. A pair of state and event that is not in `TABLE` can't happen; it is noted and changes nothing.

Time and chance come with the `Turn`. The supervisor looks after everything between services: when
one may start, when one may stop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from nsinit.core import ending, pausing, starting, stopping, upkeep
from nsinit.core.messages import (
    Emptied,
    Execed,
    Exited,
    Fired,
    Lingering,
    MainFound,
    MainMissing,
    Notified,
    Pause,
    PauseFailed,
    Pin,
    Ready,
    Reload,
    Reset,
    RunEvent,
    Spawned,
    SpawnFailed,
    Stop,
    TaskEnded,
)
from nsinit.core.state import ACTIVE, AT_REST, ServiceState, State
from nsinit.core.turn import TASKS, WHERE, Turn, cancel_task, disarm, enter

if TYPE_CHECKING:
    from collections.abc import Callable

    from nsinit.core.messages import TaskKind, TimerKind, Trigger
    from nsinit.model.plan import Rules

    Request = Stop | Reload | Reset | Pin | Pause | Trigger
    # A handler takes the class of event that its row names, which no type can say of a table.
    Handler = Callable[[Turn, ServiceState, Rules, Any], None]

# --- What the supervisor and the operator ask for -------------------------------------------------


def start(turn: Turn, s: ServiceState) -> None:
    """Want it up. An operator's start forgets earlier failures and skips a backoff."""
    if s.pinned == "down":
        return
    s.want, s.by_hand = True, False
    if s.state in (State.STARTING, State.RUNNING) or (s.state is State.EXITED and s.asked):
        s.asked = ""  # a stop that has not begun is taken back
        turn.touched.append(s)
        return
    if s.state is State.STOPPING:
        s.fails, s.delay, s.asked = 0, 0.0, "restart"
        return
    if s.state is not State.WAITING:
        s.fails, s.delay = 0, 0.0
        enter(turn, s, State.WAITING)


def stop(turn: Turn, s: ServiceState, rules: Rules, *, by_hand: bool) -> None:
    """Want it down. What has processes is stopped once the supervisor says `may_stop`."""
    if by_hand and s.pinned == "up":
        return
    s.want, s.triggered = False, False
    if s.state in ACTIVE or (s.state is State.EXITED and rules.undo):
        s.by_hand, s.asked = by_hand, "stop"
        pausing.unpause(turn, s, rules)  # those that stop before it may still need it
        turn.touched.append(s)
    elif s.state not in AT_REST:
        s.by_hand = by_hand
        enter(turn, s, State.STOPPED)


def restart(turn: Turn, s: ServiceState) -> None:
    """Stop what has processes, and start it again."""
    if s.pinned:
        return
    s.want, s.by_hand, s.asked = True, False, "restart"
    s.fails, s.delay = 0, 0.0
    turn.touched.append(s)


def reload(turn: Turn, s: ServiceState, rules: Rules) -> None:
    """Let a running service read its configuration again, by its command or its signal."""
    if s.state is State.RUNNING and s.pid and not s.paused:
        upkeep.begin_reload(turn, s, rules)


def reset(turn: Turn, s: ServiceState) -> None:
    """Forget its failures; what has ended is as if it had never run, a backoff is over."""
    s.fails, s.delay, s.restarts = 0, 0.0, 0
    if s.state in (State.EXITED, State.FAILED) and not s.asked:  # else it is about to be undone
        s.want, s.result, s.last_status = False, "", None
        enter(turn, s, State.STOPPED)
    elif s.state is State.BACKOFF:
        s.due = True
        turn.touched.append(s)


def pin(s: ServiceState, *, on: bool) -> None:
    """Keep it up or down, as it is wanted now; a shutdown takes it down all the same."""
    s.pinned = ("up" if s.want else "down") if on else ""


def trigger(turn: Turn, s: ServiceState, rules: Rules) -> None:
    """Its schedule or socket wants a run; one that is not over yet decides by `overlap`."""
    if not s.want:
        return
    if s.state is State.WAITING or (s.state is State.STOPPING and rules.trigger == "socket"):
        s.triggered = True
    elif s.state not in AT_REST and rules.overlap != "skip":
        s.triggered = True
        if rules.overlap == "kill" and s.state in ACTIVE:
            restart(turn, s)
    turn.touched.append(s)


def ask(turn: Turn, s: ServiceState, rules: Rules, event: Request) -> None:
    """What concerns one service without its neighbours."""
    match event:
        case Stop():
            stop(turn, s, rules, by_hand=True)
        case Reload():
            reload(turn, s, rules)
        case Reset():
            reset(turn, s)
        case Pin(on=on):
            pin(s, on=on)
        case Pause(on=True):
            pausing.pause(turn, s)
        case Pause():
            pausing.unpause(turn, s, rules)
        case _:  # Trigger
            trigger(turn, s, rules)


# --- Handlers of more than one state --------------------------------------------------------------


def _on_task_ended(turn: Turn, s: ServiceState, rules: Rules, e: TaskEnded) -> None:
    if e.task in s.tasks:
        s.tasks.remove(e.task)
        disarm(turn, s, e.task)
        _ENDS[e.task](turn, s, rules, e)


def _on_task_limit(turn: Turn, s: ServiceState, rules: Rules, e: Fired) -> None:
    task: TaskKind = e.timer  # type: ignore[assignment]  # the table has put it here
    cancel_task(turn, s, task)
    _ENDS[task](turn, s, rules, TaskEnded(s.name, s.run, task, None))


def _on_backoff_over(turn: Turn, s: ServiceState, rules: Rules, e: Fired) -> None:
    s.due = True
    turn.touched.append(s)


def _ignore(turn: Turn, s: ServiceState, rules: Rules, e: RunEvent) -> None:
    """It comes too late to matter, or says what is known."""


# --- The table ------------------------------------------------------------------------------------

_ENDS: Final[dict[TaskKind, Handler]] = {
    "pre_start": starting.on_pre_start_ended,
    "ready": starting.on_probe_ended,
    "post_start": starting.on_post_start_ended,
    "health": upkeep.on_check_ended,
    "reload": upkeep.on_reload_ended,
    "pre_stop": stopping.on_stop_task_ended,
    "stop_command": stopping.on_stop_task_ended,
    "post_stop": ending.on_post_stop_ended,
    "on_fail": ending.on_fail_ended,
}
_TIMERS: Final[dict[TimerKind, Handler]] = {
    "start": starting.on_start_timeout,
    "uptime": starting.on_uptime,
    "again": starting.on_probe_again,
    "find": starting.on_find_again,
    "check": upkeep.on_check_due,
    "watchdog": upkeep.on_watchdog,
    "stop": stopping.on_stop_timer,
    "backoff": _on_backoff_over,
    **dict.fromkeys(TASKS, _on_task_limit),
}
TABLE: Final[dict[tuple[State, type[RunEvent] | str], Handler]] = {
    (State.STARTING, Spawned): starting.on_spawned,
    (State.STARTING, SpawnFailed): starting.on_spawn_failed,
    (State.STARTING, Execed): starting.on_execed,
    (State.STARTING, Ready): starting.on_ready,
    (State.STARTING, MainFound): starting.on_main_found,
    (State.STARTING, MainMissing): starting.on_main_missing,
    (State.STARTING, Notified): upkeep.on_notified,
    (State.STARTING, PauseFailed): pausing.on_pause_failed,
    (State.STARTING, Exited): starting.on_exited_starting,
    (State.RUNNING, SpawnFailed): starting.on_spawn_failed,  # it lied when it said it is ready
    (State.RUNNING, Execed): _ignore,  # it said that it is ready before we knew that it runs
    (State.RUNNING, Ready): _ignore,
    (State.RUNNING, MainFound): _ignore,  # it told its pid before it was found
    (State.RUNNING, MainMissing): _ignore,
    (State.RUNNING, Notified): upkeep.on_notified,
    (State.RUNNING, PauseFailed): pausing.on_pause_failed,
    (State.RUNNING, Exited): stopping.on_exited,
    (State.STOPPING, SpawnFailed): starting.on_spawn_failed,
    (State.STOPPING, Execed): _ignore,
    (State.STOPPING, Ready): _ignore,
    (State.STOPPING, MainFound): stopping.on_found_stopping,
    (State.STOPPING, MainMissing): _ignore,
    (State.STOPPING, Notified): upkeep.on_notified,
    (State.STOPPING, PauseFailed): pausing.on_pause_failed,
    (State.STOPPING, Exited): stopping.on_exited,
    (State.STOPPING, Lingering): stopping.on_lingering,
    (State.STOPPING, Emptied): stopping.on_emptied,
    **{(at, kind): _TIMERS[kind] for kind, states in WHERE.items() for at in states},
    **{(at, TaskEnded): _on_task_ended for at in State},
    # What the outside world may still say of a run after its end.
    **{
        (at, late): _ignore
        for at in (*AT_REST, State.WAITING, State.BACKOFF)
        for late in (
            Execed,
            Ready,
            Notified,
            MainFound,
            MainMissing,
            PauseFailed,
            Lingering,
            Emptied,
        )
    },
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
