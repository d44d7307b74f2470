"""Lines that are missing among those that were kept, told by the numbers that chatter.c writes.

An init keeps the last files of many. What it keeps has to go on without a gap from the first number
that is found to the last that was written.
"""

from __future__ import annotations

import os
import re
from typing import Final

BLOCK: Final = 600  # lines; the first of each has a number
LINE: Final = 100  # bytes, as they are written
_END: Final = b"x\n"  # of every line; those of other files that a logger has end otherwise
_NUMBER: Final = re.compile(rb"#(\d{10})x")


def lost(directory: str, written: int) -> int:
    """How many lines of services that wrote so many bytes each are missing, or there twice."""
    blocks = -(-written // (BLOCK * LINE))
    return sum(_lost(paths, blocks) for paths in _by_service(directory).values())


def _by_service(directory: str) -> dict[str, list[str]]:
    """Files by service: `NAME.log`, `NAME.log.1`, or whatever is in a directory `NAME`."""
    made: dict[str, list[str]] = {}
    for place, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(place, name)
            service = os.path.relpath(path, directory).partition("/")[0].partition(".")[0]
            made.setdefault(service, []).append(path)
    return made


def _lost(paths: list[str], blocks: int) -> int:
    first, before, lines = blocks, 0, 0
    for path in paths:
        with open(path, "rb") as file:
            data = file.read()
        lines += data.count(_END)
        found = _NUMBER.search(data)
        if found and int(found[1]) < first:
            # In the oldest file there is the end of a block whose beginning was thrown away.
            first, before = int(found[1]), data.count(_END, 0, found.start())
    return abs((blocks - first) * BLOCK - (lines - before))
