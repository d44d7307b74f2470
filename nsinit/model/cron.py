"""Calendars: which instants a cron line means in a time zone. Loaded only by who has a schedule.

Rules, those of Debian's cron:
1. A line with fixed minutes and hours ("30 2 * * *") names local times. One that does not exist,
   because the clocks go forward, is the instant of the change; one that comes twice is its first.
2. A line whose minute or hour begins with a star goes by elapsed time: it counts every local time
   that there is, the doubled ones twice, those that are skipped not at all.
3. Where both a day of the month and a day of the week are given, either will do.

Instants are whole seconds since the epoch. Reads the zone data of the system or of the package
tzdata, at once and completely, so that a change of the root file system does not matter later.
"""

from __future__ import annotations

import os
import zoneinfo
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Final

from nsinit.nearest import did_you_mean

if TYPE_CHECKING:
    from datetime import tzinfo

# What cronsim calls a field of a line that has seconds; without them, lines begin at the second.
_FIELDS: Final = {
    "second": "0 to 59",
    "minute": "0 to 59",
    "hour": "0 to 23",
    "day-of-month": "1 to 31, or L for the last",
    "month": "1 to 12, or JAN to DEC",
    "day-of-week": "0 to 7, or SUN to SAT",
}
_NICKNAMES: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_WEEK: Final = 7 * 86_400  # no zone has changed twice within one since 1970
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001  (local times have no zone here)
_LOCAL: Final = "/etc/localtime"

_zones: dict[str, tzinfo] = {}


class CalendarError(ValueError):
    """A line or a zone that makes no sense; `hint` says what would."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


# --- Zones ----------------------------------------------------------------------------------------


def load_zone(name: str | None) -> tzinfo:
    """A zone by its name; None is that of $TZ, else of the system, else UTC. CalendarError."""
    key = _local_name() if name is None else name
    if key not in _zones:
        _zones[key] = _read_zone(key)
    return _zones[key]


def _local_name() -> str:
    return os.environ.get("TZ", "").removeprefix(":")


def _read_zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    if not name or name.startswith("/"):
        try:
            with open(name or _LOCAL, "rb") as file:
                return zoneinfo.ZoneInfo.from_file(file, key=name or _LOCAL)
        except (OSError, ValueError) as error:
            if not name:
                return UTC
            raise CalendarError(f"cannot read the time zone {name}: {error}") from None
    try:
        return zoneinfo.ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, outside of the directory, a directory
        raise CalendarError(f"there is no time zone {name!r}", _near(name)) from None


@cache
def _known() -> list[str]:
    """The names of all zones: 10 ms of looking through directories, which one wrong name costs."""
    return sorted(zoneinfo.available_timezones())


def _near(name: str) -> str:
    known = _known()
    if not known:
        return "there is no zone data here at all: install the package tzdata"
    word = name.replace(" ", "_").lower()
    near = {zone.rpartition("/")[2].lower(): zone for zone in reversed(known)}
    near |= {zone.lower(): zone for zone in known}
    return f'did you mean "{near[word]}"?' if word in near else did_you_mean(name, known)


# --- Lines ----------------------------------------------------------------------------------------


class Calendar:
    """The instants of a cron line in a zone; CalendarError if it has none."""

    def __init__(self, line: str, zone: tzinfo) -> None:
        self._line = _written_out(line)
        self._zone = zone
        minute, hour = self._line.split()[-5:-3]
        self.fixed = not minute.startswith("*") and not hour.startswith("*")
        if self._matching(0, line) is None:
            raise CalendarError(f"no day is ever as {line!r} says")

    def next(self, after: float) -> int | None:
        """The first instant after another; None if there is none in 50 years."""
        try:
            return self._next_local(int(after)) if self.fixed else self._next_elapsed(int(after))
        except (OverflowError, ValueError, OSError):  # a clock beyond the year 9999
            return None

    def _matching(self, after: int, line: str | None = None) -> int | None:
        """The first local time (s, as if it were UTC) after another that fits the line."""
        try:
            from cronsim import CronSim, CronSimError  # noqa: PLC0415  (told by who is without)
        except ImportError:
            hint = "pip install cronsim"
            raise CalendarError("a cron line needs the package cronsim", hint) from None
        try:
            found = next(CronSim(self._line, _EPOCH + timedelta(seconds=after)), None)
        except CronSimError as error:
            raise _explained(line or self._line, self._line, str(error)) from None
        return None if found is None else round((found - _EPOCH).total_seconds())

    def _next_local(self, after: int) -> int | None:
        local = after + self._offset(after)
        while (found := self._matching(local)) is not None:
            instant = self._instant(found)
            if instant > after:
                return instant
            local = found
        return None

    def _next_elapsed(self, after: int) -> int | None:
        offset = self._offset(after)
        local = after + offset
        while (found := self._matching(local)) is not None:
            change = self._change(after, found - offset)
            if change is None:
                return found - offset
            after, offset = change, self._offset(change)
            local = after + offset - 1
        return None

    # --- The zone -----------------------------------------------------------------------------

    def _offset(self, instant: int) -> int:
        """How far (s) local time is ahead of UTC."""
        offset = datetime.fromtimestamp(instant, self._zone).utcoffset()
        return round(offset.total_seconds()) if offset is not None else 0

    def _change(self, after: int, until: int) -> int | None:
        """The first instant with another offset, after one and up to another."""
        offset = self._offset(after)
        while after < until:
            step = min(after + _WEEK, until)
            if self._offset(step) != offset:
                while step - after > 1:  # `after` has the old offset, `step` has not
                    middle = (after + step) // 2
                    if self._offset(middle) == offset:
                        after = middle
                    else:
                        step = middle
                return step
            after = step
        return None

    def _instant(self, local: int) -> int:
        """When a local time is: the first of two, and the change for one that is skipped."""
        naive = _EPOCH + timedelta(seconds=local)
        first = round(naive.replace(tzinfo=self._zone).timestamp())
        if first + self._offset(first) == local:
            return first
        earlier = round(naive.replace(tzinfo=self._zone, fold=1).timestamp())
        return self._change(min(first, earlier), max(first, earlier)) or first


def _written_out(line: str) -> str:
    text = line.strip()
    if text.startswith("@"):
        if text.lower() in _NICKNAMES:
            return _NICKNAMES[text.lower()]
        if text.lower() == "@reboot":
            raise CalendarError("@reboot is no calendar", "a oneshot without a schedule does that")
        raise CalendarError(f"unknown name {text!r}", did_you_mean(text, _NICKNAMES))
    count = len(text.split())
    if count not in (5, 6):
        hint = "minute hour day-of-month month day-of-week, with seconds in front if need be"
        raise CalendarError(f"a cron line has 5 or 6 fields, {line!r} has {count}", hint)
    return text


def _explained(line: str, text: str, told: str) -> CalendarError:
    """Which field is wrong, what it says, and what it may say."""
    name = told.removeprefix("Bad ")
    fields = text.split()
    names = list(_FIELDS)[6 - len(fields) :]
    if name not in names:
        return CalendarError(f"{line!r} is no cron line: {told}")
    place = names.index(name)
    message = f"field {place + 1} of {line!r}, the {name}, can't be {fields[place]!r}"
    return CalendarError(message, f"{_FIELDS[name]}; as in 5, 1-5, 1,3 or */2")
