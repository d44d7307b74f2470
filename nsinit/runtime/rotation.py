"""Where one log file ends and the next begins, and what they are called. Pure.

FILE becomes FILE.1, that becomes FILE.2, which somebody else turns into FILE.2.gz, and so on.
"""

from __future__ import annotations

import time
from typing import NamedTuple

from nsinit.model.types import PERIODS
from nsinit.units import parse_duration

PACKED = ".gz"
UNFINISHED = ".gz-new"  # what is being packed; no slot


class Slot(NamedTuple):
    """One rotated file; the newest has the number 1."""

    number: int
    packed: bool

    def path(self, base: str) -> str:
        """What it is called when the file itself is called `base`."""
        return f"{base}.{self.number}{PACKED if self.packed else ''}"


def fitting(data: bytes, size: int, limit: int, slack: int, *, inside: bool) -> int:
    """How many bytes of `data` go into a file that has `size` of at most `limit`.

    The rest goes into the next file. Whole lines, as far as lines are not longer than `slack`: one
    whose end is not known yet begins only where so much is left. `inside` says that the file ends
    within a line that the data go on with.
    """
    room = limit - size
    if len(data) <= room:
        end = data.rfind(b"\n") + 1
        begins = end < len(data) and (end > 0 or not inside)
        if begins and room - end < slack and size + end > 0:
            return end
        return len(data)
    end = data.rfind(b"\n", 0, max(room, 0)) + 1
    if end:
        return end
    return max(room, 0) if inside or size == 0 else 0


def period(rule: str, at: float) -> tuple[float, float]:
    """The first instant of the period that a clock time is in, and that of the next one.

    Days begin at midnight of the local time, weeks on Mondays; spans count from 1970 in UTC.
    """
    try:
        begin, end = _period(rule, at)
    except (OverflowError, ValueError, OSError):  # a clock that shows no year of a calendar
        return at, at + 3600
    return min(begin, at), max(end, at + 1)


def _period(rule: str, at: float) -> tuple[float, float]:
    if rule not in PERIODS:
        span = parse_duration(rule)
        return at - at % span, at - at % span + span
    now = time.localtime(at)
    if rule == "hourly":
        begin = at - now.tm_min * 60 - now.tm_sec - at % 1
        return begin, begin + 3600
    year, month, day = now[:3]
    if rule == "monthly":
        return _midnight(year, month, 1), _midnight(year, month + 1, 1)
    if rule == "weekly":
        return _midnight(year, month, day - now.tm_wday), _midnight(
            year, month, day + 7 - now.tm_wday
        )
    return _midnight(year, month, day), _midnight(year, month, day + 1)


def _midnight(year: int, month: int, day: int) -> float:
    """Of a local day, which may lie outside of its month, as mktime(3) has it."""
    return time.mktime((year, month, day, 0, 0, 0, 0, 0, -1))


def find_slots(names: list[str], name: str) -> list[Slot]:
    """The rotated files of `name` in a directory, the newest first."""
    made = []
    for other in names:
        if not other.startswith(f"{name}."):
            continue
        text = other[len(name) + 1 :]
        digits = text.removesuffix(PACKED)
        plain = digits.isascii() and digits.isdigit() and len(digits) <= 9
        if plain and digits == str(int(digits)) and digits != "0":
            made.append(Slot(int(digits), packed=text != digits))
    return sorted(made)


def moves(slots: list[Slot], keep: int) -> tuple[list[Slot], list[tuple[Slot, Slot]]]:
    """What to delete, then what to rename, in order, so that number 1 is free.

    `slots` are the newest first. A hole in the numbers, which an interrupted rotation leaves, is
    filled. Of two files with one number the packed one is complete, so the other is a double.
    """
    packed = {slot.number for slot in slots if slot.packed}
    gone = [slot for slot in slots if not slot.packed and slot.number in packed]
    left = {slot.number: slot for slot in slots if slot not in gone}
    free = 1
    while free in left and free < keep:
        free += 1
    gone += [slot for number, slot in left.items() if number > keep or number == free]
    renames = [
        (left[number], left[number]._replace(number=number + 1))
        for number in range(free - 1, 0, -1)
    ]
    return gone, renames


def over(sizes: list[int], total: int) -> int:
    """How many of the rotated files, newest first, fit into `total` bytes."""
    for count, size in enumerate(sizes):
        total -= size
        if total < 0:
            return count
    return len(sizes)
