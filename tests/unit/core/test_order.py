"""Who waits for whom, where it is close: what looks like an end, a start or a need."""

from __future__ import annotations

from typing import Any, Final

import pytest

from nsinit.core import order
from nsinit.core.supervisor import GRACE
from tests.unit.core.world import Table, World, booted

NET: Final[Table] = {"type": "oneshot", "stop_command": {"command": "down"}}
SOCKET: Final[dict[str, Any]] = {"trigger": "socket"}


def ladder(height: int, bottom: Table) -> World:
    """Pairs of services that each need both of the pair below: the ways up double with each."""
    tables: dict[str, Table] = {"s0": bottom, "t0": {}}
    for n in range(1, height):
        needs = {"depends_on": [f"s{n - 1}", f"t{n - 1}"], "autostart": False}
        tables |= {f"s{n}": needs, f"t{n}": needs}
    tables["top"] = {"depends_on": [f"s{height - 1}"], "autostart": False}
    tables["last"] = {"after": ["top"], "autostart": False}
    return booted(tables)


@pytest.mark.parametrize("condition", ["completed", "exited", "started", "ready"])
def test_dependents_wait_when_what_they_need_done_is_about_to_be_undone(condition: str) -> None:
    """Whatever they ask of it; and a stop that is taken back counts at once."""
    w = booted({
        "net": NET, "app": {"depends_on": ["net"]},
        "new": {"depends_on": {"net": condition}, "autostart": False},
    }, outcomes=["ok", "stubborn"])  # fmt: skip
    w.end("net", 0)
    w.stop("net", "app")
    assert (w.state("net"), w["net"].asked) == ("exited", "stop")
    assert not order.holds(w.core.plan, w.core.state, "net", condition)
    w.start("new")
    assert (w["net"].asked, w.state("new")) == ("", "running")


def test_dependents_wait_when_a_done_oneshot_is_to_run_again() -> None:
    """How it ended the last time says nothing of this one, unless a schedule starts it."""
    w = booted({
        "gate": {"type": "notify"}, "job": {"type": "oneshot", "depends_on": ["gate"]},
        "after": {"depends_on": {"job": "completed"}, "autostart": False},
        "any": {"depends_on": {"job": "exited"}, "autostart": False},
    })  # fmt: skip
    w.ready("gate")
    w.end("job", 0)
    w.restart("gate")
    w.restart("job")
    w.exits("gate")
    assert w.state("job") == "waiting"
    w.start("after", "any")
    assert (w.state("after"), w.state("any")) == ("waiting", "waiting")


@pytest.mark.parametrize("condition", ["completed", "exited"])
def test_dependents_wait_when_the_next_run_of_a_schedule_has_begun(condition: str) -> None:
    """The last one counts until then."""
    w = booted({
        "job": {"type": "oneshot"},
        "app": {"depends_on": {"job": condition}, "autostart": False},
    }, rules={"job": {"trigger": "schedule"}})  # fmt: skip
    w.trigger("job")
    w.end("job", 0)
    w.trigger("job")
    w.start("app")
    assert w.states == {"job": "running", "app": "waiting"}
    w.end("job", 0)
    assert w.states == {"job": "waiting", "app": "running"}


@pytest.mark.parametrize("condition", ["started", "ready"])
def test_dependents_wait_when_a_socket_service_does_not_listen_and_not_run(condition: str) -> None:
    """Its first connection has started it, and it is not ready, or not there."""
    w = booted({
        "db": {"type": "notify", "restart_delay": 5}, "gate": {"type": "notify"},
        "app": {"depends_on": {"db": condition, "gate": "ready"}},
    }, rules={"db": SOCKET})  # fmt: skip
    w.trigger("db")
    w.end("db", 1)
    assert w.state("db") == "backoff"
    w.ready("gate")
    assert w.state("app") == "waiting"
    w.advance(5)
    assert w.state("app") == ("running" if condition == "started" else "waiting")
    w.ready("db")
    assert w.state("app") == "running"


def test_followers_wait_when_what_they_come_after_is_a_oneshot_that_waits() -> None:
    """Only what waits for its schedule or its connections has had its attempt."""
    w = booted({
        "db": {"type": "notify"}, "job": {"type": "oneshot", "depends_on": ["db"]},
        "lazy": {}, "x": {"after": ["job"]}, "y": {"after": ["lazy"]},
    }, rules={"lazy": SOCKET})  # fmt: skip
    assert (w.state("x"), w.state("y")) == ("waiting", "running")
    w.ready("db")
    w.end("job", 0)
    assert w.state("x") == "running"


def test_followers_wait_when_only_the_need_of_a_need_was_stopped() -> None:
    """That one is up and holds; so what they come after waits for something that comes."""
    w = booted({
        "db": {}, "a": {"depends_on": ["db"]}, "slow": {"type": "notify"},
        "x": {"depends_on": ["a", "slow"]}, "y": {"after": ["x"]},
    })  # fmt: skip
    w.stop("db")
    w.exits("db")
    assert (w.state("db"), w.state("a"), w.state("x")) == ("stopped", "running", "waiting")
    w.restart("slow")
    w.exits("slow")
    assert w.state("y") == "waiting"
    w.ready("slow")
    assert (w.state("x"), w.state("y")) == ("running", "running")


def test_each_service_is_looked_at_once_when_there_are_many_ways_to_it() -> None:
    """By who starts it, who asks whether it waits in vain, and who tells its followers."""
    w = ladder(26, {"type": "notify"})
    w.start("last", "top")
    assert (w.state("top"), w.state("last")) == ("waiting", "waiting")
    w.stop("s0")
    w.exits("s0")
    assert (w.state("top"), w.state("last")) == ("waiting", "running")


def test_nobody_is_told_of_what_holds_when_a_service_waits() -> None:
    """Only what it waits for."""
    w = booted({
        "a": {}, "b": {"type": "notify"}, "c": {}, "d": {"type": "oneshot"},
        "x": {"depends_on": ["a", "b"], "after": ["c", "d"]},
    })  # fmt: skip
    rules = w.plan.services["x"]
    assert order.blockers(w.core.plan, w.core.state, rules) == {"b": "ready", "d": ""}


def test_only_what_is_there_counts_when_the_budget_is_shared() -> None:
    """A oneshot that never ran is not undone."""
    w = booted({
        "db": {}, "net": NET | {"depends_on": ["db"], "autostart": False},
        "app": {"after": ["net"], "depends_on": ["db"]},
    }, outcomes=["stubborn"] * 2)  # fmt: skip
    w.shut_down()
    assert w.timer("app", "stop") == pytest.approx(9 * GRACE / 2)


def test_budget_is_shared_when_services_only_come_after_each_other() -> None:
    """They stop one after the other all the same, each when its follower has."""
    w = booted({"a": {}, "b": {"after": ["a"]}}, outcomes=["stubborn"] * 2)
    w.shut_down()
    assert w.signalled == ["b"]
    assert w.timer("b", "stop") == pytest.approx(9 * GRACE / 2)
    w.end("b", 0)
    assert w.signalled == ["b", "a"]
