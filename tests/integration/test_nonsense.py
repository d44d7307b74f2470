"""Nonsense to every socket of a real init for a while: it goes on, and nothing stays behind."""

from __future__ import annotations

from scripts.fuzzing.live import attack


def test_init_is_as_before_when_it_was_sent_nonsense() -> None:
    """By every socket that it has; who asks properly is answered meanwhile."""
    told = attack(4000, 30.0, 20, "subreaper")
    assert not told.wrong
    assert all(told.sent.values()), told.sent
