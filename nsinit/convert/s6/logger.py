"""A logger beside a service: its directory becomes the log file of the service. Pure but to read.

s6-log, svlogd and multilog write `current` in a directory, and rotate it by its size.
"""

from __future__ import annotations

import os
import re
import shlex
from typing import TYPE_CHECKING, Final

from nsinit.convert.reading import read_text
from nsinit.convert.s6 import script
from nsinit.convert.s6.execline import parse

if TYPE_CHECKING:
    from nsinit.convert.document import Table, Value

_LOGGERS: Final = ("s6-log", "svlogd", "multilog", "logutil-service")
_SIZE: Final = 99_999  # bytes, where nothing is said
_SMALLEST: Final = 64 << 10  # that nsinit rotates at
_KEPT: Final = 10
_ENV: Final = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?")


def take(path: str, table: Table, directory: str) -> bool:
    """Give a service the log file that its logger writes; False if it can't be told which.

    `path` is the logger's script, `directory` where it runs.
    """
    if not os.path.isfile(path):
        return False
    found = _words(read_text(path))
    if found is None:
        return False
    place, size, kept = "", _SIZE, _KEPT
    for word in found[1:]:
        if word.startswith(("/", "./")) or word == ".":
            place = word
        elif match := re.fullmatch(r"s([0-9]{1,12})", word):
            size = int(match[1])
        elif match := re.fullmatch(r"n([0-9]{1,4})", word):
            kept = int(match[1])
    if not place or _ENV.search(place):
        return False
    if not place.startswith("/"):
        place = os.path.normpath(f"{directory}/{place}")
    log: dict[str, Value] = {
        "file": f"{place.rstrip('/')}/current",
        "max_size": max(size, _SMALLEST),
        "keep": min(kept, 1000),
        "stderr": {"to": "console"},
    }
    table.set("log", log)
    what = os.path.basename(found[0])
    reason = "lines have no time, old files are current.1, current.2.gz ..."
    if size < _SMALLEST:
        reason += f"; nsinit rotates at {_SMALLEST >> 10} KiB at least"
    table.unsupported(path, 0, what, " ".join(found[1:]), f"{reason}; {place} must be there")
    return True


def _words(text: str) -> list[str] | None:
    """The command of the logger at the end of a script; None if it is none that is known."""
    words = script.interpreter(text)
    lines = text.partition("\n")[2] if words else text
    found: list[str] = []
    try:
        if script.is_execline(words) or script.is_execline(script.without_contenv(words) or []):
            parsed = parse(lines)
            found = [word if isinstance(word, str) else "{}" for word in parsed]
        else:
            last = [line for line in lines.split("\n") if line.strip() and line[0] != "#"][-1:]
            found = shlex.split("".join(last))
    except ValueError:
        return None
    for index, word in enumerate(found):
        if os.path.basename(word) in _LOGGERS:
            return found[index:]
    return None
