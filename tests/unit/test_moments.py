"""Instants as people write them."""

from __future__ import annotations

import datetime as dt
import os
import time
from typing import TYPE_CHECKING

import pytest

from nsinit.moments import Moment, format_moment, format_time, parse_moment

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = dt.datetime(2026, 11, 22, 15, 30, tzinfo=dt.UTC).timestamp()


@pytest.fixture(autouse=True)
def _berlin() -> Iterator[None]:
    """A time zone with an offset that is not the same all the year round."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "CET-1CEST,M3.5.0,M10.5.0/3"
    time.tzset()
    yield
    del os.environ["TZ"]
    if before is not None:
        os.environ["TZ"] = before
    time.tzset()


def at(text: str) -> float:
    """The instant that RFC 3339 means, by somebody else's reading."""
    return dt.datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("5m", Moment(300.0, ago=True)),
        ("1h30m ago", Moment(5400.0, ago=True)),
        ("90", Moment(90.0, ago=True)),
        (1.5, Moment(1.5, ago=True)),
        ("@1763812800", Moment(1763812800.0)),
        ("@0.25", Moment(0.25)),
        ("2026-11-22T12:00:00Z", Moment(at("2026-11-22T12:00:00+00:00"))),
        ("2026-11-22t12:00:00.5z", Moment(at("2026-11-22T12:00:00.500+00:00"))),
        ("2026-11-22T12:00:00-05:30", Moment(at("2026-11-22T12:00:00-05:30"))),
        ("2026-11-22 12:00 +0100", Moment(at("2026-11-22T12:00:00+01:00"))),
        ("0001-01-01T00:00:00Z", Moment(-62_135_596_800.0)),
        ("0000-12-31T00:00:00Z", Moment(-62_135_683_200.0)),
        ("2024-02-29T23:59:60+00", Moment(at("2024-03-01T00:00:00+00:00"))),
        ("2026-11-22 12:00:00 UTC", Moment(at("2026-11-22T12:00:00+00:00"))),
    ],
)
def test_instant_is_the_same_everywhere_when_it_is_written_out(
    value: object, moment: Moment
) -> None:
    """By a client, and by init."""
    assert parse_moment(value) == parse_moment(value, NOW) == moment


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("12:00", "2026-11-22T12:00:00+01:00"),
        ("12:00:01.5", "2026-11-22T12:00:01.500+01:00"),
        ("2026-07-01", "2026-07-01T00:00:00+02:00"),
        ("2026-07-01 08:30", "2026-07-01T08:30:00+02:00"),
        ("2026-07-01T08:30:05", "2026-07-01T08:30:05+02:00"),
        ("now", "2026-11-22T16:30:00+01:00"),
        ("today", "2026-11-22T00:00:00+01:00"),
        ("yesterday", "2026-11-21T00:00:00+01:00"),
    ],
)
def test_time_is_local_when_it_has_no_offset(text: str, meant: str) -> None:
    """Of whoever typed it; init does not guess."""
    assert parse_moment(text, NOW) == Moment(at(meant))
    with pytest.raises(ValueError, match=r"expected a time|has no time zone: add Z"):
        parse_moment(text)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("x", "expected a time such as"),
        ("", "expected a time such as"),
        ("5 apples", "expected a time"),
        ("2023-02-29", "there is no such time as"),
        ("2026-13-01", "there is no such time as"),
        ("24:00", "there is no such time"),
        ("12:00Z", "expected a time"),
        ("2026-11-22T12:00:00+2500", "expected a time"),
        ("2026-11-22X12:00", "expected a time"),
        ("@1e5", "expected a time"),
        ("@-5", "expected a time"),
        (-1, "between 0 and 10 years"),
        (True, "expected a time"),
        (None, "expected a time"),
        ("9" * 1000, "a long text"),
        ("20 years", "expected a time"),
    ],
)
def test_error_says_what_was_expected_when_it_is_none(value: object, said: str) -> None:
    """For people as for programs."""
    with pytest.raises(ValueError, match=said):
        parse_moment(value, NOW)


def test_span_counts_back_when_somebody_looks() -> None:
    """Only then it is known what is now."""
    assert Moment(300.0, ago=True).at(1000.0) == 700.0
    assert Moment(300.0).at(1000.0) == 300.0


def test_time_is_local_with_its_offset_when_it_is_shown() -> None:
    """Summer and winter, with microseconds; and it can be read again."""
    winter = at("2026-11-22T12:00:00.000001+01:00")
    assert format_time(winter) == "2026-11-22T12:00:00.000001+01:00"
    assert format_time(at("2026-07-01T00:00:00+02:00")) == "2026-07-01T00:00:00.000000+02:00"
    assert format_moment(winter).startswith("@")
