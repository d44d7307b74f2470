"""From the decision to start a run until it is up: hooks, the spawn, the daemon, readiness."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nsinit.core import policy
from nsinit.core.ending import give_up, main_is_gone, nothing_left
from nsinit.core.messages import FindMain, Spawn
from nsinit.core.state import State
from nsinit.core.stopping import begin_stop, on_exited
from nsinit.core.turn import arm, cancel_task, disarm, enter, run_task

if TYPE_CHECKING:
    from nsinit.core.messages import (
        Execed,
        Exited,
        Fired,
        MainFound,
        MainMissing,
        Ready,
        Spawned,
        SpawnFailed,
        TaskEnded,
    )
    from nsinit.core.state import ServiceState
    from nsinit.core.turn import Turn
    from nsinit.model.plan import Rules


# --- What the supervisor decides ------------------------------------------------------------------


def may_start(turn: Turn, s: ServiceState, rules: Rules) -> None:
    """Everything that it waits for holds: begin a new run."""
    s.run += 1
    s.begun, s.cause, s.status, s.why = False, "", None, ""
    s.stop_step, s.swept, s.due = -1, False, False
    s.hopeless, s.fatal, s.said_ready = False, False, False
    s.triggered, s.reloading, s.message, s.health_fails = False, False, "", 0
    s.probe_delay, s.watchdog, s.reload_at = policy.FIRST_PROBE, None, None
    s.started_at, s.ready_at, s.ended_at = turn.now, None, None
    enter(turn, s, State.STARTING)
    if rules.start_timeout is not None:
        arm(turn, s, "start", rules.start_timeout)
    if "pre_start" in rules.tasks:
        s.stage = "pre_start"
        run_task(turn, s, rules, "pre_start")
    else:
        _spawn(turn, s, rules)


def must_wait(turn: Turn, s: ServiceState, reason: str) -> None:
    """Something that it waits for does not hold yet."""
    if s.state is State.WAITING:
        s.reason = reason
    else:
        enter(turn, s, State.WAITING, reason)


def cannot_start(turn: Turn, s: ServiceState, rules: Rules, reason: str) -> None:
    """What it needs has failed for good."""
    s.result, s.cause, s.status, s.last_status = "dependency", "dependency", None, None
    give_up(turn, s, rules, reason)


# --- The process ----------------------------------------------------------------------------------


def _spawn(turn: Turn, s: ServiceState, rules: Rules) -> None:
    s.stage = "parent" if rules.forking else "main"
    turn.actions.append(Spawn(s.name, s.run))


def on_pre_start_ended(turn: Turn, s: ServiceState, rules: Rules, e: TaskEnded) -> None:
    """Without its preparation the service is not started; nor if it is to stop meanwhile."""
    if e.status == 0 and not s.asked:
        _spawn(turn, s, rules)
        return
    if e.status != 0:
        _blame_task(s, e)
    enter(turn, s, State.STOPPING, s.why or s.asked)
    main_is_gone(turn, s, rules)


def on_spawned(turn: Turn, s: ServiceState, rules: Rules, e: Spawned) -> None:
    """There is a main process."""
    s.pid = e.pid
    if s.asked:
        turn.touched.append(s)


def on_execed(turn: Turn, s: ServiceState, rules: Rules, e: Execed) -> None:
    """The program runs; a daemon's parent does, which says little."""
    s.begun = True
    turn.touched.append(s)  # "started" holds now
    if s.stage == "post_start":
        return  # it said that it is ready before we knew that it runs
    if not rules.waits_for_ready and rules.min_uptime <= 0:
        become_ready(turn, s, rules)
        return
    if not rules.waits_for_ready:
        arm(turn, s, "uptime", rules.min_uptime)
    elif "ready" in rules.tasks and not rules.forking:
        run_task(turn, s, rules, "ready")


def on_spawn_failed(turn: Turn, s: ServiceState, rules: Rules, e: SpawnFailed) -> None:
    """It never ran; what its pre_start has left is ended like anything that is left of a run."""
    s.pid, s.ended_at, s.why = 0, turn.now, e.text
    s.cause, s.status = "exec", policy.exec_status(e.errno)
    s.hopeless = e.errno not in policy.TRANSIENT
    for task in list(s.tasks):
        cancel_task(turn, s, task)
    prepared = "pre_start" in rules.tasks
    if s.state is State.RUNNING or (s.state is State.STARTING and (s.asked or prepared)):
        enter(turn, s, State.STOPPING, s.asked or s.why)
    if prepared:
        main_is_gone(turn, s, rules)
    else:
        nothing_left(turn, s, rules)


def on_start_timeout(turn: Turn, s: ServiceState, rules: Rules, e: Fired) -> None:
    """It is not ready, and whoever waits for it has waited long enough."""
    if s.stage in ("parent", "main") and not s.pid:  # it is being made, and then there is a pid
        arm(turn, s, "start", policy.FIND_AGAIN)
        return
    begin_stop(turn, s, rules, "timeout")


# --- Daemons --------------------------------------------------------------------------------------


