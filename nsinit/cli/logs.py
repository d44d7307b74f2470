"""`nsinit ctl logs`: which lines are shown is asked of init; patterns are looked for here.

A regular expression can take for ever, and whoever typed it can end this process; init has other
things to do. A terminal gets what it can show, and anything else the bytes as they came, where text
is UTF-8; JSON always is.
"""

from __future__ import annotations

import sys

from nsinit.cli.output import as_json, colours
from nsinit.control.commands import BY_NAME
from nsinit.errors import ControlError, UsageError

TYPE_CHECKING = False  # as `typing` has it
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any, Final

    from nsinit.client import Client
    from nsinit.control.commands import Command

    Row = dict[str, Any]

_WIDEST: Final = 24  # of a name before a line
_TINTS: Final = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)


def run(client: Client, command: Command, given: dict[str, Any], *, as_text: bool) -> None:
    """Print what was asked for, up to its end."""
    fits = matcher(given.pop("grep", None), invert=given.pop("invert_match", False))
    stamps = given.pop("timestamps", False)
    _check(given)
    show = shower(client, given.get("names", ()), stamps=stamps) if as_text else _json
    out = sys.stdout.buffer
    flush = bool(given.get("follow"))
    for row in _rows(client, command, given, fits):
        out.write(show(row))
        if flush:
            out.flush()
    out.flush()


def _check(given: dict[str, Any]) -> None:
    """What init would refuse is a slip of whoever typed it; UsageError."""
    which = given.get("run", "current")
    if which not in ("current", "previous") and not (which.isascii() and which.isdigit()):
        raise UsageError(f"expected a run: a number, current or previous, got {which!r}")


def _rows(
    client: Client, command: Command, given: dict[str, Any], fits: Callable[[Row], bool] | None
) -> Iterator[Row]:
    if fits is None:
        yield from client.call(command, given)
        return
    if (count := given.pop("lines", None)) is not None:
        from collections import deque

        # The last that fit, which only who has seen all of them knows; then what has come since.
        kept: deque[Row] = deque(maxlen=count)
        past = {key: value for key, value in given.items() if key != "follow"}
        seen = given.get("since_seq", 0)
        for row in client.call(command, past):
            seen = row.get("seq", seen)
            if "skipped" in row or fits(row):
                kept.append(row)
        yield from kept
        if not given.get("follow"):
            return
        given["since_seq"] = seen
    for row in client.call(command, given):
        if "skipped" in row or fits(row):
            yield row


def matcher(pattern: str | None, *, invert: bool) -> Callable[[Row], bool] | None:
    """Whether a pattern is found in a line, or is not; None to take them all; UsageError."""
    if pattern is None:
        if invert:
            raise UsageError("--invert-match goes with --grep", hint="--grep REGEX")
        return None
    import re

    try:
        search = re.compile(pattern).search
    except (re.error, RecursionError, OverflowError) as error:
        why = f"cannot read the pattern {pattern!r}: {error}"
        raise UsageError(
            why, hint="a regular expression of Python: 'error|fatal', '(?i)denied'"
        ) from None
    return lambda row: (search(_text(row)) is None) == invert


def shower(client: Client, names: Sequence[str], *, stamps: bool = False) -> Callable[[Row], bytes]:
    """What makes text of rows; with names before the lines unless there can be only one."""
    try:
        found = [
            s["name"] for s in client.call(BY_NAME["list"], {"names": list(names)})["services"]
        ]
    except ControlError:  # it is no more, but may have written something
        found = list(names)
    return Lines(
        found, names[0] if list(names) == found and len(found) == 1 else "", stamps=stamps
    ).show


class Lines:
    """Rows as text; `alone`: the service whose lines go without its name."""

    def __init__(self, names: Iterable[str], alone: str = "", *, stamps: bool = False) -> None:
        known = list(names)
        self._alone = alone
        self._stamps = stamps
        self._width = min(_WIDEST, max(map(len, ["nsinit", *known])))
        self._tints = {name: _TINTS[at % len(_TINTS)] for at, name in enumerate(known)}
        self._coloured = colours(sys.stdout)
        self._encoding = (sys.stdout.encoding or "utf-8").lower()
        self._as_it_is = not sys.stdout.isatty() and self._encoding in ("utf-8", "utf8")

    def show(self, row: Row) -> bytes:
        """One line of text, with its newline; pieces of a cut line are marked by +."""
        if "skipped" in row:
            text = f"{row['skipped']} bytes were skipped here: this reader is too slow"
            return self._encode(f"{self._name('nsinit', '|')}{text}\n")
        mark = "+" if row.get("part") in ("middle", "last") else "|"
        return self._encode(f"{self._stamp(row)}{self._name(row['service'], mark)}{_text(row)}\n")

    def _stamp(self, row: Row) -> str:
        if not self._stamps:
            return ""
        from nsinit.moments import format_time

        return f"{format_time(row['time'])} "

    def _name(self, service: str, mark: str) -> str:
        if service == self._alone:
            return "" if mark == "|" else "+ "
        head = f"{service:<{self._width}} {mark}"
        if self._coloured and service != "nsinit":
            tint = self._tints.setdefault(service, _TINTS[len(self._tints) % len(_TINTS)])
            head = f"\x1b[{tint}m{head}\x1b[0m"
        return f"{head} "

    def _encode(self, text: str) -> bytes:
        if self._as_it_is:
            return text.encode("utf-8", "surrogateescape")
        plain = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        return plain.encode(self._encoding, "backslashreplace")


def _text(row: Row) -> str:
    """A line, with who wrote it where that was told; bytes that are no UTF-8 as surrogates."""
    if "base64" in row:
        from binascii import a2b_base64

        line = a2b_base64(row["base64"]).decode("utf-8", "surrogateescape")
    else:
        line = str(row["line"])
    if "identifier" not in row:
        return line
    pid = f"[{row['pid']}]" if "pid" in row else ""
    return f"{row['identifier']}{pid}: {line}"


def _json(row: Row) -> bytes:
    return as_json(row).encode("utf-8", "backslashreplace") + b"\n"
