"""The next run of a service: it begins as the first did, whatever the last one has come to."""

from __future__ import annotations

from nsinit.core import messages as m
from tests.unit.core.world import Table, booted

TERM, INT, KILL = 15, 2, 9
HOOK: Table = {"command": "h"}


def test_hook_is_told_of_its_own_run_when_the_last_one_failed() -> None:
    """What pre_start prepares has not ended in any way yet."""
    w = booted({"a": {"pre_start": HOOK, "restart_delay": 0}})
    w.task_ends("a", "pre_start")
    w.end("a", 3)
    w.advance(1)
    assert (w["a"].run, w.running_tasks("a")) == (2, ["pre_start"])
    assert w.told_of("a", "pre_start").status is None


def test_reason_is_that_of_its_own_end_when_the_last_run_had_another() -> None:
    """What was wrong with one run is not said of the next."""
    w = booted({"a": {"type": "notify", "restart_delay": 0}})
    w.notify("a", watchdog="trigger")
    w.exits("a")
    assert (w["a"].run, w["a"].reason) == (2, "")
    w.ready("a")
    w.end("a", 1)
    w.end("a", 1)
    told = [a for a in w.actions if isinstance(a, m.Changed) and a.run == 2]
    assert "it said that it hangs" not in [a.reason for a in told]


def test_strays_are_ended_in_order_when_the_last_run_had_some_too() -> None:
    """The group first, then all; and the steps begin with the first."""
    w = booted(
        {"a": {"restart_delay": 0, "stop_signal": ["TERM", "1s", "INT", "1s"]}},
        outcomes=["strays", "strays"],
    )
    w.end("a", 1)
    w.exits("a")
    assert (w["a"].run, w.state("a"), w.signals("a")) == (2, "running", [(TERM, "all")])
    w.stop("a")
    w.end("a", -TERM)
    assert w.signals("a")[1:] == [(TERM, "group"), (TERM, "all")]
    w.exits("a")
    assert w.state("a") == "stopped"


def test_limit_is_reached_when_only_the_first_run_was_long() -> None:
    """A run that is never ready has not lasted, however long ago another one was."""
    w = booted({"a": {"type": "notify", "restart_limit": 2, "start_timeout": 60}, "b": {}})
    w.ready("a")
    w.advance(100)
    w.end("a", 1)
    for _ in range(2):
        assert w.state("a") == "starting"
        w.advance(60)
        w.exits("a")
        w.advance(5)
    assert (w.state("a"), w["a"].result) == ("failed", "start-limit")


def test_service_runs_again_when_its_post_start_is_done_again() -> None:
    """That an earlier run has ended is not taken for the end of this one."""
    w = booted({"a": {"post_start": HOOK, "restart_delay": 0}})
    w.task_ends("a", "post_start")
    w.end("a", 1)
    assert (w["a"].run, w.running_tasks("a")) == (2, ["post_start"])
    w.task_ends("a", "post_start")
    assert w.state("a") == "running"


def test_backoff_is_kept_when_a_running_service_was_reset() -> None:
    """To forget its failures is not to skip the pause after the next one."""
    w = booted({"a": {}})
    w.reset("a")
    w.end("a", 1)
    assert (w.state("a"), w.timer("a", "backoff")) == ("backoff", 0.5)


def test_first_backoff_is_short_when_the_service_was_started_while_it_stopped() -> None:
    """The operator's start forgets the failures before."""
    w = booted({"a": {}})
    w.end("a", 1)
    w.advance(0.5)
    w.stop("a")
    w.start("a")
    w.exits("a")
    w.end("a", 1)
    assert w.timer("a", "backoff") == 0.5


def test_restarts_are_counted_anew_when_the_service_was_started_while_it_stopped() -> None:
    """All that the limit allows."""
    w = booted({"a": {"restart_limit": 1, "restart_delay": 0}, "b": {}})
    w.end("a", 1)
    w.stop("a")
    w.start("a")
    w.exits("a")
    w.end("a", 1)
    assert (w.state("a"), w["a"].run) == ("running", 4)
    w.end("a", 1)
    assert (w.state("a"), w["a"].result) == ("failed", "start-limit")


def test_status_is_that_of_no_run_when_a_dependency_has_failed() -> None:
    """The run before ended well, which says nothing of what never began."""
    w = booted({"db": {"restart": "no"}, "app": {"depends_on": ["db"], "restart": "always"}})
    w.end("app", 3)
    assert (w.state("app"), w["app"].last_status) == ("backoff", 3)
    w.end("db", 1)
    w.advance(1)
    assert (w.state("app"), w["app"].result, w["app"].last_status) == ("failed", "dependency", None)


def test_what_is_left_of_the_second_run_is_looked_for_when_that_is_killed() -> None:
    """By its number; and only once the main process is gone."""
    w = booted({"a": {"restart_delay": 0, "stop_timeout": 1}}, outcomes=["ok", "stubborn"])
    w.end("a", 1)
    w.processes["a"].strays = 1
    w.stop("a")
    w.advance(2)
    assert w.signals("a")[-1] == (KILL, "all")
    assert not [a for a in w.actions if a == m.Sweep("a", 2)]
    w.end("a", -KILL)
    w.pending.clear()
    w.advance(1)
    assert w.actions.count(m.Sweep("a", 2)) == 2