def on_exited_starting(turn: Turn, s: ServiceState, rules: Rules, e: Exited) -> None:
    """A daemon's parent ends when the daemon runs, a oneshot when it is done; any other end is one.

    What has to be done after the start of a oneshot may take longer than the oneshot itself.
    """
    if s.stage == "parent" and e.status == 0:
        s.pid, s.stage, s.status = 0, "daemon", 0
        turn.actions.append(FindMain(s.name, s.run))
    elif rules.oneshot and s.stage == "post_start" and e.status in rules.success:
        s.pid, s.status, s.ended_at = 0, e.status, turn.now
    else:
        on_exited(turn, s, rules, e)


def on_main_found(turn: Turn, s: ServiceState, rules: Rules, e: MainFound) -> None:
    """The daemon is the main process from now on, unless it has told us so itself."""
    if s.stage == "daemon":
        take_main(turn, s, rules, e.pid)


def take_main(turn: Turn, s: ServiceState, rules: Rules, pid: int) -> None:
    """What its parent does is of no interest any more; ready or not, the run goes on."""
    s.pid, s.status, s.stage, s.begun = pid, None, "main", True
    disarm(turn, s, "find")
    if s.said_ready or not (rules.says_ready or "ready" in rules.tasks):
        become_ready(turn, s, rules)
    elif "ready" in rules.tasks:
        run_task(turn, s, rules, "ready")
    turn.touched.append(s)  # a stop may have waited for the pid


def on_main_missing(turn: Turn, s: ServiceState, rules: Rules, e: MainMissing) -> None:
    """The daemon has not written its pid file yet, or is no more."""
    if s.stage != "daemon":
        return
    if e.hopeless:
        s.cause, s.why = "exit-code", e.text
        enter(turn, s, State.STOPPING, e.text)
        main_is_gone(turn, s, rules)
        return
    s.reason = e.text
    arm(turn, s, "find", policy.FIND_AGAIN)


def on_find_again(turn: Turn, s: ServiceState, rules: Rules, e: Fired) -> None:
    """Look once more for the daemon."""
    turn.actions.append(FindMain(s.name, s.run))


# --- Readiness ------------------------------------------------------------------------------------


def on_ready(turn: Turn, s: ServiceState, rules: Rules, e: Ready) -> None:
    """It says so, or something about it does."""
    hear_ready(turn, s, rules, listen=rules.waits_for_ready)


def hear_ready(turn: Turn, s: ServiceState, rules: Rules, *, listen: bool) -> None:
    """That it is ready proves that it runs; a daemon's word counts once that is found."""
    s.begun = s.begun or bool(s.pid)
    turn.touched.append(s)  # "started" may hold now
    if not listen:
        return
    if s.stage in ("parent", "daemon"):
        s.said_ready = True
    elif s.stage == "main" and s.pid:
        become_ready(turn, s, rules)


def on_probe_ended(turn: Turn, s: ServiceState, rules: Rules, e: TaskEnded) -> None:
    """Not ready yet is no failure: ask again, less and less often, until start_timeout."""
    if e.status == 0:
        become_ready(turn, s, rules)
        return
    s.probe_failures += 1
    s.reason = e.text or policy.how_it_ended(e.status, "")
    arm(turn, s, "again", s.probe_delay)
    longest = max(rules.ready_interval, policy.FIRST_PROBE)
    s.probe_delay = min(s.probe_delay * policy.FACTOR, longest)


def on_probe_again(turn: Turn, s: ServiceState, rules: Rules, e: Fired) -> None:
    """Ask once more."""
    run_task(turn, s, rules, "ready")


def on_uptime(turn: Turn, s: ServiceState, rules: Rules, e: Fired) -> None:
    """It has lived long enough to be taken for running."""
    become_ready(turn, s, rules)


def become_ready(turn: Turn, s: ServiceState, rules: Rules) -> None:
    """It can be used, once post_start has done its part."""
    s.ready_at = turn.now
    cancel_task(turn, s, "ready")
    disarm(turn, s, "again")
    if "post_start" in rules.tasks:
        s.stage = "post_start"
        run_task(turn, s, rules, "post_start")
    else:
        _be_up(turn, s, rules)


def on_post_start_ended(turn: Turn, s: ServiceState, rules: Rules, e: TaskEnded) -> None:
    """It is up; or what had to be done for it was not, and it is stopped."""
    if e.status == 0 and s.ended_at is None:
        _be_up(turn, s, rules)
    elif e.status == 0:  # of a oneshot that ended meanwhile
        enter(turn, s, State.STOPPING, "ended")
        main_is_gone(turn, s, rules)
    else:
        status = s.status
        _blame_task(s, e)
        s.status = status  # that of its main process, or none yet
        begin_stop(turn, s, rules, s.cause)


def _be_up(turn: Turn, s: ServiceState, rules: Rules) -> None:
    s.stage = "main"
    if not rules.oneshot:  # a oneshot's start_timeout bounds its whole run
        disarm(turn, s, "start")
    enter(turn, s, State.RUNNING)
    if "health" in rules.tasks:
        s.health = "starting"
        arm(turn, s, "check", rules.health_interval)
    s.watchdog = s.watchdog if s.watchdog is not None else rules.watchdog
    if s.watchdog:
        arm(turn, s, "watchdog", s.watchdog)


def _blame_task(s: ServiceState, e: TaskEnded) -> None:
    """What a failed hook means for the run that it belongs to."""
    s.cause = "timeout" if e.status is None else "exit-code"
    s.status = e.status
    s.why = f"{e.task} {policy.how_it_ended(e.status, e.text)}"
