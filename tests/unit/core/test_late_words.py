"""What comes when it does not matter any more, or not yet: it changes nothing, and is no error."""

from __future__ import annotations

import pytest

from nsinit.core import messages as m
from tests.unit.core.world import Table, World, booted

LATE: list[m.Event] = [
    m.Execed("a", 1),
    m.Ready("a", 1),
    m.Notified("a", 1, ready=True, main_pid=9, watchdog="trigger", extend=5.0),
    m.MainFound("a", 1, 9),
    m.MainMissing("a", 1, "no pid file yet"),
    m.MainMissing("a", 1, "there is none", hopeless=True),
    m.PauseFailed("a", 1, "cannot freeze it"),
    m.Lingering("a", 1, 2),
    m.Emptied("a", 1),
]
JOB: Table = {"schedule": {"every": "1h"}}
HOOK: Table = {"command": "h"}


def at(state: str) -> World:
    """A service "a" in that state, with one run behind it."""
    restart = "on-failure" if state == "backoff" else "no"
    w = booted({"db": {}, "a": {"depends_on": ["db"], "restart": restart}, "b": {}})
    if state == "waiting":
        w.restart("db", "a")
        w.end("a", 0)
    elif state == "stopped":
        w.stop("a")
        w.exits("a")
    else:
        w.end("a", int(state != "exited"))
    assert (w.state("a"), w["a"].run) == (state, 1)
    return w


@pytest.mark.parametrize("state", ["stopped", "waiting", "backoff", "exited", "failed"])
def test_nothing_follows_when_something_is_said_of_a_run_that_is_over(state: str) -> None:
    """It was on its way when the run ended."""
    w = at(state)
    before = w.core.state.encode()
    for event in LATE:
        assert w.core.handle(event, w.now) == []
    assert w.core.state.encode() == before


@pytest.mark.parametrize("event", [LATE[0], LATE[1], LATE[4], LATE[5]])
def test_stop_goes_on_when_what_is_said_is_about_the_start(event: m.Event) -> None:
    """The answer was on its way when the stop began."""
    w = booted({"a": {}}, outcomes=["stubborn"])
    w.stop("a")
    before = w.core.state.encode()
    assert w.core.handle(event, w.now) == []
    assert w.core.state.encode() == before


@pytest.mark.parametrize("event", [LATE[0], LATE[1], *LATE[3:6]])
def test_service_runs_on_when_what_is_said_is_about_the_start(event: m.Event) -> None:
    """That it is ready, or who it is, is known already."""
    w = booted({"a": {"type": "notify"}})
    w.ready("a")
    before = w.core.state.encode()
    assert w.core.handle(event, w.now) == []
    assert w.core.state.encode() == before


def test_operator_is_told_when_a_starting_service_could_not_be_frozen() -> None:
    """It goes on with its start."""
    w = booted({"a": {"type": "notify", "start_timeout": 5}})
    w.pause("a")
    w.post(m.PauseFailed("a", 1, "cannot freeze it"))
    assert (w.remarks, w["a"].paused) == ([("a", "cannot freeze it")], False)
    assert (w.state("a"), w.timer("a", "start")) == ("starting", 5)


def test_post_stop_is_waited_for_when_it_is_told_twice_that_nothing_is_left() -> None:
    """Who has been asked twice answers twice."""
    w = booted({"a": {"post_stop": HOOK, "restart": "no"}, "b": {}})
    w.end("a", 0)
    w.post(m.Emptied("a", 1))
    assert (w.state("a"), w.running_tasks("a")) == ("stopping", ["post_stop"])
    w.task_ends("a", "post_stop")
    assert w.state("a") == "exited"


# --- Triggers -------------------------------------------------------------------------------------


def job(overlap: str = "skip", trigger: str = "schedule", **table: object) -> World:
    """A service that waits for its hour, or for a connection."""
    rules = {"trigger": trigger, "overlap": overlap}
    return booted({"a": dict(table), "b": {}}, rules={"a": rules})


@pytest.mark.parametrize("overlap", ["skip", "queue", "kill"])
def test_service_stays_down_when_its_hour_comes_while_it_is_stopped(overlap: str) -> None:
    """And the one that was missed is not made up for."""
    w = job(overlap)
    w.trigger("a")
    w.processes["a"].stubborn = True
    w.stop("a")
    w.trigger("a")
    w.end("a", 0)
    assert (w.state("a"), w["a"].run) == ("stopped", 1)
    w.start("a")
    assert (w.state("a"), w["a"].reason) == ("waiting", "for its schedule")


def test_next_connection_is_waited_for_when_one_was_told_of_during_the_run() -> None:
    """The service has it already."""
    w = job(trigger="socket")
    w.trigger("a")
    w.trigger("a")
    w.end("a", 0)
    assert (w.state("a"), w["a"].reason) == ("waiting", "for a connection")


def test_next_hour_is_waited_for_when_one_came_after_a_failure_for_good() -> None:
    """Who starts it again starts anew."""
    w = job("queue", on_fail=HOOK, restart="no")
    w.trigger("a")
    w.end("a", 1)
    assert w.state("a") == "failed"
    w.trigger("a")
    w.start("a")
    assert (w.state("a"), w["a"].reason) == ("waiting", "for its schedule")


def test_pause_before_a_restart_is_kept_when_the_next_hour_comes() -> None:
    """There is nothing to be killed: the run that follows is the one that is wanted."""
    w = job("kill", restart="on-failure")
    w.trigger("a")
    w.end("a", 1)
    w.trigger("a")
    assert (w.state("a"), w.timer("a", "backoff")) == ("backoff", 0.5)
    w.advance(0.5)
    assert (w.state("a"), w["a"].run) == ("running", 2)
    w.end("a", 0)
    assert (w.state("a"), w["a"].run) == ("waiting", 2)


# --- Stops ----------------------------------------------------------------------------------------


def test_signals_begin_with_the_first_when_an_undone_oneshot_left_something() -> None:
    """Those of the sequence in turn."""
    stop: Table = {"stop_command": HOOK, "stop_signal": ["TERM", "1s", "INT", "1s"]}
    w = booted({"a": {"type": "oneshot"} | stop, "b": {}})
    w.end("a", 0)
    w.stop("a")
    w.processes["a"].strays = 1
    w.task_ends("a", "stop_command")
    assert w.signals("a") == [(15, "all")]
    w.pending.clear()
    w.advance(1)
    assert w.signals("a") == [(15, "all"), (2, "all")]


def test_last_wait_counts_when_a_service_that_hangs_is_aborted() -> None:
    """What comes before KILL in its stop sequence."""
    w = booted({"a": {"watchdog": 3, "stop_signal": ["TERM", "5s", "INT", "2s"]}})
    w.advance(3)
    assert (w.signals("a"), w.timer("a", "stop")) == ([(6, "main")], 2)


def test_leftovers_of_post_stop_are_killed_once_when_the_kill_mode_is_mixed() -> None:
    """Then each second, as everywhere."""
    w = booted({"a": {"post_stop": HOOK, "restart": "no", "kill_mode": "mixed"}, "b": {}})
    w.task_outcomes = ["never and leaves one"]
    w.end("a", 0)
    w.advance(5)
    assert w.signals("a") == [(9, "all")]
    w.pending.clear()
    w.advance(1)
    assert w.signals("a") == [(9, "all")] * 2
