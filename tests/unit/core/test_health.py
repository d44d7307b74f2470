"""Health checks and the watchdog of a running service."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.core.world import Table, World, booted

TERM, ABRT, KILL = 15, 6, 9


def checked(**health: Any) -> Table:
    """A service with a health check."""
    return {"health": {"exec": "check"} | health}


def check(w: World, status: int, text: str = "") -> None:
    """Let the next check of "a" come and end."""
    w.advance(w.timer("a", "check") or 0.0)
    w.task_ends("a", "health", status, text)


def test_service_is_checked_when_it_runs() -> None:
    """Each interval after the end of the check before."""
    w = booted({"a": checked(interval=4) | {"type": "notify"}})
    w.advance(10)
    assert (w.begun_tasks("a"), w["a"].health) == ([], "")
    w.ready("a")
    assert (w["a"].health, w.timer("a", "check")) == ("starting", 4.0)
    w.advance(4)
    assert (w.running_tasks("a"), w.timer("a", "health")) == (["health"], 3.0)
    w.advance(1)
    w.task_ends("a", "health")
    assert (w["a"].health, w.timer("a", "check")) == ("healthy", 4.0)


def test_change_of_health_is_told_when_it_comes() -> None:
    """Once, and without a change of the state."""
    w = booted({"a": checked(retries=1, action="none")})
    check(w, 0)
    check(w, 0)
    check(w, 1, "no answer")
    check(w, 1, "no answer")
    assert w.path("a") == ["waiting", "starting", "running", "running", "running"]
    assert w["a"].health == "unhealthy"


def test_service_is_restarted_when_too_many_checks_in_a_row_fail() -> None:
    """It is stopped as any other; the policy sees a failure."""
    w = booted({"a": checked(retries=3, interval=1)})
    check(w, 1)
    check(w, 1)
    assert (w.state("a"), w["a"].health) == ("running", "starting")
    check(w, 1, "no answer")
    assert (w.state("a"), w.signals("a")) == ("stopping", [(TERM, "group")])
    assert w["a"].reason == "unhealthy: no answer"
    w.exits("a")
    assert (w.state("a"), w["a"].result) == ("backoff", "watchdog")
    w.advance(1)
    assert (w.state("a"), w["a"].health, w["a"].health_fails) == ("running", "starting", 0)


def test_failed_checks_are_forgotten_when_one_succeeds() -> None:
    """Only those in a row count."""
    w = booted({"a": checked(retries=2)})
    for status in (1, 0, 1, 0, 1):
        check(w, status)
    assert (w.state("a"), w["a"].health) == ("running", "healthy")
    check(w, 1)
    assert w.state("a") == "stopping"


def test_check_has_failed_when_it_takes_too_long() -> None:
    """It is killed at its limit."""
    w = booted({"a": checked(retries=1, timeout=2)})
    w.advance(12)
    assert (w.state("a"), w.killed_tasks("a")) == ("stopping", ["health"])
    assert w["a"].reason == "unhealthy: took too long"


def test_failures_do_not_count_when_the_start_period_is_not_over() -> None:
    """Until a check has succeeded: then it has started."""
    w = booted({"a": checked(retries=1, interval=2, start_period=5)})
    check(w, 1)
    check(w, 1)
    assert (w.state("a"), w["a"].health, w["a"].health_fails) == ("running", "starting", 0)
    check(w, 1)  # 6 s after the start
    assert w.state("a") == "stopping"
    w = booted({"a": checked(retries=1, interval=2, start_period=5)})
    check(w, 0)
    check(w, 1)
    assert w.state("a") == "stopping"


@pytest.mark.parametrize(("action", "code"), [("stop", None), ("shutdown", 1)])
def test_service_is_given_up_when_that_is_the_action(action: str, code: int | None) -> None:
    """With init, for the last of them."""
    w = booted({"a": checked(retries=1, action=action) | {"restart": "always"}, "b": {}})
    check(w, 1)
    assert w.state("a") == "stopping"
    w.end("a", 0)
    assert (w.state("a"), w["a"].result) == ("failed", "watchdog")
    w.exits("b")
    assert w.code() == code


def test_init_goes_on_when_somebody_starts_the_service_that_was_to_end_it() -> None:
    """The next failure is one of another run."""
    w = booted({"a": checked(retries=1, action="shutdown") | {"restart": "no"}, "b": {}})
    check(w, 1)
    w.start("a")
    w.exits("a")
    assert (w.state("a"), w["a"].run) == ("running", 2)
    w.end("a", 1)
    assert (w.state("a"), w.state("b")) == ("failed", "running")


def test_nothing_is_done_when_the_action_is_none() -> None:
    """It is checked on, and may become healthy again."""
    w = booted({"a": checked(retries=1, action="none")})
    check(w, 1)
    assert (w.state("a"), w["a"].health) == ("running", "unhealthy")
    check(w, 0)
    assert w["a"].health == "healthy"


def test_nothing_is_done_when_the_service_is_to_stop_anyway() -> None:
    """It waits for its dependents."""
    w = booted(
        {"a": checked(retries=1, action="shutdown"), "b": {"depends_on": ["a"]}},
        outcomes=["ok", "stubborn"],
    )
    w.stop("a", "b")
    w.advance(7.9)
    assert w.states == {"a": "running", "b": "stopping"}
    w = booted(
        {"a": checked(retries=1, interval=1), "b": {"depends_on": ["a"]}},
        outcomes=["ok", "stubborn"],
    )
    w.stop("a", "b")
    check(w, 1)
    assert (w.state("a"), w["a"].health) == ("running", "unhealthy")


def test_check_ends_when_the_service_does() -> None:
    """Or is stopped: nobody wants to know any more."""
    for verb in ("end", "stop"):
        w = booted({"a": checked(interval=1), "b": {}})
        w.advance(1)
        getattr(w, verb)("a")
        assert w.killed_tasks("a") == ["health"]
        assert "check" not in w["a"].timers


# --- The watchdog ---------------------------------------------------------------------------------


def test_service_is_aborted_when_its_watchdog_is_not_fed() -> None:
    """ABRT, so that it leaves a core, then KILL; no other signal and no hook."""
    w = booted(
        {"a": {"watchdog": 3, "stop_timeout": 2, "pre_stop": {"command": "h"}}},
        outcomes=["stubborn"],
    )
    w.advance(3)
    assert (w.state("a"), w.signals("a")) == ("stopping", [(ABRT, "main")])
    assert (w.begun_tasks("a"), w["a"].reason) == ([], "its watchdog was not fed")
    w.advance(2)
    assert w.signals("a") == [(ABRT, "main"), (KILL, "all")]
    w.exits("a")
    assert (w.state("a"), w["a"].result) == ("backoff", "watchdog")


def test_service_lives_on_when_it_feeds_its_watchdog() -> None:
    """Each sign of life gives it the whole span again."""
    w = booted({"a": {"watchdog": 3}})
    for _ in range(5):
        w.advance(2.9)
        w.notify("a", watchdog="1")
        assert w.timer("a", "watchdog") == 3.0
    assert w.state("a") == "running"


def test_other_words_do_not_feed_when_they_are_no_sign_of_life() -> None:
    """STATUS is none."""
    w = booted({"a": {"watchdog": 3}})
    w.advance(2)
    w.notify("a", status="busy")
    assert w.timer("a", "watchdog") == 1.0


def test_span_of_the_watchdog_changes_when_the_service_says_so() -> None:
    """WATCHDOG_USEC, before it is ready or later; 0 ends it."""
    w = booted({"a": {"type": "notify", "watchdog": 3}})
    w.notify("a", watchdog_span=7.0)
    assert w.timer("a", "watchdog") is None
    w.notify("a", ready=True)
    assert w.timer("a", "watchdog") == 7.0
    w.notify("a", watchdog_span=2.0)
    assert w.timer("a", "watchdog") == 2.0
    w.notify("a", watchdog_span=0.0)
    assert w.timer("a", "watchdog") is None
    w.notify("a", watchdog="1")
    assert w.timer("a", "watchdog") is None


def test_watchdog_is_that_of_the_table_again_when_the_service_is_restarted() -> None:
    """What an earlier run said of itself is over."""
    w = booted({"a": {"watchdog": 3, "restart_delay": 0}})
    w.notify("a", watchdog_span=0.0)
    w.end("a", 1)
    assert w.timer("a", "watchdog") == 3.0


@pytest.mark.parametrize("ready", [True, False])
def test_service_is_aborted_when_it_says_that_it_hangs(ready: bool) -> None:
    """WATCHDOG=trigger, also without a watchdog, and before it is ready."""
    w = booted({"a": {"type": "notify"}})
    if ready:
        w.ready("a")
    w.notify("a", watchdog="trigger")
    assert (w.state("a"), w.signals("a")) == ("stopping", [(ABRT, "main")])
    assert w["a"].reason == "it said that it hangs"
    w.exits("a")
    assert w["a"].result == "watchdog"


def test_trigger_means_nothing_when_the_service_is_stopping() -> None:
    """It is on its way out."""
    w = booted({"a": {}})
    w.stop("a")
    w.notify("a", watchdog="trigger")
    assert w.signals("a") == [(TERM, "group")]


def test_strays_get_the_signal_of_the_stop_when_the_watchdog_ended_their_parent() -> None:
    """ABRT was for the main process alone."""
    w = booted({"a": {"watchdog": 3}}, outcomes=["strays"])
    w.advance(3)
    w.end("a", -ABRT)
    assert w.signals("a") == [(ABRT, "main"), (TERM, "all")]
    assert w.timer("a", "stop") == 8.0
