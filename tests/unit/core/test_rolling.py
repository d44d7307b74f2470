"""Replicas that restart in turn, and services that restart because of what they need."""

from __future__ import annotations

import pytest

from tests.unit.core.world import Table, World, booted

REPLICAS = ("w1", "w2", "w3")


def replicas(**table: object) -> World:
    """Three replicas of "w", and another service."""
    tables: dict[str, Table] = {name: {"type": "notify"} | table for name in REPLICAS}
    w = booted(tables | {"x": {}}, rules={name: {"replica_of": "w"} for name in REPLICAS})
    for name in REPLICAS:
        w.ready(name)
    return w


def test_replicas_restart_in_turn_when_several_are_restarted() -> None:
    """Each when the one before is ready: all but one stay up."""
    w = replicas()
    w.restart(*REPLICAS, "x")
    for name in REPLICAS:
        down = [n for n in REPLICAS if w.state(n) != "running"]
        assert down == [name]
        w.exits(name)
        assert [n for n in REPLICAS if w.state(n) != "running"] == [name]
        w.ready(name)
    assert [w[name].run for name in REPLICAS] == [2, 2, 2]
    assert w.core.state.rolls == {}
    assert w.state("x") == "stopping"


def test_replica_restarts_at_once_when_it_is_the_only_one_named() -> None:
    """There is no turn to wait for."""
    w = replicas()
    w.restart("w2", "w2")
    assert w.states["w2"] == "stopping"
    assert w.core.state.rolls == {}


def test_others_stay_as_they_are_when_one_does_not_come_up() -> None:
    """Better old ones than none."""
    w = replicas(restart="no")
    w.restart(*REPLICAS)
    w.exits("w1")
    w.end("w1", 1)
    assert w.states == {"w1": "failed", "w2": "running", "w3": "running", "x": "running"}
    assert (w.core.state.rolls, w["w2"].run) == ({}, 1)


def test_others_wait_when_one_needs_several_attempts() -> None:
    """Backoff is no end."""
    w = replicas()
    w.restart(*REPLICAS)
    w.exits("w1")
    w.end("w1", 1)
    assert (w.state("w1"), w.state("w2")) == ("backoff", "running")
    w.advance(1)
    w.ready("w1")
    assert w.state("w2") == "stopping"


def test_replica_that_is_down_is_started_when_its_turn_comes() -> None:
    """As with any restart."""
    w = replicas()
    w.stop("w1")
    w.exits("w1")
    w.restart(*REPLICAS)
    assert (w.state("w1"), w.state("w2")) == ("starting", "running")
    w.ready("w1")
    assert w.state("w2") == "stopping"


@pytest.mark.parametrize("up", [True, False])
def test_pinned_replica_is_passed_over_when_the_others_restart(up: bool) -> None:
    """Up or down, it stays as it is."""
    w = replicas()
    if not up:
        w.stop("w1")
        w.exits("w1")
    w.pin("w1")
    w.restart(*REPLICAS)
    assert w.state("w1") == ("running" if up else "stopped")
    assert (w.state("w2"), w.state("w3")) == ("stopping", "running")


def test_replica_under_way_goes_on_when_something_else_is_restarted() -> None:
    """That is no reason to begin it again."""
    w = replicas()
    w.restart(*REPLICAS)
    w.exits("w1")
    assert w.state("w1") == "starting"
    w.restart("x")
    assert w.state("w1") == "starting"
    w.ready("w1")
    assert (w.state("w2"), w["w1"].run) == ("stopping", 2)


def test_all_restart_once_more_when_that_is_asked_for_during_the_turn() -> None:
    """After the one under way, so that still only one is down."""
    w = replicas()
    w.restart(*REPLICAS)
    w.exits("w1")
    w.ready("w1")
    w.exits("w2")
    w.restart(*REPLICAS)
    assert [w.states[name] for name in REPLICAS] == ["running", "starting", "running"]
    w.ready("w2")
    for name in REPLICAS:
        assert [n for n in REPLICAS if w.state(n) != "running"] == [name]
        w.exits(name)
        w.ready(name)
    assert [w[name].run for name in REPLICAS] == [3, 3, 2]


def test_turn_is_over_when_init_shuts_down() -> None:
    """Everything stops at once."""
    w = replicas()
    w.restart(*REPLICAS)
    w.shut_down()
    assert w.core.state.rolls == {}
    w.settle()
    assert w.code() == 0


# --- on_failure -----------------------------------------------------------------------------------


def test_dependents_restart_when_what_they_need_fails_and_says_so() -> None:
    """Those that need it, and theirs do not; they wait for it to be up again."""
    w = booted(
        {
            "db": {"on_failure": "restart-dependents"},
            "app": {"depends_on": ["db"]},
            "log": {"after": ["db"]},
            "web": {"depends_on": ["app"]},
        }
    )
    w.end("db", 1)
    assert w.states == {"db": "backoff", "app": "stopping", "log": "running", "web": "running"}
    w.exits("app")
    assert w.state("app") == "waiting"
    w.advance(1)
    assert (w.state("db"), w.state("app"), w["app"].run) == ("running", "running", 2)


@pytest.mark.parametrize("verb", ["end", "stop", "restart"])
def test_dependents_go_on_when_what_they_need_ends_otherwise(verb: str) -> None:
    """A success, and what an operator asks for, are no failures."""
    w = booted({"db": {"on_failure": "restart-dependents"}, "app": {"depends_on": ["db"]}})
    getattr(w, verb)("db")
    w.exits("db")
    assert w.state("db") == {"end": "exited", "stop": "stopped", "restart": "running"}[verb]
    assert (w.state("app"), w["app"].run) == ("running", 1)


def test_dependents_that_are_to_stop_stop_when_what_they_need_fails() -> None:
    """Nothing brings them back."""
    w = booted({"db": {"on_failure": "restart-dependents"}, "app": {"depends_on": ["db"]}})
    w.stop("app")
    w.end("db", 1)
    w.exits("app")
    assert w.state("app") == "stopped"


def test_init_ends_when_a_service_is_given_up_that_it_cannot_do_without() -> None:
    """on_failure = shutdown: after its restarts, with its code."""
    w = booted({"a": {"on_failure": "shutdown", "restart_limit": 1, "restart_delay": 0}, "b": {}})
    w.end("a", 1)
    assert w.state("a") == "running"
    w.end("a", 3)
    assert w.state("b") == "stopping"
    w.settle()
    assert w.code() == 3
