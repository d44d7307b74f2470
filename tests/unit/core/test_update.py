"""Another plan for a running init: what is gone leaves in order, what changed begins anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nsinit.core import messages as m
from nsinit.core.state import CoreState
from nsinit.core.supervisor import Supervisor
from tests.unit.core.world import booted, world

if TYPE_CHECKING:
    from tests.unit.core.world import Table, World

TERM, INT = 15, 2


def updated(w: World, services: dict[str, Table], *changed: str, **init: Any) -> World:
    """The same world, by another plan."""
    w.plan = world(services, **init).plan
    w.post(m.Update(w.plan, changed))
    w.plan = w.core.plan
    return w


def test_new_service_starts_when_an_update_brings_it() -> None:
    """After what it depends on; one that does not start by itself stays down."""
    w = updated(booted({"a": {}}), {"a": {}, "b": {"depends_on": ["a"]}, "c": {"autostart": False}})
    assert w.states == {"a": "running", "b": "running", "c": "stopped"}
    assert w.spawned == ["a", "b"]


def test_service_stops_and_is_forgotten_when_an_update_leaves_it_out() -> None:
    """Nobody else is touched."""
    w = updated(booted({"a": {}, "b": {"depends_on": ["a"]}}), {"a": {}})
    assert w.states == {"a": "running", "b": "stopping"}
    w.exits("b")
    w.advance(1)
    w.start("a")
    assert list(w.states) == ["a"]
    assert list(w.core.plan.services) == ["a"]


def test_services_stop_in_order_when_an_update_leaves_out_several() -> None:
    """Dependents first."""
    w = updated(booted({"a": {}, "b": {"depends_on": ["a"]}, "c": {}}), {"c": {}})
    assert w.signalled == ["b"]
    w.exits("b")
    assert w.signalled == ["b", "a"]
    w.exits("a")
    assert list(w.states) == list(w.core.plan.services) == ["c"]


def test_service_leaves_when_what_it_waits_for_ends_and_needs_it_no_more() -> None:
    """What is about to end goes first, though it has nothing to do with it by the new file."""
    w = booted({"a": {}, "b": {"depends_on": ["a"]}})
    w.stop("b")
    updated(w, {"b": {}})
    updated(w, {"b": {}})
    assert w.signalled == ["b"]
    w.exits("b")
    assert w.signalled == ["b", "a"]
    w.exits("a")
    assert w.states == {"b": "stopped"}


def test_order_is_kept_when_what_is_about_to_end_comes_after_others_too() -> None:
    """What it comes after by the new file is not lost for the sake of what leaves."""
    w = booted({"a": {}, "c": {"autostart": False, "type": "notify"}, "b": {"depends_on": ["a"]}})
    w.stop("b")
    new: dict[str, Table] = {"c": {"autostart": False, "type": "notify"}, "b": {"after": ["c"]}}
    updated(w, new)
    w.start("c", "b")
    w.exits("b")
    assert w.states["c"] == "starting"
    assert w.states["b"] == "waiting"


def test_service_leaves_when_what_needed_it_begins_anew_without_it() -> None:
    """After the run that needed it."""
    w = updated(booted({"a": {}, "b": {"depends_on": ["a"]}}), {"b": {}}, "b")
    assert w.signalled == ["b"]
    w.exits("b")
    assert w.signalled == ["b", "a"]
    assert w.spawned == ["a", "b", "b"]


def test_service_leaves_at_once_when_what_runs_on_needs_it_no_more() -> None:
    """A later stop of that is no reason to wait."""
    w = updated(booted({"a": {}, "b": {"depends_on": ["a"]}}), {"b": {}})
    assert w.signalled == ["a"]
    w.stop("b")
    w.exits("a")
    assert w.states == {"b": "stopping"}


def test_service_is_back_when_a_later_update_brings_it_back() -> None:
    """Though its stop was not over yet."""
    w = updated(booted({"a": {}, "b": {}}), {"a": {}})
    updated(w, {"a": {}, "b": {}})
    assert w.states == {"a": "running", "b": "stopping"}
    w.exits("b")
    assert w.states == {"a": "running", "b": "running"}
    assert not w.core.state.leaving


def test_run_ends_by_its_own_rules_when_it_changed() -> None:
    """The next one goes by the new."""
    w = booted({"a": {"stop_signal": "INT"}}, outcomes=["stubborn"])
    updated(w, {"a": {"stop_signal": "TERM"}}, "a")
    assert w.signals("a")[-1] == (INT, "group")
    w.advance(8)
    w.settle()
    assert (w.state("a"), w["a"].run) == ("running", 2)
    w.stop("a")
    assert w.signals("a")[-1] == (TERM, "group")


def test_failed_service_has_a_new_chance_when_it_changed() -> None:
    """Somebody mended it; what was stopped by hand stays down."""
    w = booted({"a": {"restart": "no"}, "b": {}}, keep_running=True)
    w.end("a", 1)
    w.stop("b")
    w.settle()
    updated(w, {"a": {}, "b": {}}, "a", "b", keep_running=True)
    assert w.states == {"a": "running", "b": "stopped"}


def test_soft_change_counts_when_the_run_goes_on() -> None:
    """From the next decision on."""
    w = booted({"a": {"restart": "no"}}, keep_running=True)
    updated(w, {"a": {"restart": "always"}}, keep_running=True)
    w.end("a", 0)
    assert w.state("a") == "backoff"


def test_nothing_is_updated_when_init_is_shutting_down() -> None:
    """It is too late for that."""
    w = booted({"a": {}})
    w.shut_down()
    assert w.post(m.Update(world({"b": {}}).plan)) == []
    assert list(w.states) == ["a"]


def test_init_ends_when_all_that_is_left_leaves() -> None:
    """An update to nothing that could run."""
    w = updated(booted({"a": {}}), {"b": {"autostart": False}})
    w.exits("a")
    assert w.code() == 0


def test_service_stays_down_when_an_update_changes_what_nobody_wants() -> None:
    """It had ended, and an operator wanted it to stay so."""
    w = booted({"a": {"restart": "no"}, "b": {}})
    w.end("a", 0)
    w.stop("a")
    updated(w, {"a": {"restart": "no", "stop_timeout": 3}, "b": {}}, "a")
    assert (w.state("a"), w["a"].run) == ("exited", 1)


def test_service_is_forgotten_at_once_when_it_is_at_rest() -> None:
    """There is nothing to wait for."""
    w = updated(booted({"a": {}, "b": {"autostart": False}}), {"a": {}})
    assert list(w.states) == list(w.core.plan.services) == ["a"]
    assert not w.core.state.leaving


def test_oneshot_is_undone_first_when_an_update_leaves_it_out() -> None:
    """It has ended, but what it did is still there."""
    undo = {"type": "oneshot", "stop_command": {"command": "down"}}
    w = booted({"a": {}, "net": undo})
    w.end("net", 0)
    updated(w, {"a": {}})
    assert (w.state("net"), w.running_tasks("net")) == ("stopping", ["stop_command"])
    w.task_ends("net", "stop_command")
    assert list(w.states) == ["a"]


def test_dependent_still_stops_when_what_it_needs_has_left_before_it() -> None:
    """Which was to be after it, and has died meanwhile."""
    services: dict[str, Table] = {"db": {}, "app": {"depends_on": ["db"]}, "log": {"after": "db"}}
    w = updated(booted(services | {"z": {}}), {"z": {}})
    w.end("db", 1)
    assert w.states == {"app": "stopping", "log": "stopping", "z": "running"}
    assert (w.core.plan.services["app"].needs, w.core.plan.services["log"].after) == ({}, ())
    w.exits("app")
    w.exits("log")
    assert w.states == {"z": "running"}


def test_service_that_left_is_forgotten_when_init_goes_on_as_another() -> None:
    """It had come to rest in the last moment of the one before."""
    w = updated(booted({"a": {}, "b": {}}), {"a": {}})
    w.core.handle(m.Exited("b", 1, -15), w.now)
    core = Supervisor(w.core.plan, CoreState.decode(w.core.state.encode()), strict=True)
    core.handle(m.Emptied("b", 1), w.now)
    core = Supervisor(core.plan, CoreState.decode(core.state.encode()), strict=True)
    assert list(core.state.services) == ["a", "b"]
    core.tidy()
    assert list(core.state.services) == ["a"]


def test_checks_begin_when_an_update_brings_them() -> None:
    """The run goes on; without them it has no health."""
    health = {"exec": "x", "interval": "5s"}
    w = updated(booted({"a": {}}), {"a": {"health": health}})
    assert (w["a"].health, w.timer("a", "check")) == ("starting", 5)
    w.advance(5)
    assert w.running_tasks("a") == ["health"]
    updated(w, {"a": {}})
    assert (w["a"].health, w.timer("a", "check"), w.running_tasks("a")) == ("", None, [])
    assert w.killed_tasks("a") == ["health"]


def test_checks_go_on_as_they_were_when_an_update_leaves_them() -> None:
    """What failed before still counts."""
    health = {"exec": "x", "interval": "5s", "retries": 2}
    w = booted({"a": {"health": health}})
    w.advance(5)
    w.task_ends("a", "health", 1)
    w.advance(1)
    updated(w, {"a": {"health": health}})
    assert (w["a"].health, w["a"].health_fails, w.timer("a", "check")) == ("starting", 1, 4)
