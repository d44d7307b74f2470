"""The snapshot that everything observable is made from."""

from __future__ import annotations

from typing import Literal

import msgspec
import pytest

from nsinit.core import messages as m
from nsinit.core.view import ServiceView, View, still, view, view_change, view_service
from tests.unit.core.world import booted


def test_service_is_shown_when_it_runs() -> None:
    """What it is, what is wanted, what is, and since when."""
    w = booted({"a": {"description": "d", "tags": ["t"], "essential": True, "type": "notify"}})
    w.advance(2)
    w.ready("a")
    seen = view_service(w["a"], w.plan.services["a"])
    assert msgspec.structs.asdict(seen) == {
        "name": "a",
        "description": "d",
        "type": "notify",
        "tags": ("t",),
        "main": False,
        "essential": True,
        "want": "up",
        "state": "running",
        "reason": "",
        "result": "",
        "pid": 1001,
        "run": 1,
        "restarts": 0,
        "since_at": 1002.0,
        "started_at": 1000.0,
        "ready_at": 1002.0,
        "next_retry_at": None,
        "health": "",
        "message": "",
        "pinned": False,
        "reloading": False,
        "paused": False,
        "probe_failures": 0,
        "exit_code": None,
        "exit_signal": None,
        "awaits_trigger": False,
        "next_run": None,
    }


def test_service_is_shown_when_it_never_ran() -> None:
    """Nothing is made up."""
    w = booted({"a": {"autostart": False, "main": True}, "b": {}})
    seen = view_service(w["a"], w.plan.services["a"])
    assert (seen.want, seen.state, seen.pid, seen.run) == ("down", "stopped", None, 0)
    assert (seen.started_at, seen.ready_at, seen.exit_code, seen.exit_signal) == (None,) * 4
    assert seen.main


@pytest.mark.parametrize(("status", "code", "number"), [(3, 3, None), (0, 0, None), (-9, None, 9)])
def test_end_is_shown_when_there_was_one(status: int, code: int | None, number: int | None) -> None:
    """A code or a signal."""
    w = booted({"a": {"restart": "always"}})
    w.end("a", status)
    seen = view_service(w["a"], w.plan.services["a"])
    assert (seen.exit_code, seen.exit_signal) == (code, number)
    assert (seen.next_retry_at, seen.restarts, seen.pid) == (1000.5, 1, None)


def test_change_is_shown_as_it_was_when_more_has_followed() -> None:
    """Several changes of one turn are told after it."""
    w = booted({"a": {"restart_delay": 0}})
    seen = len(w.actions)
    w.end("a", 1)
    changes = [action for action in w.actions[seen:] if isinstance(action, m.Changed)]
    rows = [view_change(change, w["a"], w.plan.services["a"]) for change in changes]
    assert [(row.state, row.run, row.pid, row.reason) for row in rows] == [
        ("stopping", 1, None, "ended"),
        ("waiting", 1, None, ""),
        ("starting", 2, None, ""),
        ("running", 2, 1002, ""),
    ]


def test_init_is_shown_when_it_is_looked_at() -> None:
    """All services in starting order; the whole goes to JSON and back."""
    w = booted({"b": {"depends_on": ["a"], "main": True}, "a": {}})
    seen = view(w.core)
    assert (seen.phase, seen.exit_code, seen.main) == ("up", None, "b")
    assert [s.name for s in seen.services] == ["a", "b"]
    assert msgspec.json.decode(msgspec.json.encode(seen), type=View) == seen
    w.shut_down(7)
    w.settle()
    assert (view(w.core).phase, view(w.core).exit_code) == ("done", 7)


def test_view_is_that_of_an_earlier_moment_when_the_service_was_kept_still() -> None:
    """Whatever happens meanwhile, to its timers too."""
    w = booted({"a": {"restart_delay": 5}})
    w.end("a", 1)
    kept, rules = still(w["a"]), w.plan.services["a"]
    before = view_service(w["a"], rules)
    assert before.next_retry_at == w.now + 5
    w.advance(5)
    assert view_service(w["a"], rules).state == "running"
    assert view_service(kept, rules) == before


@pytest.mark.parametrize("status", [0, 1])
def test_health_is_shown_when_it_is_checked(status: int) -> None:
    """While it runs; the change is shown as it was told, and the failures are counted."""
    check = {"exec": "x", "interval": 1, "retries": 1, "action": "none"}
    w = booted({"a": {"health": check}, "b": {}})
    rules = w.plan.services["a"]
    before = view_service(w["a"], rules)
    assert (before.health, before.paused, before.pinned) == ("starting", False, False)
    w.advance(1)
    w.task_ends("a", "health", status, text="refused: twice" if status else "")
    change = [a for a in w.actions if isinstance(a, m.Changed)][-1]
    health: Literal["unhealthy", "healthy"] = "unhealthy" if status else "healthy"
    assert (change.kind, change.reason.partition(":")[0]) == ("health", health)
    w["a"].health = ""  # something else, by the time that it is shown
    row = view_change(change, w["a"], rules)
    assert (row.health, row.state, row.reason) == (health, "running", change.reason)
    assert (row.probe_failures, row.pinned) == (status, False)
    w["a"].health = health
    w.end("a", 1)
    assert view_service(w["a"], rules).health == ""


def test_view_has_what_is_when_a_service_is_paused_and_pinned() -> None:
    """These are beside its state; a change of something else leaves its health alone."""
    w = booted({"a": {"health": {"exec": "x"}}})
    rules = w.plan.services["a"]
    w.pin("a")
    w.pause("a")
    seen = view_service(w["a"], rules)
    assert (seen.state, seen.paused, seen.pinned) == ("running", True, True)
    change = [a for a in w.actions if isinstance(a, m.Changed)][-1]
    row = view_change(change, w["a"], rules)
    assert (row.health, row.reason, row.state) == ("starting", "paused", "running")


def test_row_of_an_earlier_release_is_read_when_it_lacks_what_came_later() -> None:
    """Nothing that was not known then is claimed."""
    w = booted({"a": {}})
    row = msgspec.to_builtins(view_service(w["a"], w.plan.services["a"]))
    later = {"awaits_trigger": False, "paused": False, "probe_failures": 0, "next_run": None}
    assert {key: row.pop(key) for key in later} == later
    read = msgspec.to_builtins(msgspec.convert(row, ServiceView))
    assert {key: read[key] for key in later} == later
