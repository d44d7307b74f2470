"""Every unit is read back exactly, and rubbish gives one kind of error only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given

from nsinit import units
from tests.support import strategies as some

if TYPE_CHECKING:
    from collections.abc import Callable

PARSERS: list[Callable[[object], float]] = [
    units.parse_duration,
    units.parse_size,
    units.parse_signal,
    units.parse_mode,
]


@given(some.SECONDS)
def test_duration_is_read_back_when_shown(seconds: float) -> None:
    """Exactly, from the smallest span to ten years."""
    assert units.parse_duration(units.format_duration(seconds)) == seconds


@given(some.SIZES)
def test_size_is_read_back_when_shown(size: int) -> None:
    """Exactly, up to 2^63."""
    assert units.parse_size(units.format_size(size)) == size


@given(some.SIGNALS)
def test_signal_is_read_back_when_shown(number: int) -> None:
    """Real-time signals by their distance from RTMIN."""
    assert units.parse_signal(units.format_signal(number)) == number
    assert units.parse_signal("sig" + units.format_signal(number).lower()) == number


@given(some.MODES)
def test_mode_is_read_back_when_shown(mode: int) -> None:
    """All twelve bits."""
    assert units.parse_mode(units.format_mode(mode)) == mode


@pytest.mark.parametrize("parse", PARSERS)
@given(value=some.VALUES | some.UNIT_TEXT)
def test_value_is_read_or_refused_when_it_is_anything(
    parse: Callable[[object], float], value: object
) -> None:
    """A number that reads as itself, or a ValueError that says what was expected."""
    try:
        number = parse(value)
    except ValueError as error:
        assert str(error).startswith("expected ")  # noqa: PT017  (either outcome is right)
    else:
        assert parse(number) == number
