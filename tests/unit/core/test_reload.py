"""A reload: told when it is done, and how it went."""

from __future__ import annotations

import pytest

from nsinit.core import messages as m
from nsinit.core.upkeep import RELOADED
from tests.unit.core.world import Table, World, booted


def _told(actions: list[m.Action]) -> list[str]:
    return [a.reason for a in actions if isinstance(a, m.Changed) and a.old == a.new]


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (0, RELOADED),
        (3, "reload_command failed with code 3"),
        (None, "reload_command took too long"),
    ],
)
def test_end_of_a_reload_is_told_when_a_command_does_it(status: int | None, told: str) -> None:
    """Whoever waits for it hears of it; the service goes on."""
    w = _reloading()
    made = w.post(m.TaskEnded("a", 1, "reload", status))
    assert _told(made) == [told]
    assert not w["a"].reloading
    assert w.state("a") == "running"


def test_reload_goes_on_when_its_command_does_and_the_service_is_ready_again() -> None:
    """READY=1 speaks for the service, its command for itself."""
    w = _reloading()
    assert _told(w.post(m.Notified("a", 1, ready=True))) == []
    assert w["a"].reloading
    assert _told(w.post(m.TaskEnded("a", 1, "reload", 0))) == [RELOADED]


def test_reload_is_over_when_the_service_says_that_it_is_ready_again() -> None:
    """RELOADING=1, then READY=1."""
    w = booted({"a": {"reload_signal": "HUP", "restart": "always"}})
    w.post(m.Notified("a", 1, reloading=True))
    assert _told(w.post(m.Notified("a", 1, ready=True))) == [RELOADED]
    assert not w["a"].reloading


def _reloading() -> World:
    w = booted({"a": {"reload_command": {"command": "x"}, "restart": "always"}})
    w.post(m.Reload(("a",)))
    assert w["a"].reloading
    return w


# --- Services that tell when they have reloaded ---------------------------------------------------


def _notify_reload(**table: object) -> World:
    """One that runs at 1000 s, and takes its signal well."""
    made: Table = {"type": "notify-reload", "restart": "always", **table}
    w = booted({"a": made}, outcomes=["stubborn"])
    w.ready("a")
    return w


def test_reload_is_over_when_ready_follows_an_answer_to_the_signal() -> None:
    """RELOADING=1 with an instant that is not before the signal, then READY=1."""
    w = _notify_reload()
    assert _told(w.reload("a")) == []
    assert (w.signals("a"), w["a"].reloading) == ([(1, "main")], True)
    w.notify("a", reloading=True, reloading_at=1000.0)
    assert w["a"].reloading
    assert _told(w.notify("a", ready=True)) == [RELOADED]
    assert (w["a"].reloading, w.timers) == (False, {})


@pytest.mark.parametrize("begun_at", [None, 999.999])
def test_reload_goes_on_when_the_answer_is_to_an_earlier_one(begun_at: float | None) -> None:
    """It began before the signal, or does not tell: what was changed since may not be read."""
    w = _notify_reload()
    w.reload("a")
    w.notify("a", reloading=True, reloading_at=begun_at)
    assert _told(w.notify("a", ready=True)) == []
    assert w["a"].reloading
    w.notify("a", reloading=True, reloading_at=1000.5)
    assert _told(w.notify("a", ready=True)) == [RELOADED]


def test_last_reload_is_waited_for_when_it_is_asked_for_during_one() -> None:
    """The signal is sent once more, and the reload that runs is not the answer to it."""
    w = _notify_reload()
    w.reload("a")
    w.notify("a", reloading=True, reloading_at=1000.0)
    w.advance(1)
    w.reload("a")
    assert w.signals("a") == [(1, "main")] * 2
    assert _told(w.notify("a", ready=True)) == []
    w.notify("a", reloading=True, reloading_at=1001.0)
    assert _told(w.notify("a", ready=True)) == [RELOADED]


def test_reload_is_over_when_one_datagram_says_all() -> None:
    """RELOADING=1, MONOTONIC_USEC and READY=1 together."""
    w = _notify_reload()
    w.reload("a")
    assert _told(w.notify("a", ready=True, reloading=True, reloading_at=1000.1)) == [RELOADED]


@pytest.mark.parametrize("answered", [False, True])
def test_reload_fails_when_the_service_takes_too_long(*, answered: bool) -> None:
    """It had as long as a start; it runs on, and its next reload is a new one."""
    w = _notify_reload(start_timeout=5)
    w.reload("a")
    if answered:
        w.notify("a", reloading=True, reloading_at=1000.0)
    w.advance(5)
    assert w.remarks == [("a", "reload took too long")]
    assert (w.state("a"), w["a"].reloading, w.timers) == ("running", False, {})
    assert _told(w.notify("a", ready=True)) == []
    w.notify("a", reloading=True)
    assert _told(w.notify("a", ready=True)) == [RELOADED]


def test_reload_is_forgotten_when_the_run_ends() -> None:
    """The next run has read everything."""
    w = _notify_reload(restart_delay=0)
    w.reload("a")
    w.end("a", 1)
    w.ready("a")
    assert (w["a"].run, w.state("a"), w["a"].reloading, w.timers) == (2, "running", False, {})
    w.notify("a", reloading=True)
    assert _told(w.notify("a", ready=True)) == [RELOADED]


def test_signal_is_all_when_the_service_does_not_tell() -> None:
    """Nobody can know when it has reloaded."""
    w = booted({"a": {"type": "notify", "reload_signal": "HUP"}}, outcomes=["stubborn"])
    w.ready("a")
    w.reload("a")
    assert (w.signals("a"), w["a"].reloading, w.timers) == ([(1, "main")], False, {})
