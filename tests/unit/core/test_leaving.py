"""Services that an update has left out, until they are gone, and those that stay beside them."""

from __future__ import annotations

import pytest

from tests.unit.core.test_update import updated
from tests.unit.core.world import Table, World, booted

HOOK: Table = {"command": "h"}
NET: Table = {"type": "oneshot", "stop_command": HOOK}


@pytest.mark.parametrize("key", ["depends_on", "after"])
def test_what_stays_is_stopped_after_what_leaves_when_that_needs_it(key: str) -> None:
    """In the order of a plan that is no more."""
    services: dict[str, Table] = {"db": {}, "x": {"after": "db"}, "app": {key: ["db"]}}
    w = booted(services, outcomes=["ok", "ok", "stubborn"])
    updated(w, {"db": {}, "x": {"after": "db"}})
    assert w.core.plan.services["db"].dependents == ("x", "app")
    w.stop("db")
    assert w.states == {"db": "running", "x": "running", "app": "stopping"}
    w.end("app", 0)
    assert w.states == {"db": "stopping", "x": "running"}


def test_service_leaves_when_what_needed_it_is_gone_already() -> None:
    """Which was at rest, and is waited for no more."""
    w = booted({"db": {}, "app": {"depends_on": ["db"], "autostart": False}, "b": {}})
    updated(w, {"b": {}})
    assert w.states == {"db": "stopping", "b": "running"}
    assert w.core.plan.services["db"].dependents == ()
    w.exits("db")
    assert w.states == {"b": "running"}


def test_service_that_leaves_waits_for_nobody_who_needs_it_no_more() -> None:
    """Be it stopped before its turn has come."""
    needs: Table = {"depends_on": ["a"]}
    w = booted({"a": {}, "b": needs, "c": needs}, outcomes=["ok", "stubborn", "stubborn"])
    updated(w, {"b": {}})
    w.stop("b")
    assert w.states == {"a": "running", "b": "stopping", "c": "stopping"}
    w.end("c", 0)
    assert w.states == {"a": "stopping", "b": "stopping"}


def test_order_of_what_stays_is_kept_when_something_leaves() -> None:
    """As the new plan has it."""
    services: dict[str, Table] = {"a": {"type": "notify"}, "b": {"after": "a"}}
    w = updated(booted({"old": {}}), services)
    assert (w.state("a"), w.state("b")) == ("starting", "waiting")
    assert w["b"].reason == "for a to start first (starting)"


def test_what_is_pulled_in_is_what_the_new_plan_says_when_something_leaves() -> None:
    """What it wants, and not what it only comes after."""
    services: dict[str, Table] = {name: {"autostart": False} for name in ("wanted", "earlier")}
    services["app"] = {"wants": ["wanted"], "after": ["earlier"], "autostart": False}
    w = updated(booted({"old": {}, "b": {}}), services | {"b": {}})
    w.start("app")
    known = {name: w.state(name) for name in services}
    assert known == {"wanted": "running", "earlier": "stopped", "app": "running"}


def test_what_leaves_wants_nobody_when_what_it_wanted_is_gone() -> None:
    """It comes to its end all the same."""
    w = booted({"log": {}, "app": {"wants": ["log"]}, "b": {}}, outcomes=["ok", "stubborn"])
    w.stop("log")
    w.exits("log")
    updated(w, {"b": {}})
    assert (w.states, w.core.plan.services["app"].wants) == (
        {"app": "stopping", "b": "running"},
        (),
    )
    w.end("app", 0)
    assert w.states == {"b": "running"}


def test_service_stays_known_when_it_comes_to_rest_beside_one_that_leaves() -> None:
    """It was stopped, and not left out."""
    w = booted({"a": {}, "b": {}, "c": {}}, outcomes=["ok", "stubborn"])
    updated(w, {"a": {}, "c": {}})
    w.stop("a")
    w.exits("a")
    w.advance(1)
    assert w.states == {"a": "stopped", "b": "stopping", "c": "running"}
    w.end("b", 0)
    assert w.states == {"a": "stopped", "c": "running"}
    assert not w.core.state.leaving


def test_oneshot_is_undone_when_its_dependent_leaves_with_it_and_takes_its_time() -> None:
    """It waits in the state that it has ended in."""
    services: dict[str, Table] = {"net": NET, "app": {"depends_on": ["net"]}, "b": {}}
    w = booted(services, outcomes=["ok", "ok", "stubborn"])
    w.end("net", 0)
    w.processes["app"].stubborn = True
    updated(w, {"b": {}})
    w.advance(1)
    assert w.states == {"net": "exited", "app": "stopping", "b": "running"}
    w.end("app", 0)
    assert (w.states, w.running_tasks("net")) == (
        {"net": "stopping", "b": "running"},
        ["stop_command"],
    )
    w.task_ends("net", "stop_command")
    assert w.states == {"b": "running"}


def test_hook_ends_first_when_a_failed_service_leaves() -> None:
    """Who is to hear of the failure hears of it."""
    w = booted({"a": {"restart": "no", "on_fail": HOOK}, "b": {}})
    w.end("a", 1)
    updated(w, {"b": {}})
    assert (w.states, w.running_tasks("a")) == ({"a": "failed", "b": "running"}, ["on_fail"])
    w.task_ends("a", "on_fail")
    assert w.states == {"b": "running"}


