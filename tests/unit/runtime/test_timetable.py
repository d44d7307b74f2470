"""When a service is to run next, while the clock goes on, is put forward and is put back."""

from __future__ import annotations

from datetime import UTC

import pytest

from nsinit.model.cron import Calendar
from nsinit.runtime.timetable import LATE, Interval, Timetable

HOUR = 3600.0
DAY = 24 * HOUR
NOON = 12 * HOUR  # of the first day there is


def table(line: str, now: float, **options: float) -> Timetable:
    """That of a cron line in UTC."""
    return Timetable(Calendar(line, UTC), now, **options)  # type: ignore[arg-type]  # of the rest


def test_run_is_due_once_when_its_time_comes() -> None:
    """Not before, and then at the next."""
    noon = table("0 12 * * *", NOON - 60)
    assert noon.at == NOON
    assert noon.look(NOON - 0.001) == ""
    assert noon.look(NOON) == "run"
    assert noon.look(NOON) == ""
    assert noon.at == NOON + DAY


def test_run_is_not_repeated_when_the_clock_is_put_back_a_little() -> None:
    """A daily run does not happen twice, the next day it happens again."""
    noon = table("0 12 * * *", NOON - 60)
    assert noon.look(NOON) == "run"
    assert noon.look(NOON - HOUR) == ""
    assert noon.look(NOON) == ""
    assert noon.at == NOON + DAY


def test_run_is_planned_anew_when_the_clock_was_wrong_by_hours() -> None:
    """It was not noon when it ran."""
    noon = table("0 12 * * *", NOON - 60)
    assert noon.look(NOON) == "run"
    assert noon.look(NOON - 4 * HOUR) == ""
    assert noon.at == NOON
    assert noon.look(NOON) == "run"


def test_run_comes_earlier_when_the_clock_is_put_back_before_any() -> None:
    """What was left out at the start is no longer in the past."""
    noon = table("0 12 * * *", NOON + 60)
    assert noon.at == NOON + DAY
    assert noon.look(NOON - 60) == ""
    assert noon.at == NOON


def test_run_follows_elapsed_time_when_the_clock_is_put_back_by_more_than_a_period() -> None:
    """Every five minutes does not mean an hour of silence; by less, no time comes twice."""
    often = table("*/5 * * * *", NOON - 60)
    assert often.look(NOON) == "run"
    assert often.look(NOON - 2) == ""
    assert often.at == NOON + 300
    assert often.look(NOON - HOUR + 10) == ""
    assert often.at == NOON - HOUR + 300


@pytest.mark.parametrize(("catch_up", "verdict"), [(True, "run"), (False, "missed")])
def test_missed_run_happens_as_told_when_the_clock_is_put_forward(
    catch_up: bool, verdict: str
) -> None:
    """Once, however many have been passed over; and then as ever."""
    often = table("0 * * * *", NOON, catch_up=catch_up)
    assert often.look(NOON + 5 * HOUR + 60) == verdict
    assert often.look(NOON + 5 * HOUR + 61) == ""
    assert often.at == NOON + 6 * HOUR
    assert often.look(NOON + 6 * HOUR) == "run"


def test_run_is_not_missed_when_it_is_a_little_late() -> None:
    """A busy machine is no reason to leave a run out."""
    noon = table("0 12 * * *", NOON - 60, catch_up=False)
    assert noon.look(NOON + LATE) == "run"


def test_left_out_run_happens_when_the_clock_is_put_back_again() -> None:
    """A step forth and back leaves things as they were."""
    noon = table("0 12 * * *", NOON - 60, catch_up=False)
    assert noon.look(NOON + HOUR) == "missed"
    assert noon.look(NOON - 30) == ""
    assert noon.look(NOON) == "run"


def test_jitter_delays_a_run_when_there_is_one() -> None:
    """Each by another, none by more; a step back keeps it."""
    chances = iter([0.5, 0.0, 1.0])
    noon = table("0 12 * * *", NOON - 60, jitter=30, chance=lambda: next(chances))  # type: ignore[arg-type]  # of the rest
    assert noon.at == NOON + 15
    assert noon.look(NOON - 120) == ""
    assert noon.at == NOON + 15
    assert noon.look(NOON + 15) == "run"
    assert noon.at == NOON + DAY
    assert noon.look(NOON + DAY) == "run"
    assert noon.at == NOON + 2 * DAY + 30


def test_interval_keeps_its_beat_when_runs_are_late() -> None:
    """It is counted from the beginning, not from the last run."""
    every = Interval(0.1, 1000.0)
    assert every.next(1000.0) == 1000.1
    assert every.next(1000.1) == pytest.approx(1000.2)
    assert every.next(1234.56) == pytest.approx(1234.6)
    assert every.next(0.0) == 1000.1 or every.next(0.0) == 1000.0


def test_nothing_is_due_when_nothing_comes() -> None:
    """A clock beyond the year 9999 has no calendar."""
    never = table("0 12 * * *", 1e12)
    assert never.at is None
    assert never.look(1e12 + 1) == ""
