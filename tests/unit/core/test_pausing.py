"""A paused service: time stands still for it, and whatever ends it thaws it first."""

from __future__ import annotations

import pytest

from nsinit.core import messages as m
from tests.unit.core.world import World, booted, world

HOOK = {"command": ["x"]}


def _freezes(w: World) -> list[bool]:
    return [action.on for action in w.actions if isinstance(action, m.Freeze)]


def test_service_is_frozen_and_thawed_when_it_is_asked_for() -> None:
    """Twice is once; its state stays."""
    w = booted({"a": {}})
    told = w.pause("a")
    changed = m.Changed("a", 1, "running", "running", 1001, "paused", "pause")
    assert told == [m.Freeze("a", 1, on=True), changed]
    assert (w.pause("a"), w.state("a"), w["a"].paused) == ([], "running", True)
    w.pause("a", on=False)
    assert (w.pause("a", on=False), w.state("a"), w["a"].paused) == ([], "running", False)
    assert _freezes(w) == [True, False]


@pytest.mark.parametrize("state", ["stopped", "exited", "stopping", "backoff"])
def test_nothing_is_frozen_when_the_service_does_not_run(state: str) -> None:
    """There is nothing to freeze, or it is about to end."""
    w = booted({"a": {"restart": "on-failure"}, "b": {}})
    if state in ("stopped", "stopping"):
        w.stop("a")
        if state == "stopped":
            w.exits("a")
    else:
        w.end("a", 0 if state == "exited" else 1)
    assert w.state("a") == state
    assert (w.pause("a"), w["a"].paused) == ([], False)


def test_watchdog_waits_when_its_service_is_paused() -> None:
    """Afterwards it has the time that was left."""
    w = booted({"a": {"type": "notify", "watchdog": "10s"}})
    w.ready("a")
    w.advance(4)
    w.pause("a")
    assert w.timer("a", "watchdog") is None
    w.notify("a", watchdog="1")  # it was on its way
    w.advance(100)
    assert w.state("a") == "running"
    w.pause("a", on=False)
    assert w.timer("a", "watchdog") == 10
    w.advance(11)
    assert w.state("a") == "stopping"


def test_start_timeout_waits_when_a_starting_service_is_paused() -> None:
    """It can be ready only when it goes on."""
    w = booted({"a": {"type": "notify", "start_timeout": "5s"}})
    w.advance(3)
    w.pause("a")
    w.advance(60)
    assert w.state("a") == "starting"
    w.pause("a", on=False)
    assert w.timer("a", "start") == 2
    w.ready("a")
    assert w.state("a") == "running"


def test_probe_is_asked_again_when_the_service_was_paused_meanwhile() -> None:
    """It could not have answered, and none is begun while it is paused."""
    w = booted({"a": {"health": {"exec": "x", "interval": "10s", "retries": 1}}})
    w.advance(10)
    assert w.running_tasks("a") == ["health"]
    w.pause("a")
    assert (w.running_tasks("a"), w.killed_tasks("a")) == ([], ["health"])
    w.advance(60)
    assert w.running_tasks("a") == []
    w.pause("a", on=False)
    assert w.running_tasks("a") == ["health"]
    w.task_ends("a", "health")
    assert (w["a"].health, w.timer("a", "check")) == ("healthy", 10)


def test_hook_waits_when_the_service_is_paused_before_it() -> None:
    """That it is ready was on its way; what follows is done when it goes on."""
    w = booted({"a": {"type": "notify", "post_start": HOOK}})
    w.pause("a")
    w.ready("a")
    assert w.running_tasks("a") == []
    w.pause("a", on=False)
    assert w.running_tasks("a") == ["post_start"]
    w.task_ends("a", "post_start")
    assert w.state("a") == "running"


@pytest.mark.parametrize("verb", ["stop", "restart", "shut_down"])
def test_service_is_thawed_first_when_it_is_to_end(verb: str) -> None:
    """What is frozen acts on no signal."""
    w = booted({"a": {"type": "notify", "watchdog": "10s"}})
    w.ready("a")
    w.pause("a")
    made = getattr(w, verb)(*(() if verb == "shut_down" else ("a",)))
    kinds = [type(action) for action in made]
    assert kinds.index(m.Freeze) < kinds.index(m.Signal)
    assert not w["a"].paused
    w.exits("a")
    assert w["a"].held == {}
    assert w.state("a") == {"stop": "stopped", "shut_down": "stopped", "restart": "starting"}[verb]


def test_service_goes_on_at_once_when_it_is_to_stop_after_others() -> None:
    """They may need it for their own end."""
    w = booted({"db": {}, "app": {"depends_on": ["db"]}})
    w.pause("db")
    w.shut_down()
    assert w.states == {"db": "running", "app": "stopping"}
    assert not w["db"].paused
    w.settle()
    assert w.code() == 0


def test_service_is_thawed_when_its_main_process_is_killed() -> None:
    """What is left of it could not end otherwise; the next run is not paused."""
    w = booted({"a": {"restart_delay": 0}}, outcomes=["strays"])
    w.pause("a")
    w.end("a", -9)
    assert _freezes(w) == [True, False]
    w.settle()
    assert (w.state("a"), w["a"].run, w["a"].paused) == ("running", 2, False)


def test_service_goes_on_when_it_could_not_be_frozen() -> None:
    """And the operator is told."""
    w = booted({"a": {"type": "notify", "watchdog": "10s"}})
    w.ready("a")
    w.pause("a")
    w.post(m.PauseFailed("a", 1, "cannot freeze it: x"))
    assert (w["a"].paused, w.timer("a", "watchdog")) == (False, 10)
    assert w.remarks == [("a", "cannot freeze it: x")]
    assert w.post(m.PauseFailed("a", 1, "y")) == [m.Remark("a", "y")]
    assert w.state("a") == "running"


def test_reload_is_left_undone_when_the_service_is_paused() -> None:
    """It could not act on it."""
    w = booted({"a": {"reload_signal": "HUP"}})
    w.pause("a")
    assert w.reload("a") == []


def test_dependents_are_left_alone_when_what_they_need_is_paused() -> None:
    """It is up all the same."""
    w = booted({"db": {}, "app": {"depends_on": ["db"], "autostart": False}})
    w.pause("db")
    w.start("app")
    assert w.states == {"db": "running", "app": "running"}


def test_probe_is_not_asked_again_when_an_update_has_taken_it_away() -> None:
    """Nor is one that was put off begun."""
    probe = {"exec": "x", "interval": "1s"}
    w = booted({"a": {"ready": probe}})
    assert w.running_tasks("a") == ["ready"]
    w.pause("a")
    w.post(m.Update(world({"a": {}}).plan))
    w.pause("a", on=False)
    assert (w.state("a"), w.begun_tasks("a"), list(w["a"].put_off)) == ("starting", ["ready"], [])


def test_check_is_not_made_up_for_when_an_update_takes_it_away_meanwhile() -> None:
    """It was put off when the service was paused."""
    w = booted({"a": {"health": {"exec": "x", "interval": "10s"}}})
    w.advance(10)
    w.pause("a")
    assert list(w["a"].put_off) == ["health"]
    w.post(m.Update(world({"a": {}}).plan))
    assert list(w["a"].put_off) == []
    w.pause("a", on=False)
    assert w.running_tasks("a") == []
