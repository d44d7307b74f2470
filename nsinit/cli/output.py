"""Text for people: tables, times, errors; colour only where a terminal shows it."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # as `typing` has it
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Final, TextIO

    from nsinit.errors import NsinitError

TINTS: Final = {
    "running": "green",
    "exited": "green",
    "starting": "yellow",
    "stopping": "yellow",
    "waiting": "yellow",
    "backoff": "red",
    "failed": "red",
    "stopped": "dim",
}
_LEAST: Final = 12  # columns that are left of what is cut
_COLOURS: Final = {"red": 31, "green": 32, "yellow": 33, "dim": 2, "bold": 1}


class Wishes:
    """What was asked for by options that every verb has."""

    color = "auto"
    format = ""  # the fields that are wanted of what would be JSON


def colours(stream: TextIO) -> bool:
    """Whether to colour: --color, NO_COLOR, FORCE_COLOR, else on a terminal that is not dumb."""
    env = os.environ
    if Wishes.color != "auto":
        return Wishes.color == "always"
    if env.get("NO_COLOR"):
        return False
    if env.get("FORCE_COLOR"):
        return True
    return stream.isatty() and env.get("TERM") != "dumb"


def is_watched(*, quiet: bool) -> bool:
    """Whether somebody sees a line on stderr that changes, and wants it."""
    try:
        seen = os.isatty(2) and sys.stderr is not None
    except OSError:
        return False
    return seen and not quiet and os.environ.get("TERM") not in (None, "dumb")


def paint(text: str, colour: str, stream: TextIO | None = None) -> str:
    """The text in a colour, if the stream shows colours."""
    if not colour or not colours(stream or sys.stdout):
        return text
    return _tinted(text, colour)


def _tinted(text: str, colour: str) -> str:
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if colour else text


def table(head: Sequence[str], rows: Sequence[Sequence[str]], tints: Sequence[str] = ()) -> str:
    """Aligned columns; `tints` are the colours of the second cell of each row.

    On a terminal the last column is cut to what there is room for, but not to nothing.
    """
    widths = [max(map(len, cells)) for cells in zip(head, *rows, strict=True)]
    limit = room()
    rest = max(_LEAST, limit - sum(widths[:-1]) - 2 * (len(widths) - 1))
    if limit and rest < widths[-1]:
        rows = [[*row[:-1], _cut(row[-1], rest)] for row in rows]
        widths[-1] = rest
    lines = [paint(_line(head, widths), "bold")]
    if not rows:
        return lines[0]
    # By columns: of a thousand rows each cell costs, so no function of Python is called for any.
    columns = [
        [cell.ljust(width) for cell in cells]
        for cells, width in zip(zip(*rows, strict=True), widths, strict=True)
    ]
    if tints and colours(sys.stdout):
        columns[1] = list(map(_tinted, columns[1], tints))
    lines += [line.rstrip() for line in map("  ".join, zip(*columns, strict=True))]
    return "\n".join(lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(c.ljust(w) for c, w in zip(cells, widths, strict=True)).rstrip()


def room() -> int:
    """The width of the terminal that is written to, or $COLUMNS; 0 if there is no limit."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isascii() and columns.isdigit():
        return int(columns[:6])
    try:
        return os.get_terminal_size(1).columns if sys.stdout.isatty() else 0
    except (OSError, ValueError):
        return 0


def _cut(text: str, width: int) -> str:
    if len(text) <= width:
        return text
    mark = "\u2026" if (sys.stdout.encoding or "").lower().startswith("utf") else "..."
    return text[: width - len(mark)].rstrip() + mark


def clock(at: float) -> str:
    """The time of day (local) of an instant in seconds since the epoch, to the millisecond."""
    import time

    return f"{time.strftime('%H:%M:%S', time.localtime(at))}.{int(at % 1 * 1000):03}"


def printable(text: str) -> str:
    """What a program or a sandbox has chosen may hold newlines, and worse."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def span(seconds: float) -> str:
    """How long, in two units at most: "3s", "5m 10s", "2d 4h"."""
    whole = max(0, int(seconds))
    parts: list[str] = []
    for name, size in (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)):
        count, whole = divmod(whole, size)
        if count or (name == "s" and not parts):
            parts.append(f"{count}{name}")
    return " ".join(parts[:2])


def amount(size: int) -> str:
    """Bytes for people, three digits at most: "812K", "1.2M"."""
    value, units = size / 1024, "KMGT"
    for unit in units:
        if value < 999.5 or unit == units[-1]:
            return f"{value:.1f}{unit}" if unit != "K" and value < 99.95 else f"{value:.0f}{unit}"
        value /= 1024
    return ""


def say(text: str, stream: TextIO | None = None) -> None:
    """Print a line; bytes that came from outside are shown as they can be."""
    out = stream or sys.stdout
    if not text and Wishes.format:
        return  # no rows, no line
    encoding = out.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding), file=out, flush=True)


def complain(error: NsinitError | str, hint: str = "") -> None:
    """Tell an error on stderr: "nsinit: cannot ...", and what to do."""
    message = error if isinstance(error, str) else error.message
    hint = hint or ("" if isinstance(error, str) else error.hint)
    for line in message.split("\n"):
        begin = "" if line.startswith("  ") else f"{paint('nsinit:', 'red', sys.stderr)} "
        say(begin + line, sys.stderr)
    if hint:
        say(f"  hint: {hint}", sys.stderr)


def as_json(value: Any) -> str:  # noqa: ANN401  (decoded JSON)
    """Compact JSON on one line, or the fields that are wanted of it."""
    if Wishes.format:
        from nsinit.cli.format import render

        return render(value, Wishes.format)
    import json

    return json.dumps(value, ensure_ascii=False)


def as_one(value: dict[str, Any]) -> str:
    """As `as_json`, where the lists in it are no rows: the fields wanted are those of the whole."""
    return as_json([value] if Wishes.format else value)
