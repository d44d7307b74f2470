"""How a service goes from state to state when it starts, runs and ends by itself."""

from __future__ import annotations

import pytest

from nsinit.core import messages as m
from nsinit.core.state import State
from tests.unit.core.world import Table, booted, world


def test_service_runs_at_once_when_it_has_no_min_uptime() -> None:
    """stopped, waiting, starting, running."""
    w = world({"a": {}})
    assert w.states == {"a": "stopped"}
    assert not w["a"].want
    w.boot()
    assert w.path("a") == ["waiting", "starting", "running"]
    assert (w["a"].want, w["a"].pid, w["a"].run) == (True, 1001, 1)


def test_service_runs_after_its_min_uptime_when_no_readiness_is_declared() -> None:
    """Until then it is starting."""
    w = booted({"a": {"min_uptime": 1}})
    w.advance(0.9)
    assert w.state("a") == "starting"
    w.advance(0.2)
    assert w.state("a") == "running"
    assert w["a"].ready_at == 1001.0


def test_service_never_runs_when_it_ends_within_its_min_uptime() -> None:
    """It was never up."""
    w = booted({"a": {"min_uptime": 1, "restart": "no"}})
    w.advance(0.5)
    w.end("a", 0)
    assert w.path("a") == ["waiting", "starting", "stopping", "exited"]
    assert w["a"].ready_at is None


def test_service_stays_starting_when_its_exec_is_not_known_yet() -> None:
    """min_uptime counts from the exec."""
    w = booted({"a": {"min_uptime": 1}, "b": {}}, outcomes=["late exec", "late exec"])
    w.advance(5)
    assert w.states == {"a": "starting", "b": "starting"}
    w.settle()
    assert w.states == {"a": "starting", "b": "running"}
    w.advance(1)
    assert w.state("a") == "running"


def test_oneshot_runs_at_once_and_is_exited_when_it_succeeds() -> None:
    """Its strays are looked for before it counts as ended."""
    w = booted({"a": {"type": "oneshot"}, "b": {}})
    assert w.state("a") == "running"
    w.end("a", 0)
    assert w.path("a") == ["waiting", "starting", "running", "stopping", "exited"]
    assert (w["a"].result, w["a"].last_status) == ("success", 0)


@pytest.mark.parametrize(
    ("table", "status", "state", "result"),
    [
        ({"restart": "no"}, 0, "exited", "success"),
        ({"restart": "no"}, 3, "failed", "exit-code"),
        ({"restart": "no"}, -11, "failed", "signal"),
        ({"type": "oneshot"}, 1, "failed", "exit-code"),
        ({"type": "oneshot"}, 0, "exited", "success"),
        ({}, 0, "exited", "success"),
        ({"restart": "on-success"}, 1, "failed", "exit-code"),
        ({"main": True}, 1, "failed", "exit-code"),
        ({"restart": "no", "success_exit_codes": [3]}, 3, "exited", "success"),
        ({"restart": "no", "success_exit_codes": [3]}, 0, "failed", "exit-code"),
        ({"restart": "no", "success_exit_codes": ["TERM"]}, -15, "exited", "success"),
        ({"success_exit_codes": [0, 3]}, 3, "exited", "success"),
        ({"restart_prevent_codes": [4]}, 4, "failed", "exit-code"),
        ({"restart_prevent_codes": ["SEGV"]}, -11, "failed", "signal"),
        ({"restart": "always", "restart_prevent_codes": [0]}, 0, "exited", "success"),
        ({"restart": "always", "restart_limit": 0}, 0, "exited", "success"),
        ({"restart": "always", "restart_limit": 0}, 1, "failed", "exit-code"),
    ],
)
def test_service_comes_to_rest_when_it_is_not_to_be_restarted(
    table: Table, status: int, state: str, result: str
) -> None:
    """Exited after a success, else failed, whatever the type."""
    w = booted({"a": table, "b": {}})
    w.end("a", status)
    assert w.state("a") == state
    assert (w["a"].result, w["a"].last_status, w["a"].pid) == (result, status, 0)


