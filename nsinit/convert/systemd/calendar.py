"""Calendar events of systemd.time(7) as cron lines, where a cron line can say the same. Pure."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_SHORT: Final = {
    "minutely": "*-*-* *:*:00",
    "hourly": "*-*-* *:00:00",
    "daily": "*-*-* 00:00:00",
    "weekly": "Mon *-*-* 00:00:00",
    "monthly": "*-*-01 00:00:00",
    "quarterly": "*-01,04,07,10-01 00:00:00",
    **dict.fromkeys(("semiannually", "semi-annually", "biannually", "bi-annually"),
                    "*-01,07-01 00:00:00"),
    **dict.fromkeys(("yearly", "annually"), "*-01-01 00:00:00"),
}  # fmt: skip
_DAYS: Final = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_WEEK: Final = frozenset(range(7))
_WEEKDAYS: Final = re.compile(r"([a-z]+(?:(?:\.\.|-)[a-z]+)?)(,\s*|\s+|$)", re.IGNORECASE)
_TIME: Final = re.compile(r"([^\s:]+):([^\s:]+)(?::([^\s:]+))?")
_DATE: Final = re.compile(r"(?:([^\s~-]+)-)?([^\s~-]+)([~-])([^\s~-]+)")
_ITEM: Final = re.compile(r"([0-9]{1,4})(?:\.\.([0-9]{1,4}))?(?:/([0-9]{1,4}))?")
_ZONE: Final = re.compile(r"[A-Z][A-Za-z0-9_+/-]*")
_STEPS: Final = 3  # a row of fewer is written out


class Event(NamedTuple):
    """A calendar event, as a cron line can say it."""

    cron: str
    timezone: str  # "" for the local one


def to_cron(text: str) -> Event:
    """The same as a cron line; ValueError says why there is none, or that it is no event."""
    rest, _, zone = text.strip().rpartition(" ")
    if not rest or not _ZONE.fullmatch(zone) or zone.lower() in _names():
        rest, zone = text.strip(), ""
    rest = _SHORT.get(rest.lower(), rest)
    weekdays, rest = _weekdays(rest)
    date, time = _split(rest)
    if not date and not time and weekdays == _WEEK:
        raise ValueError("expected a calendar event")
    month, from_end, day = "*", "-", "*"
    if date:
        match = _DATE.fullmatch(date)
        if match is None:
            raise ValueError("expected a date such as *-*-01")
        year, month, from_end, day = match.groups()
        if year not in (None, "*"):
            raise ValueError("cron lines know no years")
    hour, minute, second = ("0", "0", "0")
    if time:
        clock = _TIME.fullmatch(time)
        if clock is None:
            raise ValueError("expected a time such as 12:30")
        hour, minute, second = clock[1], clock[2], clock[3] or "0"
    days, week = _days_and_week(_values(day, 1, 31), weekdays, at_end=from_end == "~")
    fields = [
        _field(_values(minute, 0, 59), 0, 59),
        _field(_values(hour, 0, 23), 0, 23),
        days,
        _field(_values(month, 1, 12), 1, 12),
        week,
    ]
    seconds = _values(second, 0, 59)
    if seconds != {0}:
        fields.insert(0, _field(seconds, 0, 59))
    return Event(" ".join(fields), zone)


def _names() -> set[str]:
    return {*_SHORT, *_DAYS, *(day[:3] for day in _DAYS)}


def _weekdays(text: str) -> tuple[frozenset[int], str]:
    """The days of the week (0: Sunday) that a text begins with, all without any; and the rest."""
    found: set[int] = set()
    more = True
    while more and (match := _WEEKDAYS.match(text)):
        first, mark, last = match[1].replace("..", "-").lower().partition("-")
        begin = _weekday(first)
        end = _weekday(last) if mark else begin
        # Weeks begin on Monday: Sun is the end of a range.
        row = [*range(1, 7), 0]
        if row.index(begin) > row.index(end):
            raise ValueError(f"{match[1]} goes backwards")
        found |= set(row[row.index(begin) : row.index(end) + 1])
        more = match[2].startswith(",")
        text = text[match.end() :].lstrip()
    return frozenset(found) or _WEEK, text


def _weekday(name: str) -> int:
    for number, day in enumerate(_DAYS):
        if name in (day, day[:3]):
            return number
    raise ValueError(f"there is no day {name!r}")


def _split(text: str) -> tuple[str, str]:
    parts = text.split()
    if len(parts) > 2:
        raise ValueError("expected a date and a time")
    times = [part for part in parts if ":" in part]
    dates = [part for part in parts if ":" not in part]
    if len(times) > 1 or len(dates) > 1 or (len(parts) == 2 and parts != [*dates, *times]):
        raise ValueError("expected a date and a time")
    return "".join(dates), "".join(times)


def _values(text: str, low: int, high: int) -> frozenset[int]:
    if text == "*":
        return frozenset(range(low, high + 1))
    if "." in text.replace("..", ""):
        raise ValueError("cron lines know no fractions of a second")
    made: set[int] = set()
    for item in text.split(","):
        match = _ITEM.fullmatch(item)
        if match is None:
            raise ValueError(f"{item!r} is no part of a calendar event")
        begin = int(match[1])
        end = int(match[2]) if match[2] else begin
        step = int(match[3]) if match[3] else 0
        if match[3] and not match[2]:
            end = high
        if not low <= begin <= end <= high or (match[3] and (not step or step > high)):
            raise ValueError(f"{item!r} is out of {low}..{high}")
        made |= set(range(begin, end + 1, step or 1))
    return frozenset(made)


def _days_and_week(
    days: frozenset[int], weekdays: frozenset[int], *, at_end: bool
) -> tuple[str, str]:
    """The fields of both: a cron line takes either, where systemd takes both."""
    every = len(days) == 31
    if at_end and not every:
        if days == {1} and weekdays == _WEEK:
            return "L", "*"
        # The n-th last day and all after it are the days from n down to the last.
        reach = frozenset(range(min(days), 32)) == days and min(days) == 7
        if reach and len(weekdays) == 1:
            return "*", f"{min(weekdays)}L"
        raise ValueError("cron lines can't count days from the end of a month")
    if every:
        return "*", _field(weekdays, 0, 6)
    if weekdays == _WEEK:
        return _field(days, 1, 31), "*"
    first = min(days)
    if days == frozenset(range(first, first + 7)) and first in (1, 8, 15, 22):
        return "*", ",".join(f"{day}#{first // 7 + 1}" for day in sorted(weekdays))
    raise ValueError("a cron line takes either the day of the month or that of the week")


def _field(values: frozenset[int], low: int, high: int) -> str:
    """A field of a cron line; "*/5" only where it means the same in any program."""
    ordered = sorted(values)
    if len(ordered) == high - low + 1:
        return "*"
    step = ordered[1] - ordered[0] if len(ordered) > 1 else 0
    whole = ordered == list(range(low, high + 1, step)) if step else False
    if whole and step > 1 and len(ordered) >= _STEPS:
        return f"*/{step}"
    runs: list[list[int]] = []
    for value in ordered:
        if runs and runs[-1][1] == value - 1:
            runs[-1][1] = value
        else:
            runs.append([value, value])
    return ",".join(str(a) if a == b else f"{a},{b}" if b == a + 1 else f"{a}-{b}" for a, b in runs)
