"""The memory of the core as bytes."""

from __future__ import annotations

import msgspec
import pytest

from nsinit.core import messages as m
from nsinit.core.state import ACTIVE, AT_REST, CoreState, ServiceState, State
from nsinit.core.supervisor import Supervisor
from tests.unit.core.world import booted


def test_state_is_the_same_when_written_out_and_read_again() -> None:
    """With timers, statuses and a shutdown under way."""
    w = booted({"a": {"type": "notify"}, "b": {}, "c": {"depends_on": ["a"]}, "d": {}})
    w.end("b", -9)
    w.shut_down(3)
    state = w.core.state
    assert CoreState.decode(state.encode()) == state
    assert CoreState.decode(CoreState().encode()) == CoreState()


def test_life_goes_on_the_same_when_it_is_resumed_from_bytes() -> None:
    """The same events give the same actions."""
    w = booted({"a": {"type": "notify"}, "b": {"depends_on": ["a"]}, "c": {}})
    w.end("c", 1)
    again = Supervisor(w.plan, CoreState.decode(w.core.state.encode()), strict=True)
    events: list[m.Event] = [
        m.Ready("a", 1),
        m.Fired("c", 1, "backoff", 1000.5),
        m.Stop(("a",)),
        m.Exited("a", 1, 0),
        m.Emptied("a", 1),
        m.Shutdown(),
    ]
    for event in events:
        assert again.handle(event, 1000.5, 0.5) == w.core.handle(event, 1000.5, 0.5)
    assert again.state == w.core.state


def test_new_services_get_a_state_when_a_plan_has_more_than_the_state() -> None:
    """They are stopped, as all are at first."""
    w = booted({"a": {}, "b": {}})
    state = CoreState(services={"a": ServiceState(name="a", run=5)})
    core = Supervisor(w.plan, state)
    assert core.state.services["a"].run == 5
    assert core.state.services["b"] == ServiceState(name="b")


@pytest.mark.parametrize("data", [b"", b"\xff", b"\xc1", b"\x80x", CoreState().encode()[:-1]])
def test_bytes_are_refused_when_they_are_no_state(data: bytes) -> None:
    """By msgspec's own errors, and no other."""
    with pytest.raises(msgspec.MsgspecError):
        CoreState.decode(data)


def test_states_are_active_or_at_rest_or_between_when_sorted() -> None:
    """Only waiting and backoff are neither."""
    assert not ACTIVE & AT_REST
    assert set(State) - ACTIVE - AT_REST == {State.WAITING, State.BACKOFF}


def test_what_is_left_out_has_not_changed_when_a_record_of_another_release_is_read() -> None:
    """Whatever is as it was in the beginning is not written down: a default is a promise."""
    state = CoreState.decode(msgspec.msgpack.encode({"services": {"a": {"name": "a"}}}))
    assert msgspec.to_builtins(state) == {
        "services": {"a": {"name": "a"}}, "phase": "new", "code": None, "deadline": 0.0,
        "hurry": False, "chains": {}, "shutdown_at": None, "hook": "", "hook_at": 0.0,
        "leaving": [], "outdated": {}, "rolls": {},
    }  # fmt: skip
    assert msgspec.structs.asdict(state.services["a"]) == {
        "name": "a", "want": False, "state": "stopped", "since_at": 0.0, "reason": "", "result": "",
        "asked": "", "by_hand": False, "pinned": "", "triggered": False,
        "run": 0, "pid": 0, "stage": "", "tasks": [], "begun": False, "said_ready": False,
        "cause": "", "status": None, "why": "", "hopeless": False, "fatal": False,
        "stop_tasks": (), "stop_step": -1, "stop_scale": 1.0, "swept": False, "due": False,
        "probe_delay": 0.0, "timers": {}, "paused": False, "held": {}, "put_off": (),
        "health": "", "health_fails": 0, "probe_failures": 0, "watchdog": None,
        "reloading": False, "reload_again": False, "reload_at": None, "message": "",
        "started_at": 0.0, "ready_at": None, "ended_at": None,
        "fails": 0, "delay": 0.0, "restarts": 0, "last_status": None,
    }  # fmt: skip
