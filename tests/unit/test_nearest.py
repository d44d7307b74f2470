"""Hints for mistyped words."""

from __future__ import annotations

import pytest

from nsinit.nearest import did_you_mean

KNOWN = ("restart", "restart_delay", "user", "command", "db")


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("restrat", 'did you mean "restart"?'),
        ("comand", 'did you mean "command"?'),
        ("users", 'did you mean "user"?'),
        ("bd", 'did you mean "db"?'),
        ("xyz", ""),
        ("com", 'did you mean "command"?'),
        ("rest", ""),
        ("restaurants", 'did you mean "restart"?'),
        ("wonderful", ""),
        ("", ""),
    ],
)
def test_nearest_word_is_named_when_one_is_near(word: str, hint: str) -> None:
    """Nothing is said rather than something far-fetched."""
    assert did_you_mean(word, KNOWN) == hint


def test_no_word_is_named_when_none_is_known() -> None:
    """An empty list has no nearest word."""
    assert did_you_mean("x", ()) == ""
