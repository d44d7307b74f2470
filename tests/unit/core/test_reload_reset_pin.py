"""Three verbs: read the configuration again, forget failures, leave alone."""

from __future__ import annotations

import pytest

from tests.unit.core.world import Table, booted, world

HOOK: Table = {"command": "h"}


# --- Reload ---------------------------------------------------------------------------------------


def test_signal_is_sent_when_a_service_has_one_for_reloads() -> None:
    """To the main process."""
    w = booted({"a": {"reload_signal": "HUP"}, "b": {}})
    w.reload("a", "b")
    assert (w.signals("a"), w.signals("b")) == ([(1, "main")], [])


def test_command_runs_when_a_service_has_one_for_reloads() -> None:
    """It stays running meanwhile; a failure is told."""
    w = booted({"a": {"reload_command": HOOK}})
    w.reload("a")
    assert (w.state("a"), w.running_tasks("a"), w["a"].reloading) == ("running", ["reload"], True)
    assert w.timer("a", "reload") == 60.0
    w.task_ends("a", "reload", 1)
    assert (w.state("a"), w["a"].reloading, w.timers) == ("running", False, {})
    assert w.remarks == [("a", "reload_command failed with code 1")]


def test_reload_is_done_once_more_when_it_is_asked_for_during_one() -> None:
    """That may have read what was there before; but not once more for each request."""
    w = booted({"a": {"reload_command": HOOK}})
    for _ in range(3):
        w.reload("a")
    assert w.begun_tasks("a") == ["reload"]
    w.advance(60)
    assert (w.killed_tasks("a"), w.running_tasks("a")) == (["reload"], ["reload"])
    w.task_ends("a", "reload")
    assert (w.begun_tasks("a"), w["a"].reloading) == (["reload"] * 2, False)


def test_nothing_is_reloaded_when_a_service_does_not_run() -> None:
    """It will read its configuration when it starts."""
    w = booted({"a": {"reload_command": HOOK, "reload_signal": "HUP", "type": "notify"}})
    assert w.reload("a") == []
    w.ready("a")
    w.reload("a")
    w.stop("a")
    assert (w.killed_tasks("a"), w.reload("a")) == (["reload"], [])


def test_reload_of_an_earlier_run_is_forgotten_when_the_service_restarts() -> None:
    """What was still to be done is done by the start."""
    w = booted({"a": {"reload_command": HOOK, "restart_delay": 0}})
    w.reload("a")
    w.reload("a")
    w.end("a", 1)
    assert (w["a"].run, w["a"].reloading) == (2, False)
    w.reload("a")
    w.task_ends("a", "reload")
    assert w.running_tasks("a") == []


# --- Reset ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "state"), [(1, "failed"), (0, "exited")])
def test_service_is_stopped_when_its_end_is_forgotten(status: int, state: str) -> None:
    """As if it had never run."""
    w = booted({"a": {"restart": "no"}, "b": {}})
    w.end("a", status)
    assert w.state("a") == state
    w.reset("a")
    assert (w.state("a"), w["a"].result, w["a"].last_status) == ("stopped", "", None)
    assert not w["a"].want


def test_service_starts_at_once_when_it_is_reset_in_its_backoff() -> None:
    """With the first delay again, should it fail."""
    w = booted({"a": {}})
    for _ in range(3):
        w.end("a", 1)
        w.advance(5)
    w.end("a", 1)
    w.reset("a")
    assert (w.state("a"), w["a"].fails, w["a"].restarts) == ("running", 0, 0)
    w.end("a", 1)
    assert w.timer("a", "backoff") == 0.5


def test_running_service_goes_on_when_it_is_reset() -> None:
    """Only its failures are forgotten."""
    w = booted({"a": {"restart_limit": 1, "restart_delay": 0}, "b": {}})
    w.end("a", 1)
    w.reset("a")
    assert (w.state("a"), w["a"].run, w["a"].fails) == ("running", 2, 0)
    w.end("a", 1)
    assert w.state("a") == "running"


def test_dependents_fail_no_more_when_what_they_need_is_reset() -> None:
    """They wait for it instead."""
    w = booted(
        {"db": {"restart": "no"}, "app": {"depends_on": ["db"], "autostart": False}, "x": {}}
    )
    w.end("db", 1)
    w.reset("db")
    w.pin("db")
    w.start("app")
    assert w.states["app"] == "waiting"


# --- Pin ------------------------------------------------------------------------------------------


def test_service_stays_up_when_it_is_pinned_up() -> None:
    """Nobody stops or restarts it by hand."""
    w = booted({"a": {}})
    w.pin("a")
    assert w.stop("a") == w.restart("a") == []
    assert (w.state("a"), w["a"].want, w["a"].by_hand) == ("running", True, False)
    w.end("a", 1)
    assert w.state("a") == "backoff"
    w.pin("a", on=False)
    w.stop("a")
    assert w.state("a") == "stopped"


def test_service_stays_down_when_it_is_pinned_down() -> None:
    """Nobody starts it, not even what needs it."""
    w = booted({"a": {"autostart": False}, "b": {"depends_on": ["a"], "autostart": False}, "c": {}})
    w.pin("a")
    assert w.start("a") == w.restart("a") == []
    w.start("b")
    assert w.states == {"a": "stopped", "b": "waiting", "c": "running"}
    w.pin("a", on=False)
    w.start("a")
    assert w.states["b"] == "running"


def test_pinned_service_stops_when_init_shuts_down() -> None:
    """That is not by hand."""
    w = booted({"a": {}, "b": {"autostart": False}})
    w.pin("a", "b")
    w.shut_down()
    w.settle()
    assert w.code() == 0


def test_pinned_service_is_not_restarted_when_what_it_needs_fails() -> None:
    """Nor by the schedule's overlap."""
    w = booted({"db": {"on_failure": "restart-dependents"}, "app": {"depends_on": ["db"]}})
    w.pin("app")
    w.end("db", 1)
    assert w.states == {"db": "backoff", "app": "running"}
    w = booted({"a": {}}, rules={"a": {"trigger": "schedule", "overlap": "kill"}})
    w.trigger("a")
    w.pin("a")
    w.trigger("a")
    assert w.state("a") == "running"


# --- What is asked for before init is up ----------------------------------------------------------


def test_requests_count_later_when_the_first_hook_of_init_still_runs() -> None:
    """The last of each service wins."""
    w = world({"a": {}, "b": {"autostart": False}, "c": {"autostart": False}, "d": {}},
              pre_start=HOOK)  # fmt: skip
    w.boot()
    w.start("b", "c")
    w.stop("a", "c", "d")
    w.restart("d")
    assert w.spawned == []
    w.task_ends("", "pre_start")
    assert w.states == {"a": "stopped", "b": "running", "c": "stopped", "d": "running"}
    assert w["a"].by_hand
    w.stop("b", "d")
    w.settle()
    assert w.code() is None


def test_dependency_starts_when_it_was_stopped_before_init_was_up_but_is_needed() -> None:
    """As at any other time."""
    w = world({"a": {}, "b": {"depends_on": ["a"]}}, pre_start=HOOK)
    w.boot()
    w.stop("a")
    w.task_ends("", "pre_start")
    assert w.states == {"a": "running", "b": "running"}
