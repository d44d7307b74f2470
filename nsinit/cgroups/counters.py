"""What the files of a group say of what it has used: numbers, tables of them, pressure. Pure.

Nothing here raises: what a line should not hold is left out, what a file should not say is None.

Sources: admin-guide/cgroup-v2.rst, admin-guide/cgroup-v1 and accounting/psi.rst of the kernel.
"""

from __future__ import annotations

import math
from typing import Final

UNLIMITED: Final = 1 << 62  # version 1 writes no limit as the largest number of whole pages
_DIGITS: Final = 20  # of the largest number that the kernel writes
_MOST: Final = 1 << 53  # what JSON readers keep exactly


def number(text: str) -> int | None:
    """A file with one number; None for "max", for no limit in version 1, and for anything else."""
    word = text.strip()
    if not (word.isascii() and word.isdigit() and len(word) <= _DIGITS):
        return None
    found = int(word)
    return found if found < UNLIMITED else None


def table(text: str) -> dict[str, int]:
    """A file of lines "name number", such as cpu.stat and memory.events."""
    made: dict[str, int] = {}
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        found = number(value)
        if name and found is not None:
            made[name] = found
    return made


def quota(text: str) -> float | None:
    """cpu.max ("20000 100000") in CPUs; None for no limit."""
    words = text.split()
    if len(words) != 2:
        return None
    share, period = number(words[0]), number(words[1])
    return None if share is None or not period else round(share / period, 4)


def pressure(text: str) -> dict[str, dict[str, float]]:
    """A *.pressure file: "some" and "full", each with the per cent of 10, 60 and 300 s, and total.

    The total is in seconds. Empty where the kernel counts no pressure.
    """
    made: dict[str, dict[str, float]] = {}
    for line in text.splitlines():
        words = line.split()
        if not words or words[0] not in ("some", "full"):
            continue
        row: dict[str, float] = {}
        for field in words[1:]:
            name, _, value = field.partition("=")
            found = _real(value)
            if found is None:
                continue
            if name == "total":
                row["total"] = round(found / 1e6, 6)
            elif name in ("avg10", "avg60", "avg300"):
                row[name] = found
        made[words[0]] = row
    return made


def _real(text: str) -> float | None:
    digits = text.replace(".", "", 1)
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _DIGITS):
        return None
    found = float(text)
    return found if math.isfinite(found) and found < _MOST else None


def transfers(text: str) -> dict[str, int]:
    """io.stat of version 2, all devices together: rbytes, wbytes, rios, wios."""
    made = dict.fromkeys(("rbytes", "wbytes", "rios", "wios"), 0)
    for line in text.splitlines():
        for field in line.split()[1:]:
            name, _, value = field.partition("=")
            if name in made:
                made[name] += number(value) or 0
    return made


def operations(text: str) -> tuple[int, int]:
    """A blkio file of version 1 ("8:0 Read 4096"): what all devices together read and wrote."""
    made = {"Read": 0, "Write": 0}
    for line in text.splitlines():
        words = line.split()
        if len(words) == 3 and words[1] in made:
            made[words[1]] += number(words[2]) or 0
    return made["Read"], made["Write"]
