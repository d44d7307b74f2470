"""What is remembered of hooks and probes that have ended does not grow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nsinit.kernel import proc
from nsinit.process.strays import Strays

if TYPE_CHECKING:
    import pytest


def test_sessions_are_forgotten_when_probes_have_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """A probe a second, for days: at most a few hundred are remembered."""
    monkeypatch.setattr(proc, "processes", lambda _: {})
    strays = Strays("/run/x")
    strays.began(7, "web")
    for pid in range(10_000, 30_000):
        strays.began(pid, "web")
        strays.ended(pid)
    assert len(strays._sessions) <= 300
    assert strays._session_owner(7) == "web"
