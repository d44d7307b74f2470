"""Cron lines and zones: what they mean, and what is told of wrong ones."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from nsinit.model import cron
from nsinit.model.cron import Calendar, CalendarError, load_zone
from tests.support.live import environment

BERLIN = ZoneInfo("Europe/Berlin")


def times(line: str, begin: str, count: int) -> list[str]:
    """The next local times in Berlin."""
    calendar, made = Calendar(line, BERLIN), []
    at = datetime.fromisoformat(begin).replace(tzinfo=BERLIN).timestamp()
    for _ in range(count):
        found = calendar.next(at)
        assert found is not None
        at = found
        made.append(datetime.fromtimestamp(at, BERLIN).strftime("%m-%d %H:%M:%S%z")[:-2])
    return made


@pytest.mark.parametrize(
    ("line", "begin", "expected"),
    [
        ("*/20 8 * * MON-FRI", "2026-11-20T08:30", [
            "11-20 08:40:00+01", "11-23 08:00:00+01", "11-23 08:20:00+01"]),
        ("@monthly", "2026-11-20T08:30", ["12-01 00:00:00+01", "01-01 00:00:00+01"]),
        ("0 0 13 * 5", "2026-11-01", ["11-06 00:00:00+01", "11-13 00:00:00+01"]),
        ("0 0 L * *", "2028-02-01", ["02-29 00:00:00+01", "03-31 00:00:00+02"]),
        ("*/20 * * * * *", "2026-11-20T08:30:30", ["11-20 08:30:40+01", "11-20 08:31:00+01"]),
        ("30 2 * * *", "2026-03-28T12:00", ["03-29 03:00:00+02", "03-30 02:30:00+02"]),
        ("0,30 2,3 * * *", "2026-03-29", ["03-29 03:00:00+02", "03-29 03:30:00+02"]),
        ("30 2 * * *", "2026-10-25", ["10-25 02:30:00+02", "10-26 02:30:00+01"]),
        ("30 * * * *", "2026-10-25T01:00", [
            "10-25 01:30:00+02", "10-25 02:30:00+02", "10-25 02:30:00+01", "10-25 03:30:00+01"]),
        ("30 * * * *", "2026-03-29T01:00", ["03-29 01:30:00+01", "03-29 03:30:00+02"]),
    ],
)  # fmt: skip
def test_line_means_these_times_when_asked(line: str, begin: str, expected: list[str]) -> None:
    """Fixed times run once where clocks change, others by elapsed time."""
    assert times(line, begin, len(expected)) == expected


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("0 25 * * *", "field 2 of '0 25 * * *', the hour, can't be '25'", "0 to 23"),
        ("*/0 * * * *", "field 1 of '*/0 * * * *', the minute, can't be '*/0'", "0 to 59"),
        ("* * * FOO *", "field 4 of '* * * FOO *', the month, can't be 'FOO'", "JAN to DEC"),
        ("* * * * MOM", "field 5 of '* * * * MOM', the day-of-week, can't be 'MOM'", "SUN"),
        ("99 * * * * *", "field 1 of '99 * * * * *', the second, can't be '99'", "0 to 59"),
        ("* * *", "a cron line has 5 or 6 fields, '* * *' has 3", "minute hour"),
        ("", "a cron line has 5 or 6 fields, '' has 0", "minute hour"),
        ("@dayly", "unknown name '@dayly'", 'did you mean "@daily"?'),
        ("@reboot", "@reboot is no calendar", "a oneshot without a schedule does that"),
        ("0 0 31 2 *", "field 3 of '0 0 31 2 *', the day-of-month, can't be '31'", "1 to 31"),
    ],
)
def test_line_is_refused_when_it_makes_no_sense(line: str, message: str, hint: str) -> None:
    """With the field, what it says, and what it may say."""
    with pytest.raises(CalendarError) as caught:
        Calendar(line, UTC)
    assert str(caught.value) == message
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Europe/Berlni", 'did you mean "Europe/Berlin"?'),
        ("Berlin", 'did you mean "Europe/Berlin"?'),
        ("new york", 'did you mean "America/New_York"?'),
        ("utc", 'did you mean "UTC"?'),
        ("Europe", ""),
        ("../../etc/passwd", ""),
        ("x\0y", ""),
    ],
)
def test_zone_is_refused_when_there_is_none(name: str, hint: str) -> None:
    """The nearest name is told, also of a city alone."""
    with pytest.raises(CalendarError, match="there is no time zone") as caught:
        load_zone(name)
    assert caught.value.hint == hint


def test_zone_is_that_of_the_environment_when_none_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As `docker run -e TZ=…` sets it; without it that of the system."""
    monkeypatch.setenv("TZ", ":Asia/Tokyo")
    assert str(load_zone(None)) == "Asia/Tokyo"
    monkeypatch.delenv("TZ")
    monkeypatch.setattr(cron, "_LOCAL", "/nonexistent")
    monkeypatch.setattr(cron, "_zones", {})
    assert load_zone(None) is UTC


def test_no_instant_follows_when_the_clock_is_beyond_all_calendars() -> None:
    """A clock that is set to nonsense is no reason to fail."""
    assert Calendar("0 0 * * *", BERLIN).next(1e12) is None


LATER = """
from nsinit.model.cron import Calendar, load_zone
calendar = Calendar("0 12 * * *", load_zone("Asia/Tokyo"))
import os, sys, zoneinfo
zoneinfo.reset_tzpath(["/nonexistent"])
sys.path.clear()
before = set(sys.modules)
print(calendar.next(0), load_zone("Asia/Tokyo"), set(sys.modules) - before)
"""


@pytest.mark.parametrize("path", ["/usr/share/zoneinfo", ""])
def test_zone_stays_known_when_the_files_are_hidden(path: str) -> None:
    """It is read once and completely; without the system's data from the package tzdata."""
    done = subprocess.run(
        [sys.executable, "-c", LATER],
        env=environment(PYTHONTZPATH=path),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "10800 Asia/Tokyo set()\n"


MISSING = """
import sys
sys.modules["cronsim"] = None
from nsinit.model.load import load, parse_source
text = '[services.a]\\ncommand = "x"\\nschedule = {%s}\\n'
for schedule in ('every = 5', 'cron = "* * * * *"'):
    try:
        load([parse_source("n.toml", text % schedule)], {})
        print("right")
    except Exception as error:
        print(error)
"""


def test_only_cron_lines_are_refused_when_cronsim_is_missing() -> None:
    """An interval needs nothing."""
    done = subprocess.run(
        [sys.executable, "-c", MISSING], env=environment(), capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert done.stdout.splitlines() == [
        "right",
        (
            "n.toml:3: services.a.schedule.cron: a cron line needs the package cronsim "
            "(pip install cronsim)"
        ),
    ]
