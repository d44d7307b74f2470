"""Instants as people and programs write them, and back.

Imports `time` only. Instants are clock times in seconds since the epoch. Errors are `ValueError`s
that say what was expected.
"""

from __future__ import annotations

import time
from typing import Final, NamedTuple

from nsinit.units import parse_duration

_EXPECTED: Final = 'a time such as "5m" (ago), "2026-11-22T12:00:00Z" or "@1763812800"'
_LOCAL: Final = ', "2026-11-22 12:00", "12:00", "today"'
_DAYS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_DAY: Final = 86_400
_LONGEST: Final = 64  # characters


class Moment(NamedTuple):
    """An instant, or so many seconds before somebody looks at it."""

    seconds: float
    ago: bool = False

    def at(self, now: float) -> float:
        """When that is (s since the epoch)."""
        return now - self.seconds if self.ago else self.seconds


def parse_moment(value: object, now: float | None = None) -> Moment:
    """A duration before now, "@" and seconds since the epoch, or a date and time of RFC 3339.

    With `now` also what takes the time zone of whoever asks: dates and times without an offset,
    times of today, "now", "today", "yesterday" (their beginnings). A date alone is its beginning.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError(_expected(value, now))
    if not isinstance(value, str):
        return Moment(parse_duration(value), ago=True)
    text = value.strip()
    try:
        found = (_named(text, now) or _absolute(text, now)) if len(text) <= _LONGEST else None
    except OverflowError:
        raise ValueError(_expected(value, now)) from None
    if found is not None:
        return found
    try:
        return Moment(parse_duration(text.removesuffix("ago").rstrip()), ago=True)
    except ValueError:
        raise ValueError(_expected(value, now)) from None


def format_moment(at: float) -> str:
    """Text that `parse_moment` reads back, to the microsecond."""
    return f"@{at:.6f}"


def format_time(at: float) -> str:
    """RFC 3339 in local time, with microseconds: "2026-11-22T12:00:00.000000+01:00"."""
    whole, micros = divmod(round(at * 1_000_000), 1_000_000)
    there = time.localtime(whole)
    sign, offset = "-" if there.tm_gmtoff < 0 else "+", abs(there.tm_gmtoff) // 60
    text = time.strftime("%Y-%m-%dT%H:%M:%S", there)
    return f"{text}.{micros:06}{sign}{offset // 60:02}:{offset % 60:02}"


def _expected(value: object, now: float | None) -> str:
    shown = repr(value) if len(repr(value)) <= _LONGEST else "a long text"
    return f"expected {_EXPECTED}{_LOCAL if now is not None else ''}, got {shown}"


def _named(text: str, now: float | None) -> Moment | None:
    if now is None or text not in ("now", "today", "yesterday"):
        return None
    if text == "now":
        return Moment(now)
    there = time.localtime(now)
    day = there.tm_mday - (text == "yesterday")
    return Moment(time.mktime((there.tm_year, there.tm_mon, day, 0, 0, 0, 0, 0, -1)))


def _absolute(text: str, now: float | None) -> Moment | None:
    """An instant that is written out; None for something else, ValueError for one there is not."""
    if text.startswith("@"):
        seconds = _number(text[1:])
        return None if seconds is None else Moment(seconds)
    date, clock, offset = _split(text)
    if date is None and clock is None:
        return None
    if date is None and (now is None or offset is not None):
        raise ValueError(_expected(text, now))
    there = time.localtime(now)
    year, month, day = date or (there.tm_year, there.tm_mon, there.tm_mday)
    hour, minute, second = clock or (0, 0, 0.0)
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    fits = 1 <= month <= 12 and hour < 24 and minute < 60 and second < 61
    if not fits or not 1 <= day <= _DAYS[month - 1] - (month == 2 and not leap):
        raise ValueError(f"there is no such time as {text!r}")
    if offset is not None:
        days = _days(year, month, day)
        return Moment(days * _DAY + hour * 3600 + minute * 60 + second - offset)
    if now is None:
        raise ValueError(f"{text!r} has no time zone: add Z, or an offset such as +01:00")
    whole = time.mktime((year, month, day, hour, minute, int(second), 0, 0, -1))
    return Moment(whole + second % 1)


_Date = tuple[int, int, int]
_Clock = tuple[int, int, float]


def _split(text: str) -> tuple[_Date | None, _Clock | None, int | None]:
    """The date, the time and the offset (s) in a text, where it has them and nothing else."""
    date, rest = None, text
    if len(text) >= 10 and text[4] == text[7] == "-":
        year, month, day = (_digits(part) for part in (text[:4], text[5:7], text[8:10]))
        known = year is not None and month is not None and day is not None
        if not known or text[10:11] not in ("", "T", "t", " "):
            return None, None, None
        date, rest = (year or 0, month or 0, day or 0), text[11:]
        if not rest:
            return date, None, None
    rest, offset = _cut_offset(rest)
    parts = rest.split(":") if rest else []
    if len(parts) not in (2, 3):
        return None, None, None
    hour, minute = _digits(parts[0]), _digits(parts[1])
    second = _number(parts[2]) if len(parts) == 3 else 0.0
    if hour is None or minute is None or second is None:
        return None, None, None
    return date, (hour, minute, second), offset


def _cut_offset(text: str) -> tuple[str, int | None]:
    """What comes before "Z", "UTC" or "+01:00", and the offset that is meant (s)."""
    for zone in ("Z", "z", "UTC"):
        if text.endswith(zone):
            return text.removesuffix(zone).rstrip(), 0
    at = max(text.rfind("+"), text.rfind("-"))
    if at < 0:
        return text, None
    digits = text[at + 1 :].replace(":", "")
    number = _digits(digits.ljust(4, "0")) if len(digits) in (2, 4) else None
    if number is None or number % 100 >= 60 or number >= 2400:
        return "", None
    offset = number // 100 * 3600 + number % 100 * 60
    return text[:at].rstrip(), -offset if text[at] == "-" else offset


def _digits(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None


def _number(text: str) -> float | None:
    plain = text.replace(".", "", 1)
    return float(text) if plain.isascii() and plain.isdigit() else None


def _days(year: int, month: int, day: int) -> int:
    """Days from the epoch to a date (of the Gregorian calendar, whose leap days these sums are)."""
    before = year - 1
    leaps = before // 4 - before // 100 + before // 400
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    months = sum(_DAYS[: month - 1]) - (month > 2 and not leap)
    return before * 365 + leaps + months + day - 1 - 719_162  # of 1970-01-01
