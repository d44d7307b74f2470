"""Hints for mistyped words."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from nsinit.nearest import did_you_mean

if TYPE_CHECKING:
    from types import FrameType

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


def test_few_words_are_compared_when_most_have_another_length() -> None:
    """A wrong path of 60 letters took PID 1 more than 10 ms, and anybody may ask for many."""
    calls: list[str] = []

    def count(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_name == "slips":
            calls.append(frame.f_locals["other"])

    sys.setprofile(count)
    try:
        assert did_you_mean("x" * 60, [f"/v1/name{n}" for n in range(50)]) == ""
        assert calls == []
        assert did_you_mean("user", ["users", "a", "restart"]) == 'did you mean "users"?'
    finally:
        sys.setprofile(None)
    assert calls == ["users"]
