"""Instants as text and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsinit.moments import Moment, format_moment, format_time, parse_moment

INSTANTS = st.integers(0, 253_402_300_799_000_000 // 1000).map(lambda us: us / 1_000_000)


@given(INSTANTS)
def test_instant_is_the_same_when_it_was_written_and_read(at: float) -> None:
    """To the microsecond, in both spellings."""
    for text in (format_moment(at), format_time(at)):
        assert abs(parse_moment(text).seconds - at) < 1e-6


@given(st.text(max_size=40) | st.from_regex(r"[0-9:T Z+@.-]{1,30}", fullmatch=True), st.booleans())
def test_any_text_is_an_instant_or_an_error_when_it_is_read(text: str, here: bool) -> None:
    """Never anything else."""
    try:
        found = parse_moment(text, 1_795_000_000.0 if here else None)
    except ValueError:
        pass
    else:
        assert isinstance(found, Moment)


@pytest.mark.parametrize("value", [[], {}, b"5m", object()])
def test_anything_else_is_an_error_when_it_is_read(value: object) -> None:
    """As whatever comes over a socket."""
    with pytest.raises(ValueError, match="expected a time"):
        parse_moment(value)
