"""Backoff, its limits, and what counts as a new beginning."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from tests.unit.core.world import booted

if TYPE_CHECKING:
    from tests.unit.core.world import World


def crash_on(w: World, name: str, times: int, status: int = 1) -> list[float | None]:
    """Crash again and again, as soon as it runs; the backoffs that this brings."""
    delays: list[float | None] = []
    for _ in range(times):
        w.end(name, status)
        delays.append(w.timer(name, "backoff"))
        w.advance(delays[-1] or 0.0)
    return delays


def test_backoff_doubles_when_a_service_crashes_in_a_row() -> None:
    """0.5 s, times two, up to 30 s."""
    w = booted({"a": {"restart_limit": "unlimited"}})
    assert crash_on(w, "a", 9) == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]
    assert (w["a"].run, w["a"].restarts) == (10, 9)


def test_backoff_has_its_own_bounds_when_they_are_set() -> None:
    """restart_delay and restart_max_delay."""
    w = booted({"a": {"restart_delay": "2s", "restart_max_delay": "5s"}})
    assert crash_on(w, "a", 4) == [2.0, 4.0, 5.0, 5.0]


@pytest.mark.parametrize("jitter", [0.0, 0.25, 1.0])
def test_backoff_is_up_to_a_tenth_longer_when_jitter_is_added(jitter: float) -> None:
    """It does not add up from one to the next."""
    w = booted({"a": {"restart_limit": "unlimited"}}, jitter=jitter)
    factor = 1 + jitter / 10
    wanted = [delay * factor for delay in (0.5, 1, 2, 4, 8, 16, 30)]
    assert crash_on(w, "a", 7) == pytest.approx(wanted)


def test_service_is_restarted_when_its_backoff_is_over() -> None:
    """backoff, then starting."""
    w = booted({"a": {}})
    w.end("a", 1)
    assert (w.state("a"), w["a"].timers) == ("backoff", {"backoff": 1000.5})
    w.advance(0.4)
    assert w.state("a") == "backoff"
    w.advance(0.2)
    assert w.state("a") == "running"
    assert w.path("a")[-3:] == ["backoff", "starting", "running"]


def test_service_is_restarted_at_once_when_no_delay_is_set() -> None:
    """Through waiting, without a timer."""
    w = booted({"a": {"restart_delay": 0}})
    w.end("a", 1)
    assert w.path("a")[-4:] == ["stopping", "waiting", "starting", "running"]


def test_first_restart_is_immediate_when_the_run_was_long() -> None:
    """30 s up is enough; the next crash begins with the first backoff again."""
    w = booted({"a": {}})
    assert crash_on(w, "a", 3) == [0.5, 1.0, 2.0]
    w.advance(30)
    w.end("a", 1)
    assert w.state("a") == "running"
    assert w["a"].run == 5
    assert crash_on(w, "a", 2) == [0.5, 1.0]


def test_row_goes_on_when_the_run_was_not_quite_long_enough() -> None:
    """A moment less than 30 s is no reset."""
    w = booted({"a": {}})
    assert crash_on(w, "a", 2) == [0.5, 1.0]
    w.advance(29.9)
    assert crash_on(w, "a", 1) == [2.0]


def test_time_counts_from_readiness_when_a_run_was_long_in_starting() -> None:
    """A start that takes its time is no proof of anything."""
    w = booted({"a": {"type": "notify", "start_timeout": "5m"}})
    w.advance(40)
    assert crash_on(w, "a", 1) == [0.5]
    w.advance(40)
    w.ready("a")
    w.advance(10)
    assert crash_on(w, "a", 1) == [1.0]


@pytest.mark.parametrize("limit", [1, 3, 10])
def test_service_fails_when_the_limit_of_restarts_is_reached(limit: int) -> None:
    """As many restarts as the limit says, and not one more or less."""
    w = booted({"a": {"restart_limit": limit}, "b": {}})
    crash_on(w, "a", limit)
    assert (w.state("a"), w["a"].run) == ("running", limit + 1)
    w.end("a", 7)
    assert (w.state("a"), w["a"].result) == ("failed", "start-limit")
    assert w["a"].reason == f"{limit} restarts in a row were not enough"
    assert (w["a"].last_status, w["a"].restarts) == (7, limit)


def test_default_limit_is_ten_when_none_is_set() -> None:
    """In a row."""
    w = booted({"a": {}, "b": {}})
    crash_on(w, "a", 10)
    assert w.state("a") == "running"
    w.end("a", 1)
    assert w.state("a") == "failed"


def test_no_restart_is_made_when_the_limit_is_zero() -> None:
    """The end itself is the result."""
    w = booted({"a": {"restart_limit": 0}, "b": {}})
    w.end("a", 7)
    assert (w.state("a"), w["a"].result, w["a"].run) == ("failed", "exit-code", 1)


def test_restarts_never_end_when_the_limit_is_unlimited() -> None:
    """Nor do the delays grow past any bound."""
    w = booted({"a": {"restart_limit": "unlimited", "restart_delay": 0}})
    crash_on(w, "a", 1200)
    assert (w.state("a"), w["a"].run) == ("running", 1201)


def test_limit_counts_anew_when_a_run_was_long() -> None:
    """The immediate restart is the first of the new row."""
    w = booted({"a": {"restart_limit": 2}, "b": {}})
    crash_on(w, "a", 2)
    w.advance(31)
    assert crash_on(w, "a", 2) == [None, 0.5]
    assert w.state("a") == "running"
    w.end("a", 1)
    assert w.state("a") == "failed"


def test_success_is_followed_by_backoff_when_the_policy_is_always() -> None:
    """A service that ends at once again and again is slowed down all the same."""
    w = booted({"a": {"restart": "always"}})
    assert crash_on(w, "a", 3, status=0) == [0.5, 1.0, 2.0]


def test_service_starts_with_a_clean_record_when_an_operator_starts_it() -> None:
    """Earlier failures are forgotten: delays and limit."""
    w = booted({"a": {"restart_limit": 2}, "b": {}})
    crash_on(w, "a", 2)
    w.end("a", 1)
    assert w.state("a") == "failed"
    w.start("a")
    assert w.state("a") == "running"
    assert crash_on(w, "a", 2) == [0.5, 1.0]


def test_record_is_clean_when_an_operator_restarts_a_running_service() -> None:
    """As after a start."""
    w = booted({"a": {"restart_limit": 2}})
    crash_on(w, "a", 2)
    w.restart("a")
    w.settle()
    assert w.state("a") == "running"
    assert crash_on(w, "a", 2) == [0.5, 1.0]
    assert w.state("a") == "running"


def test_backoff_is_skipped_when_an_operator_starts_the_service() -> None:
    """He has repaired something and does not want to wait."""
    w = booted({"a": {}})
    crash_on(w, "a", 4)
    w.end("a", 1)
    assert w.timer("a", "backoff") == 8.0
    w.start("a")
    assert w.state("a") == "running"
    assert w.timers == {}


def test_run_begins_with_nothing_of_the_last_when_a_service_is_restarted() -> None:
    """Neither what it had reached, nor why it ended."""
    w = booted(
        {"a": {"type": "notify", "start_timeout": 1, "success_exit_codes": ["TERM"]},
         "b": {"depends_on": {"a": "started"}}},
        outcomes=["ok", "ok", "late exec"],
    )  # fmt: skip
    assert w.state("b") == "running"
    w.advance(1)
    w.exits("a")
    assert (w.state("a"), w["a"].result) == ("backoff", "timeout")
    w.end("b", 1)
    w.advance(0.5)
    assert w.state("a") == "starting"
    w.advance(0.4)
    assert (w.state("b"), w["b"].reason) == ("waiting", "for a to be started (starting)")
    w.settle()
    assert w.state("b") == "running"
    w.end("a", -15)
    assert (w.state("a"), w["a"].result) == ("exited", "success")


def test_oneshot_is_tried_again_when_it_fails_and_may() -> None:
    """Restart = on-failure, until it succeeds."""
    w = booted({"a": {"type": "oneshot", "restart": "on-failure"}, "b": {}})
    assert crash_on(w, "a", 2) == [0.5, 1.0]
    w.end("a", 0)
    assert w.state("a") == "exited"
    w.advance(100)
    assert w["a"].run == 3


def test_runs_are_numbered_when_a_service_is_restarted() -> None:
    """From one, without gaps."""
    w = booted({"a": {}})
    runs = [w["a"].run]
    for _ in range(4):
        crash_on(w, "a", 1)
        runs.append(w["a"].run)
    assert all(later == earlier + 1 for earlier, later in pairwise(runs))


# --- Programs that cannot be started --------------------------------------------------------------


@pytest.mark.parametrize("outcome", ["no program", "late failure"])
def test_service_fails_for_good_when_its_program_cannot_be_executed(outcome: str) -> None:
    """Another try would change nothing; the status is a shell's."""
    w = booted({"a": {"restart": "always"}, "b": {}}, outcomes=[outcome])
    w.settle()
    assert (w.state("a"), w["a"].result, w["a"].last_status) == ("failed", "exec", 127)
    assert w["a"].reason == "cannot exec"
    assert (w["a"].restarts, w["a"].pid) == (0, 0)


