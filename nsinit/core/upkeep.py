"""What keeps a running service honest: health checks, its watchdog, and what it says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nsinit.core import policy
from nsinit.core.messages import Signal
from nsinit.core.starting import hear_ready, take_main
from nsinit.core.state import State
from nsinit.core.stopping import abort, begin_stop, found_late
from nsinit.core.turn import arm, cancel_task, disarm, remark, run_task, same

if TYPE_CHECKING:
    from nsinit.core.messages import Fired, Notified, TaskEnded, TimerKind
    from nsinit.core.state import Health, ServiceState
    from nsinit.core.turn import Turn
    from nsinit.model.plan import Rules


RELOADED: Final = "reloaded"

# --- Health ---------------------------------------------------------------------------------------


def adjust(turn: Turn, s: ServiceState, rules: Rules) -> None:
    """An update may have brought checks to a running service, or taken them away."""
    if "health" not in rules.tasks:
        disarm(turn, s, "check")
        cancel_task(turn, s, "health")
        s.health = ""
    elif s.state is State.RUNNING and not s.health:
        s.health, s.health_fails = "starting", 0
        arm(turn, s, "check", rules.health_interval)


def on_check_due(turn: Turn, s: ServiceState, rules: Rules, e: Fired) -> None:
    """Time for the next check."""
    run_task(turn, s, rules, "health")


def on_check_ended(turn: Turn, s: ServiceState, rules: Rules, e: TaskEnded) -> None:
    """A good one forgets the bad ones before; too many in a row make it unhealthy."""
    arm(turn, s, "check", rules.health_interval)
    if e.status == 0:
        s.health_fails = 0
        _be(turn, s, "healthy", "healthy")
        return
    s.probe_failures += 1
    young = s.ready_at is not None and turn.now - s.ready_at < rules.health_start_period
    if young and s.health == "starting":
        return
    s.health_fails += 1
    if s.health_fails < rules.health_retries:
        return
    why = e.text or policy.how_it_ended(e.status, "")
    _be(turn, s, "unhealthy", f"unhealthy: {why}")
    if rules.health_action == "none" or s.asked:
        return
    s.why = f"unhealthy: {why}"
    s.hopeless = rules.health_action != "restart"
    s.fatal = rules.health_action == "shutdown"
    begin_stop(turn, s, rules, "watchdog")


def _be(turn: Turn, s: ServiceState, health: Health, told: str) -> None:
    if s.health != health:
        s.health = health
        turn.actions.append(same(s, told, "health"))


def on_watchdog(turn: Turn, s: ServiceState, rules: Rules, e: Fired) -> None:
    """It promised a sign of life, and gave none."""
    abort(turn, s, rules)


# --- Reload ---------------------------------------------------------------------------------------


def on_reload_ended(turn: Turn, s: ServiceState, rules: Rules, e: TaskEnded) -> None:
    """Its reload_command is done, or the time is over in which it should have reloaded."""
    s.reloading, s.reload_at = False, None
    told = RELOADED
    if e.status != 0:
        what = "reload_command" if "reload" in rules.tasks else "reload"
        told = f"{what} {policy.how_it_ended(e.status, e.text)}"
        remark(turn, s, told)
    if s.reload_again:  # who asked for that one is told when it is done
        begin_reload(turn, s, rules)
    if not s.reloading:
        turn.actions.append(same(s, told, "reload"))


def begin_reload(turn: Turn, s: ServiceState, rules: Rules) -> None:
    """Run its reload_command, or send it its signal.

    A reload that runs already may have read what was changed since: a command runs once more, and
    of a service that tells of its reloads only one counts that begins after the signal.
    """
    s.reload_again = "reload" in s.tasks
    if s.reload_again:
        return
    if "reload" in rules.tasks:
        s.reloading = True
        run_task(turn, s, rules, "reload")
    elif rules.reload_signal:
        turn.actions.append(Signal(s.name, s.run, rules.reload_signal, "main"))
        if rules.reload_timeout is not None:
            s.reloading, s.reload_at = True, turn.now
            arm(turn, s, "reload", rules.reload_timeout)


def _hear_reloading(s: ServiceState, begun_at: float | None) -> None:
    """It reloads; of its own accord, unless it has begun since it was last asked to."""
    s.reloading = True
    if s.reload_at is not None and begun_at is not None and begun_at >= s.reload_at:
        s.reload_at = None


# --- sd_notify ------------------------------------------------------------------------------------


def on_notified(turn: Turn, s: ServiceState, rules: Rules, e: Notified) -> None:
    """One datagram of sd_notify(3), all of its fields at once."""
    if e.main_pid:
        _take_main(turn, s, rules, e)
    if e.status is not None:
        s.message = e.status
    if e.errno:
        s.message = f"{s.message} (errno {e.errno})".strip()
    if e.extend is not None:
        _extend(turn, s, e.extend)
    if e.reloading:
        _hear_reloading(s, e.reloading_at)
    if e.stopping:
        s.reason = "it is about to end"
    if e.watchdog_span is not None:
        s.watchdog = e.watchdog_span
    if e.ready:
        _say_ready(turn, s, rules)
    if e.watchdog == "trigger" and s.pid and s.state is not State.STOPPING:
        s.why = "it said that it hangs"
        abort(turn, s, rules)
    elif s.state is State.RUNNING:
        _feed(turn, s, e)


def _say_ready(turn: Turn, s: ServiceState, rules: Rules) -> None:
    """Ready for the first time, or again after it has read its configuration."""
    if s.reload_at is None and "reload" not in s.tasks:  # reload_command tells of it itself
        if s.reloading:
            turn.actions.append(same(s, RELOADED, "reload"))
        s.reloading = False
        disarm(turn, s, "reload")
    if s.state is State.STARTING:
        hear_ready(turn, s, rules, listen=rules.says_ready)


def _take_main(turn: Turn, s: ServiceState, rules: Rules, e: Notified) -> None:
    if s.state is State.STARTING and s.stage in ("parent", "daemon"):
        take_main(turn, s, rules, e.main_pid)
    elif s.pid:
        s.pid = e.main_pid
    else:
        found_late(turn, s, rules, e.main_pid)


def _extend(turn: Turn, s: ServiceState, span: float) -> None:
    """EXTEND_TIMEOUT_USEC: at least so much longer, but not beyond a shutdown's share."""
    timer: TimerKind = "start" if s.state is State.STARTING else "stop"
    if timer in s.timers and s.stop_scale >= 1.0:
        arm(turn, s, timer, max(span, s.timers[timer] - turn.now))


def _feed(turn: Turn, s: ServiceState, e: Notified) -> None:
    if s.watchdog and (e.watchdog or e.watchdog_span is not None):
        arm(turn, s, "watchdog", s.watchdog)
    elif not s.watchdog:
        disarm(turn, s, "watchdog")
