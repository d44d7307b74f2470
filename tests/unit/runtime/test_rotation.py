"""What rotated files are called, and how much goes into one."""

from __future__ import annotations

import time

import pytest

from nsinit.runtime.rotation import Slot, find_slots, fitting, moves, over, period


def slots(*names: str) -> list[Slot]:
    """The slots with these names: "1", "2.gz"."""
    return find_slots([f"x.log.{name}" for name in names], "x.log")


def names(found: list[Slot]) -> list[str]:
    """Their names again."""
    return [slot.path("") for slot in found]


def test_rotated_files_are_found_when_a_directory_has_others() -> None:
    """Only FILE.N and FILE.N.gz, with N as nsinit writes it; the newest first."""
    others = ["x.log", "x.log.", "x.log.gz", "x.log.gz-new", "x.log.0", "x.log.01", "x.log.1.bz2"]
    others += ["y.log.1", "x.log.1.gz.gz", "x.log.-1", "x.log.1234567890", "x.log.\u0662"]
    found = find_slots([*others, "x.log.10", "x.log.2.gz", "x.log.1"], "x.log")
    assert names(found) == [".1", ".2.gz", ".10"]


@pytest.mark.parametrize(
    ("there", "keep", "gone", "renamed"),
    [
        ("", 5, "", ""),
        ("1", 5, "", "1>2"),
        ("1 2.gz 3.gz", 5, "", "3.gz>4.gz 2.gz>3.gz 1>2"),
        ("1 2.gz 3.gz", 3, "3.gz", "2.gz>3.gz 1>2"),
        ("1 2", 1, "2 1", ""),
        ("1 3 4", 4, "", "1>2"),  # an interrupted rotation left a hole
        ("2 3", 3, "", ""),
        ("1 2 2.gz", 5, "2", "2.gz>3.gz 1>2"),  # packed, but the double was not deleted
        ("1 2 8 9.gz", 3, "8 9.gz", "2>3 1>2"),  # fewer are kept than before
    ],
)
def test_numbers_move_up_when_a_file_is_rotated(
    there: str, keep: int, gone: str, renamed: str
) -> None:
    """Number 1 is free afterwards, nothing is overwritten, and no more than `keep` stay."""
    deleted, renames = moves(slots(*there.split()), keep)
    assert sorted(names(deleted)) == sorted(f".{name}" for name in gone.split())
    assert [f"{old.path('')[1:]}>{new.path('')[1:]}" for old, new in renames] == renamed.split()
    left = {slot.number for slot in slots(*there.split()) if slot not in deleted}
    for old, new in renames:
        left.remove(old.number)
        assert new.number not in left
        left.add(new.number)
    assert 1 not in left
    assert len(left) < keep


@pytest.mark.parametrize(
    ("data", "size", "inside", "take"),
    [
        (b"ab\n", 0, False, 3),
        (b"ab\n", 7, False, 3),  # exactly full
        (b"ab\n", 8, False, 0),
        (b"ab\ncd\n", 5, False, 3),
        (b"ab\ncd", 0, False, 5),
        (b"ab\ncd", 4, False, 3),  # where cd ends is unknown: 3 bytes are left, 4 needed
        (b"ab", 7, False, 0),
        (b"ab", 7, True, 2),  # it has begun before
        (b"abcdef", 7, True, 3),  # longer than it may be: cut
        (b"abcdefghijklm", 0, False, 10),
        (b"abcdefghijklm", 1, False, 0),
        (b"a", 10, False, 0),
        (b"a", 12, True, 0),  # somebody else has filled it
    ],
)
def test_lines_stay_whole_when_a_file_ends(data: bytes, size: int, inside: bool, take: int) -> None:
    """At most 10 bytes in a file, lines of at most 4 whole."""
    assert fitting(data, size, 10, 4, inside=inside) == take


def test_oldest_are_over_when_a_total_is_given() -> None:
    """The newest that fit, without a gap."""
    assert over([5, 5, 5], 15) == 3
    assert over([5, 5, 5], 14) == 2
    assert over([5, 20, 1], 10) == 1
    assert over([5], 0) == 0
    assert over([], 0) == 0


@pytest.mark.parametrize(
    ("rule", "begin", "end"),
    [
        ("hourly", "03-25 12:00", "03-25 13:00"),
        ("daily", "03-25 00:00", "03-26 00:00"),
        ("weekly", "03-23 00:00", "03-30 00:00"),  # with a day of 23 hours
        ("monthly", "03-01 00:00", "04-01 00:00"),
        ("6h", "03-25 07:00", "03-25 13:00"),  # in UTC
    ],
)
def test_period_is_that_of_the_calendar_when_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, rule: str, begin: str, end: str
) -> None:
    """By local time, and over a change of the clocks."""
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    try:
        at = _local("03-25 12:34")
        assert period(rule, at) == (_local(begin), _local(end))
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("at", [1e18, -1e18])
def test_period_holds_its_instant_when_no_calendar_has_it(at: float) -> None:
    """Whatever a broken clock shows, nothing is rotated all the time."""
    begin, end = period("daily", at)
    assert begin <= at < end


def _local(text: str) -> float:
    return time.mktime(time.strptime(f"2026-{text}", "%Y-%m-%d %H:%M"))