def test_service_is_stopping_when_its_main_process_has_ended_and_strays_have_not() -> None:
    """No restart before they are gone."""
    w = booted({"a": {"restart": "always"}}, outcomes=["strays"])
    w.end("a", 0)
    assert w.state("a") == "stopping"
    assert w["a"].reason == "2 of its processes left"
    assert w.spawned == ["a"]
    w.settle()
    assert w.state("a") == "backoff"


def test_notify_service_runs_when_it_says_that_it_is_ready() -> None:
    """And not before, however long it lives."""
    w = booted({"a": {"type": "notify", "min_uptime": 1}})
    w.advance(30)
    assert w.state("a") == "starting"
    w.ready("a")
    assert w.state("a") == "running"
    w.advance(60)
    assert w.state("a") == "running"


def test_ready_counts_when_it_is_heard_before_the_exec() -> None:
    """The report of the exec may come late; the notification proves it."""
    w = booted({"a": {"type": "notify"}}, outcomes=["late exec"])
    w.ready("a")
    assert w.state("a") == "running"
    w.settle()
    assert w.state("a") == "running"


def test_ready_means_nothing_when_no_readiness_is_declared() -> None:
    """min_uptime decides alone."""
    w = booted({"a": {"min_uptime": 1}})
    w.ready("a")
    assert w.state("a") == "starting"


@pytest.mark.parametrize(("table", "after"), [({}, 60.0), ({"start_timeout": "5s"}, 5.0)])
def test_start_fails_when_readiness_does_not_come_in_time(table: Table, after: float) -> None:
    """The run is stopped as any other; its result is timeout."""
    w = booted({"a": {"type": "notify", "restart": "no"} | table})
    w.advance(after - 0.1)
    assert w.signals("a") == []
    w.advance(0.2)
    assert w.signals("a") == [(15, "group")]
    assert (w.state("a"), w["a"].reason) == ("stopping", "timeout")
    w.settle()
    assert (w.state("a"), w["a"].result) == ("failed", "timeout")


def test_start_timeout_is_a_failure_when_the_service_then_exits_with_success() -> None:
    """What init did counts, and the restart policy sees a failure."""
    w = booted({"a": {"type": "notify", "start_timeout": 1}}, outcomes=["stubborn"])
    w.advance(1)
    w.end("a", 0)
    assert (w.state("a"), w["a"].result) == ("backoff", "timeout")


def test_start_timeout_is_over_when_the_service_is_ready() -> None:
    """Only a oneshot's bounds its whole run."""
    w = booted({"a": {"type": "notify"}})
    w.ready("a")
    assert w.timer("a", "start") is None
    w.advance(100)
    assert w.state("a") == "running"


def test_oneshot_is_stopped_when_its_start_timeout_is_over() -> None:
    """Though it runs from the first moment."""
    w = booted({"a": {"type": "oneshot", "start_timeout": 5}, "b": {}})
    assert w.state("a") == "running"
    w.advance(5)
    w.settle()
    assert (w.state("a"), w["a"].result) == ("failed", "timeout")


def test_oneshot_has_no_start_timeout_when_none_is_set() -> None:
    """It may take hours."""
    w = booted({"a": {"type": "oneshot"}})
    w.advance(100_000)
    assert w.state("a") == "running"
    assert w.timers == {}


def test_changes_are_told_with_their_reasons_when_states_change() -> None:
    """In the order in which they happened."""
    w = booted({"a": {"restart": "no"}, "b": {"depends_on": ["a"]}})
    w.end("a", 1)
    changes = [a for a in w.actions if isinstance(a, m.Changed)]
    assert [(c.service, c.old, c.new, c.reason) for c in changes[-2:]] == [
        ("a", "running", "stopping", "ended"),
        ("a", "stopping", "failed", ""),
    ]
    assert w.state("b") is State.RUNNING
