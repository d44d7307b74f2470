"""Whose a line is that came by a socket, when its sender can't be asked any more."""

from __future__ import annotations

from collections import OrderedDict
from types import SimpleNamespace
from typing import Any

from nsinit.runtime.intake import OWN, Intake

GONE = 2**22 + 1  # no process has such a pid


def test_line_is_not_taken_for_another_user_s_when_its_sender_is_gone() -> None:
    """Whoever gets a pid that was a service's does not speak for that service by ending at once."""
    there: dict[int, str] = {GONE: "a"}
    state = SimpleNamespace(services={})
    core = SimpleNamespace(state=state)
    init: Any = SimpleNamespace(
        runs=SimpleNamespace(services={"a": None}), driver=SimpleNamespace(core=core)
    )
    intake = Intake.__new__(Intake)
    intake._init, intake._owner_of, intake._known = init, there.get, OrderedDict()
    assert intake._owner(GONE, 5, b"a") == "a"
    there.clear()
    assert intake._owner(GONE, 5, b"x") == "a"
    assert intake._owner(GONE, 6, b"a") == OWN
