"""Hints for mistyped words."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsinit.nearest import did_you_mean, slips

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


def _plain_slips(word: str, other: str) -> int:
    """By the definition, every cell of the table."""
    rows: dict[int, list[int]] = {-1: [0] * (len(other) + 1), 0: [*range(len(other) + 1)]}
    for i, a in enumerate(word, 1):
        rows[i] = [i]
        for j, b in enumerate(other, 1):
            cost = min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (a != b))
            if i > 1 and j > 1 and word[i - 2 : i] == other[j - 2 : j][::-1]:
                cost = min(cost, rows[i - 2][j - 2] + 1)
            rows[i].append(cost)
    return rows[len(word)][-1]


@given(st.text("abc", max_size=9), st.text("abcd", max_size=9), st.integers(0, 6))
def test_slips_are_those_of_the_definition_when_they_are_few(
    word: str, other: str, most: int
) -> None:
    """What is not looked at, because it would be too many, changes nothing."""
    plain = _plain_slips(word, other)
    assert slips(word, other) == plain
    assert min(slips(word, other, most), most + 1) == min(plain, most + 1)


def test_little_is_compared_when_long_names_are_alike() -> None:
    """A wrong name of 50 letters beside 300 like it took PID 1 some 200 ms."""
    steps = 0

    def step(frame: FrameType, event: str, _: object) -> Any:
        nonlocal steps
        steps += event == "line"
        return step if frame.f_code.co_filename == did_you_mean.__code__.co_filename else None

    names = [f"a-worker-of-the-shop-in-the-{n:03}-rd-of-many-places" for n in range(300)]
    sys.settrace(step)
    try:
        hint = did_you_mean("a-worker-of-the-shop-in-the-x07-rd-of-many-place", names)
    finally:
        sys.settrace(None)
    assert hint == f'did you mean "{names[7]}"?'
    assert steps < 100_000  # of 2,400,000