def test_service_is_tried_again_when_the_host_was_short_of_something() -> None:
    """With the same backoff as after a crash."""
    w = booted({"a": {}, "b": {}}, outcomes=["no fork"])
    assert (w.state("a"), w["a"].result) == ("backoff", "exec")
    assert w.timer("a", "backoff") == 0.5
    w.advance(0.5)
    assert w.state("a") == "running"
    assert w["a"].run == 2


def test_service_fails_when_the_host_stays_short_of_something() -> None:
    """The limit counts these, too."""
    w = booted({"a": {"restart_limit": 2}, "b": {}}, outcomes=["no fork", "ok", *["no fork"] * 2])
    w.advance(10)
    assert (w.state("a"), w["a"].result, w["a"].last_status) == ("failed", "start-limit", 126)
    assert w["a"].reason == "cannot fork"


def test_pause_is_made_when_the_host_is_short_and_no_delay_is_set() -> None:
    """A failed fork takes no time: init would do nothing else."""
    w = booted({"a": {"restart_delay": 0}}, outcomes=["no fork", "no fork"])
    assert w.timer("a", "backoff") == 0.2
    w.advance(0.2)
    assert w.timer("a", "backoff") == 0.4
    w.advance(0.4)
    assert w.state("a") == "running"


@pytest.mark.parametrize("restart", ["no", "on-success"])
def test_service_fails_when_the_host_is_short_and_no_restart_is_wanted(restart: str) -> None:
    """A transient failure is a failure."""
    w = booted({"a": {"restart": restart}, "b": {}}, outcomes=["no fork"])
    assert (w.state("a"), w["a"].last_status) == ("failed", 126)


def test_service_fails_when_it_said_that_it_is_ready_and_never_ran() -> None:
    """The report of the exec is the truth."""
    w = booted({"a": {"type": "notify", "restart": "always"}, "b": {}}, outcomes=["late failure"])
    w.ready("a")
    assert w.state("a") == "running"
    w.settle()
    assert w.path("a")[-2:] == ["stopping", "failed"]