@pytest.mark.parametrize("by_hand", [False, True])
def test_init_ends_well_when_only_what_is_at_rest_was_left_out(by_hand: bool) -> None:
    """Nobody can start it again, and its failure is nobody's any more."""
    w = booted({"a": {"restart": "no"}, "b": {"type": "oneshot"}}, keep_running=True)
    if by_hand:
        w.stop("a")
        w.exits("a")
    else:
        w.end("a", 3)
    w.end("b", 0)
    assert (w.state("a"), w.code()) == ("stopped" if by_hand else "failed", None)
    updated(w, {"b": {"type": "oneshot"}})
    assert w.code() == 0


def test_job_waits_on_when_an_update_changes_it_before_its_hour() -> None:
    """A change is no reason to run."""
    w = booted({"job": {}, "b": {}}, rules={"job": {"trigger": "schedule"}})
    assert w["job"].reason == "for its schedule"
    again = {"trigger": "schedule"}
    updated(w, {"job": {"stop_timeout": 3}, "b": {}}, "job", rules={"job": again})
    assert (w.state("job"), w["job"].reason) == ("waiting", "for its schedule")


@pytest.mark.parametrize("verb", ["start", "restart", "trigger"])
def test_service_that_leaves_does_not_come_back_when_somebody_asks_for_it(verb: str) -> None:
    """It is no more in the configuration; by "all" nobody means it."""
    w = booted({"a": {}, "b": {}}, outcomes=["ok", "stubborn"])
    updated(w, {"a": {}})
    getattr(w, verb)("b")
    assert (w.state("b"), w["b"].want) == ("stopping", False)
    w.end("b", 0)
    assert w.states == {"a": "running"}


def test_replicas_that_leave_do_not_come_back_when_they_were_to_restart_in_turn() -> None:
    """A scale in the middle of a restart."""
    names = ("web@1", "web@2", "web@3")
    rules = {name: {"replica_of": "web"} for name in names}
    w = booted(dict.fromkeys(names, Table()), outcomes=["stubborn"] * 3, rules=rules)
    w.restart(*names)
    assert list(w.states.values()) == ["stopping", "running", "running"]
    updated(w, {"web@1": {}}, rules={"web@1": {"replica_of": "web"}})
    w.end("web@1", 0)
    w.advance(1)
    assert list(w.states.values()) == ["running", "stopping", "stopping"]
    w.end("web@2", 0)
    w.end("web@3", 0)
    assert w.states == {"web@1": "running"}


# --- Health ---------------------------------------------------------------------------------------


def checked(status: int | None = None, **health: object) -> World:
    """A service that is checked, and has been once."""
    w = booted({"a": {"health": {"exec": "x", "interval": 5, "retries": 2} | health}})
    if status is not None:
        w.advance(5)
        w.task_ends("a", "health", status)
    return w


def test_no_check_is_due_when_an_update_takes_them_away_between_two() -> None:
    """The timer goes with them."""
    w = updated(checked(), {"a": {}})
    assert (w.state("a"), w.timers) == ("running", {})


def test_failures_are_counted_anew_when_checks_are_taken_away_and_brought_back() -> None:
    """What others have found before is no part of it."""
    w = checked(1)
    health = {"exec": "x", "interval": 5, "retries": 2}
    updated(updated(w, {"a": {}}), {"a": {"health": health}})
    w.advance(5)
    w.task_ends("a", "health", 1)
    assert (w.state("a"), w["a"].health) == ("running", "starting")
    w.advance(5)
    w.task_ends("a", "health", 1)
    assert w.state("a") == "stopping"


def test_service_stays_healthy_when_an_update_leaves_its_checks() -> None:
    """The next one comes when it would have."""
    w = checked(0)
    w.advance(2)
    updated(w, {"a": {"health": {"exec": "x", "interval": 5, "retries": 3}}})
    assert (w["a"].health, w.timer("a", "check")) == ("healthy", 3)


def test_failure_counts_when_the_start_period_is_just_over() -> None:
    """It is shorter than what it says by nothing."""
    w = checked(1, start_period=5, retries=1)
    assert w.state("a") == "stopping"


# --- Pauses ---------------------------------------------------------------------------------------


def test_time_that_was_left_is_what_a_service_has_when_it_goes_on() -> None:
    """Less than a second, too."""
    w = checked()
    w.advance(4.75)
    w.pause("a")
    w.advance(100)
    w.pause("a", on=False)
    assert w.timer("a", "check") == 0.25


def test_service_stays_frozen_when_it_becomes_ready_meanwhile() -> None:
    """Its word was on its way."""
    w = booted({"a": {"type": "notify"}})
    w.pause("a")
    w.ready("a")
    assert (w.state("a"), w["a"].paused) == ("running", True)


def test_probe_is_not_asked_again_when_the_paused_service_has_died() -> None:
    """The next run asks for itself."""
    w = booted({"a": {"health": {"exec": "x", "interval": 5}, "restart_delay": 0}})
    w.advance(5)
    w.pause("a")
    w.end("a", -9)
    assert (w["a"].run, w.state("a"), w["a"].put_off) == (2, "running", ())
    assert w.begun_tasks("a") == ["health"]


def test_limit_goes_with_the_probe_when_that_is_ended_by_the_word_of_the_service() -> None:
    """Nothing fires for what does not run."""
    ready = {"exec": "x", "notify": True}
    w = booted({"a": {"ready": ready, "post_start": HOOK, "start_timeout": 60}})
    w.notify("a", ready=True)
    assert set(w["a"].timers) == {"start", "post_start"}


def test_time_is_not_given_when_there_is_no_limit_to_the_start() -> None:
    """A service that asks for more has all it wants."""
    w = booted({"a": {"min_uptime": 3}})
    w.notify("a", extend=10.0)
    assert (w.state("a"), w.timer("a", "uptime"), len(w.timers)) == ("starting", 3, 1)
