"""Services that wait for their schedule or for a connection, and those that wait for them."""

from __future__ import annotations

from typing import Any

import pytest

from nsinit.core import order
from tests.unit.core.world import Table, World, booted

SCHEDULE: dict[str, Any] = {"trigger": "schedule"}
SOCKET: dict[str, Any] = {"trigger": "socket"}
JOB: Table = {"type": "oneshot"}


def scheduled(overlap: str = "skip", **table: Any) -> World:
    """A scheduled oneshot "a" beside a service."""
    rules = {"a": SCHEDULE | {"overlap": overlap}}
    return booted({"a": JOB | table, "b": {}}, rules=rules)


@pytest.mark.parametrize(
    ("rules", "reason"), [(SCHEDULE, "for its schedule"), (SOCKET, "for a connection")]
)
def test_service_waits_when_it_has_a_trigger(rules: dict[str, Any], reason: str) -> None:
    """Wanted, but for its time."""
    w = booted({"a": {}}, rules={"a": rules})
    assert (w.state("a"), w["a"].reason, w["a"].want, w.code()) == ("waiting", reason, True, None)
    w.trigger("a")
    assert w.state("a") == "running"


def test_service_waits_for_the_next_time_when_its_run_is_over() -> None:
    """Well or not: a schedule goes on."""
    w = scheduled()
    for status, result in ((0, "success"), (3, "exit-code")):
        w.trigger("a")
        w.end("a", status)
        assert (w.state("a"), w["a"].result) == ("waiting", result)
    assert w["a"].run == 2


def test_service_fails_when_it_is_socket_activated_and_ends_badly() -> None:
    """The next connection would find the same."""
    w = booted({"a": {"restart": "no"}, "b": {}}, rules={"a": SOCKET})
    w.trigger("a")
    w.end("a", 0)
    assert w.state("a") == "waiting"
    w.trigger("a")
    w.end("a", 1)
    assert w.state("a") == "failed"
    w.trigger("a")
    assert w.state("a") == "failed"


def test_run_is_tried_again_when_it_fails_and_the_policy_says_so() -> None:
    """Without waiting for the next time; and what came meanwhile is not forgotten."""
    w = scheduled(restart="on-failure")
    w.trigger("a")
    w.end("a", 1)
    assert w.state("a") == "backoff"
    w.trigger("a")
    assert w.state("a") == "backoff"
    w.advance(1)
    assert (w.state("a"), w["a"].run) == ("running", 2)
    w.end("a", 0)
    assert w.state("a") == "waiting"


def test_schedule_goes_on_when_the_restarts_of_one_run_are_used_up() -> None:
    """The next time has all of them again."""
    w = scheduled(restart="on-failure", restart_limit=1, restart_delay=0)
    for run in (1, 3):
        w.trigger("a")
        w.end("a", 1)
        assert (w.state("a"), w["a"].run) == ("running", run + 1)
        w.end("a", 1)
        assert (w.state("a"), w["a"].result, w["a"].run) == ("waiting", "start-limit", run + 1)


def test_failures_do_not_add_up_when_each_run_succeeds_in_the_end() -> None:
    """They were not in a row."""
    w = scheduled(restart="on-failure", restart_limit=1, restart_delay=0)
    for _ in range(4):
        w.trigger("a")
        w.end("a", 1)
        w.end("a", 0)
    assert (w.state("a"), w["a"].run) == ("waiting", 8)


@pytest.mark.parametrize(
    ("overlap", "during", "runs"), [("skip", "running", 1), ("queue", "running", 2)]
)
def test_run_under_way_decides_when_the_next_time_comes(
    overlap: str, during: str, runs: int
) -> None:
    """It is skipped, or comes right after; several are one."""
    w = scheduled(overlap)
    w.trigger("a")
    w.trigger("a")
    w.trigger("a")
    assert w.state("a") == during
    w.end("a", 0)
    assert w["a"].run == runs
    if runs == 2:
        w.end("a", 0)
    assert (w.state("a"), w["a"].run) == ("waiting", runs)


def test_run_under_way_is_ended_when_the_next_time_kills_it() -> None:
    """Then comes the new one."""
    w = scheduled("kill")
    w.trigger("a")
    w.trigger("a")
    assert (w.state("a"), w.signals("a")) == ("stopping", [(15, "group")])
    w.exits("a")
    assert (w.state("a"), w["a"].run) == ("running", 2)
    w.end("a", 0)
    assert w.state("a") == "waiting"


def test_connection_is_answered_when_it_comes_while_the_service_stops_by_itself() -> None:
    """Though its overlap is to skip."""
    w = booted({"a": {}, "b": {}}, rules={"a": SOCKET}, outcomes=["ok", "strays"])
    w.trigger("a")
    w.end("a", 0)
    assert w.state("a") == "stopping"
    w.trigger("a")
    w.exits("a")
    assert (w.state("a"), w["a"].run) == ("running", 2)


