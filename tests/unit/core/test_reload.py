"""A reload: told when it is done, and how it went."""

from __future__ import annotations

import pytest

from nsinit.core import messages as m
from nsinit.core.upkeep import RELOADED
from tests.unit.core.world import World, booted


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
