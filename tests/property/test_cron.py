"""The instants of a cron line are those that a walk through every minute of the time finds."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import example, given
from hypothesis import strategies as st

from nsinit.model.cron import Calendar
from tests.support import strategies as some

DAYS = 3
# Where and when clocks are changed: by an hour, by half of one, at midnight, by a whole day, never.
CHANGES = [
    ("Europe/Berlin", date(2026, 3, 28)),
    ("Europe/Berlin", date(2026, 10, 24)),
    ("America/New_York", date(2026, 3, 7)),
    ("America/New_York", date(2026, 10, 31)),
    ("Australia/Lord_Howe", date(2026, 4, 4)),
    ("Australia/Lord_Howe", date(2026, 10, 3)),
    ("America/Sao_Paulo", date(2018, 11, 3)),
    ("America/Sao_Paulo", date(2018, 2, 17)),
    ("Pacific/Apia", date(2011, 12, 28)),
    ("Asia/Kathmandu", date(2026, 6, 1)),
    ("UTC", date(2026, 6, 1)),
]


@st.composite
def fields(draw: st.DrawFn, below: int) -> tuple[str, frozenset[int]]:
    """One field of a line, and what it means."""
    if draw(st.booleans()):
        step = draw(st.integers(1, below))
        return f"*/{step}" if step > 1 else "*", frozenset(range(0, below, step))
    chosen = draw(st.sets(st.integers(0, below - 1), min_size=1, max_size=4))
    return ",".join(map(str, sorted(chosen))), frozenset(chosen)


def walk(minutes: tuple[str, frozenset[int]], hours: tuple[str, frozenset[int]], zone: ZoneInfo,
         begin: int) -> list[int]:  # fmt: skip
    """The instants of three days, by looking at each minute of them and a day around."""
    day = 86_400
    when = range(begin - day - begin % 60, begin + (DAYS + 1) * day, 60)
    shown = {u: datetime.fromtimestamp(u, zone).replace(tzinfo=None) for u in when}
    if minutes[0].startswith("*") or hours[0].startswith("*"):
        found = {u for u, t in shown.items() if t.minute in minutes[1] and t.hour in hours[1]}
    else:
        first: dict[datetime, int] = {}
        for u, t in shown.items():
            first.setdefault(t, u)
        times, found = sorted(first), set()
        start = times[0].replace(hour=0, minute=0)
        for number in range(DAYS + 4):
            for hour in hours[1]:
                for minute in minutes[1]:
                    named = start + timedelta(days=number, hours=hour, minutes=minute)
                    later = [t for t in times if t >= named]
                    if later and named > times[0]:
                        found.add(first[later[0]])
    return sorted(u for u in found if begin < u <= begin + DAYS * day)


@some.DEAR
@given(
    minutes=fields(60),
    hours=fields(24),
    change=st.sampled_from(CHANGES),
    ahead=st.integers(0, 86_399),
)
@example(("10", frozenset([10])), ("2", frozenset([2])), CHANGES[5], 3600)
@example(("*/7", frozenset(range(0, 60, 7))), ("1", frozenset([1])), CHANGES[4], 0)
@example(("0,30", frozenset([0, 30])), ("0", frozenset([0])), CHANGES[8], 7200)
def test_instants_are_those_of_a_walk_when_clocks_change(
    minutes: tuple[str, frozenset[int]],
    hours: tuple[str, frozenset[int]],
    change: tuple[str, date],
    ahead: int,
) -> None:
    """None is left out, none comes twice, whichever kind of line it is."""
    zone = ZoneInfo(change[0])
    begin = round(datetime(change[1].year, change[1].month, change[1].day, tzinfo=UTC).timestamp())
    begin += ahead
    calendar = Calendar(f"{minutes[0]} {hours[0]} * * *", zone)
    found, at = [], begin
    while (instant := calendar.next(at)) is not None and instant <= begin + DAYS * 86_400:
        found.append(instant)
        at = instant
    assert found == walk(minutes, hours, zone, begin)


@given(
    zone=st.sampled_from([name for name, _ in CHANGES]),
    after=st.integers(0, 4_000_000_000),
    line=st.sampled_from(["30 2 * * *", "*/5 * * * *", "0 0 1 * *", "0 12 29 2 *", "@weekly"]),
)
def test_next_is_later_and_fits_when_it_is_any_time(zone: str, after: int, line: str) -> None:
    """Nothing lies between an instant and the next one but more of the same answer."""
    calendar = Calendar(line, ZoneInfo(zone))
    found = calendar.next(after)
    assert found is not None
    assert found > after
    assert calendar.next(found - 1) == found
    assert calendar.next((after + found) // 2) == found