def test_schedule_is_skipped_when_the_service_stops_by_itself() -> None:
    """The run is not over yet."""
    w = scheduled()
    w.trigger("a")
    w.processes["a"].strays = 1
    w.end("a", 0)
    w.trigger("a")
    w.exits("a")
    assert (w.state("a"), w["a"].run) == ("waiting", 1)


def test_trigger_means_nothing_when_nobody_wants_the_service() -> None:
    """And what was queued is gone with the stop."""
    w = scheduled("queue")
    w.trigger("a")
    w.trigger("a")
    w.stop("a")
    w.exits("a")
    assert w.trigger("a") == []
    assert w.state("a") == "stopped"
    w.start("a")
    assert (w.state("a"), w["a"].run) == ("waiting", 1)


def test_trigger_waits_when_what_the_service_needs_is_not_there() -> None:
    """It runs as soon as that is."""
    w = booted({"db": {"type": "notify"}, "a": JOB | {"depends_on": ["db"]}}, rules={"a": SCHEDULE})
    w.trigger("a")
    assert (w.state("a"), w["a"].reason) == ("waiting", "for db to be ready (starting)")
    w.ready("db")
    assert w.state("a") == "running"


def test_run_begins_at_once_when_an_operator_starts_what_waits() -> None:
    """He need not wait for the hour; a first start only lets it wait."""
    w = booted({"a": JOB | {"autostart": False}, "b": {}}, rules={"a": SCHEDULE})
    w.start("a")
    assert w.state("a") == "waiting"
    w.start("a")
    assert w.state("a") == "running"


def test_dependents_go_on_when_a_socket_takes_their_connections() -> None:
    """The service itself is not started for them before they connect."""
    w = booted({"db": {}, "app": {"depends_on": ["db"]}, "web": {"depends_on": {"db": "started"}}},
               rules={"db": SOCKET})  # fmt: skip
    assert w.states == {"db": "waiting", "app": "running", "web": "running"}
    assert w.spawned == ["app", "web"]


def test_dependents_wait_for_a_run_when_they_need_a_scheduled_service() -> None:
    """From then on it counts as completed, until it runs again."""
    w = booted({"a": JOB, "b": {"depends_on": ["a"]}, "c": {"depends_on": {"a": "exited"}}},
               rules={"a": SCHEDULE})  # fmt: skip
    assert w.states == {"a": "waiting", "b": "waiting", "c": "waiting"}
    w.trigger("a")
    w.end("a", 1)
    assert w.states == {"a": "waiting", "b": "waiting", "c": "running"}
    w.trigger("a")
    w.end("a", 0)
    assert w.states == {"a": "waiting", "b": "running", "c": "running"}


def test_followers_go_on_when_what_they_come_after_waits_for_its_time() -> None:
    """That was its attempt."""
    w = booted({"a": JOB, "b": {"after": ["a"]}}, rules={"a": SCHEDULE})
    assert w.states == {"a": "waiting", "b": "running"}


def test_trigger_means_nothing_when_init_shuts_down() -> None:
    """Nothing starts any more."""
    w = scheduled("queue")
    w.processes["b"].stubborn = True
    w.shut_down()
    assert w.state("a") == "stopped"
    assert w.trigger("a") == []


def test_followers_wait_when_what_they_come_after_waits_for_somebody() -> None:
    """Its first attempt is still to come."""
    w = booted({"db": {"type": "notify"}, "a": {"depends_on": ["db"]}, "b": {"after": ["a"]}})
    assert (w.state("b"), w["b"].reason) == ("waiting", "for a to start first (waiting)")
    assert order.blockers(w.core.plan, w.core.state, w.plan.services["b"]) == {"a": ""}
    w.ready("db")
    assert w.states == {"db": "running", "a": "running", "b": "running"}
    assert w.spawned == ["db", "a", "b"]


def test_followers_go_on_when_what_they_come_after_waits_for_what_was_stopped() -> None:
    """By hand, however far away: nobody knows whether it ever comes back."""
    w = booted({
        "db": {"type": "notify"}, "a": {"depends_on": ["db"]}, "b": {"depends_on": ["a"]},
        "x": {"after": ["a"]}, "y": {"after": ["b"]},
    })  # fmt: skip
    assert w.spawned == ["db"]
    w.stop("db")
    w.settle()
    assert w.states == {
        "db": "stopped", "a": "waiting", "b": "waiting", "x": "running", "y": "running",
    }  # fmt: skip
    assert order.blockers(w.core.plan, w.core.state, w.plan.services["b"]) == {"a": "ready"}


def test_dependents_are_told_when_a_stop_waits_for_them() -> None:
    """Those that are to stop too, and have not."""
    w = booted({"db": {}, "a": {"depends_on": ["db"]}, "b": {"depends_on": ["db"]}, "c": {}})
    rules = w.plan.services["db"]
    w.stop("a", "db")
    assert order.late_dependents(w.core.state, rules) == ["a"]
    assert (w.state("db"), w["db"].asked) == ("running", "stop")
    w.exits("a")
    assert order.late_dependents(w.core.state, rules) == []
    assert w.state("db") == "stopping"
