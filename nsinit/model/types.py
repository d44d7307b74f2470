"""The values a configuration key can have beyond TOML's own types.

Each is a subclass of a builtin with a static `read`, which turns what was written into the plain
builtin or raises ValueError with what was expected. Reading what was read gives it again, so a
spec encodes to bytes and back by `decode_hook` and `encode_hook`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from nsinit import units
from nsinit.model import addresses
from nsinit.nearest import did_you_mean
from nsinit.units import kind_of

CONDITIONS: Final = ("started", "ready", "completed", "exited")
SINKS: Final = ("console", "file", "syslog", "null", "inherit")
PERIODS: Final = ("hourly", "daily", "weekly", "monthly")
UNLIMITED: Final = -1
_KNOWN: Final = 128  # values of the types below


class Seconds(float):
    """A span of time in seconds; written as a number or as "1h30m"."""

    __slots__ = ()

    read = staticmethod(units.parse_duration)


class Size(int):
    """A number of bytes; written as a number or as "64KiB"."""

    __slots__ = ()

    read = staticmethod(units.parse_size)


class Signal(int):
    """A signal number; written as "TERM", "SIGTERM" or 15."""

    __slots__ = ()

    read = staticmethod(units.parse_signal)


class Mode(int):
    """File mode bits; written as "022" or 0o022."""

    __slots__ = ()

    read = staticmethod(units.parse_mode)


class Limit(int):
    """How many restarts in a row; UNLIMITED is written "unlimited"."""

    __slots__ = ()

    @staticmethod
    def read(value: object) -> int:
        """From a number or "unlimited"."""
        if value == "unlimited":
            return UNLIMITED
        if isinstance(value, int) and not isinstance(value, bool) and -1 <= value <= 1_000_000:
            return value
        raise ValueError(f'expected a number from 0 or "unlimited", got {show(value)}')


class Period(str):
    """How often a log file is begun: "hourly" and so on by the calendar, or a span as "6h"."""

    __slots__ = ()

    @staticmethod
    def read(value: object) -> str:
        """From a word or a duration of a minute at least."""
        if isinstance(value, str) and value in PERIODS:
            return value
        try:
            seconds = units.parse_duration(value)
        except ValueError:
            seconds = 0
        if seconds < 60:
            known = ", ".join(f'"{word}"' for word in PERIODS)
            raise ValueError(f'expected {known} or a time from "1min" on, got {show(value)}')
        return units.format_duration(seconds)


class Address(str):
    """Where to listen, in the one spelling that `addresses.Endpoint` writes."""

    __slots__ = ()

    @staticmethod
    def read(value: object) -> str:
        """From any spelling that `addresses.parse` knows."""
        if not isinstance(value, str):
            raise ValueError(f'expected an address such as "tcp:127.0.0.1:8080", got {show(value)}')
        return str(addresses.parse(value))


class Words(tuple[str, ...]):
    """A command: a list of words, or a string that is split as a shell splits words."""

    __slots__ = ()

    @staticmethod
    def read(value: object) -> list[str]:
        """From a string or an array of strings; never empty."""
        if isinstance(value, str):
            import shlex  # noqa: PLC0415  (5 ms, and lists need none of it)

            try:
                words = shlex.split(value)
            except ValueError as error:
                raise ValueError(f"cannot split {value!r} into words: {error}") from None
        else:
            words = _strings(value, "a string or an array of strings")
        if not words or not words[0]:
            raise ValueError("expected a command, got nothing to run")
        if any("\0" in word for word in words):
            raise ValueError("a command can't contain NUL")
        return words


class Names(tuple[str, ...]):
    """A list of names without doubles; one name may be written as a plain string."""

    __slots__ = ()

    @staticmethod
    def read(value: object) -> list[str]:
        """From a string or an array of strings."""
        names = [value] if isinstance(value, str) else _strings(value, "an array of names")
        return list(dict.fromkeys(names))


class Needs(dict[str, str]):
    """Dependencies: name to condition; a plain list means the default condition ("")."""

    @staticmethod
    def read(value: object) -> dict[str, str]:
        """From a table or an array; `resolve` replaces "" by ready, for a oneshot by completed."""
        if not isinstance(value, dict):
            expected = 'an array of names or a table such as {db = "ready"}'
            names = [value] if isinstance(value, str) else _strings(value, expected)
            return dict.fromkeys(names, "")
        for name, condition in value.items():
            if condition not in (*CONDITIONS, ""):
                known = ", ".join(f'"{word}"' for word in CONDITIONS)
                raise ValueError(f"{name}: expected one of {known}, got {show(condition)}")
        return dict(value)


class Environment(dict[str, str | dict[str, str]]):
    """Environment variables; numbers and booleans are taken as TOML writes them.

    A secret is not in the configuration: {file = "/run/secrets/db"} says where its value is.
    """

    @staticmethod
    def read(value: object) -> dict[str, str | dict[str, str]]:
        """From a table, or from an array of "NAME=value" as compose has it."""
        if isinstance(value, (list, tuple)):
            items = _strings(value, "a table of variables")
            if not all("=" in item for item in items):
                raise ValueError('expected "NAME=value" in each item of the array')
            value = dict(item.split("=", 1) for item in items)
        if not isinstance(value, dict):
            raise ValueError(f"expected a table of variables, got {show(value)}")
        made: dict[str, str | dict[str, str]] = {}
        for name, text in value.items():
            if not name or "=" in name or "\0" in name:
                raise ValueError(f"{name!r} can't be the name of a variable")
            if isinstance(text, dict):
                made[name] = _secret(name, text)
                continue
            if not isinstance(text, (str, int, float)) or "\0" in str(text):
                raise ValueError(f"{name}: expected a string without NUL, got {show(text)}")
            made[name] = str(text).lower() if isinstance(text, bool) else str(text)
        return made


def _secret(name: str, table: dict[object, object]) -> dict[str, str]:
    path = table.get("file")
    if len(table) != 1 or not isinstance(path, str) or not path.rstrip("?") or "\0" in path:
        raise ValueError(f'{name}: expected a string or {{file = "PATH"}}, got {show(table)}')
    return {"file": path}


class StopSequence(tuple[tuple[int, float | None], ...]):
    """Signals to stop with, each with the seconds to wait after it (None: the stop_timeout).

    Written as one signal, or as signals and waits in turn: ["TERM", "5s", "INT", "3s"].
    """

    __slots__ = ()

    @staticmethod
    def read(value: object) -> list[tuple[int, float | None]]:
        """From a signal, an array of signals and waits, or pairs as `read` makes them."""
        steps: list[tuple[int, float | None]] = []
        for item in value if isinstance(value, (list, tuple)) else [value]:
            if isinstance(item, (list, tuple)) and len(item) == 2:
                number, wait = item
                seconds = None if wait is None else units.parse_duration(wait)
                steps.append((units.parse_signal(number), seconds))
            elif _is_span(item):
                if not steps or steps[-1][1] is not None:
                    raise ValueError(f"{item!r}: a wait must follow a signal")
                steps[-1] = (steps[-1][0], units.parse_duration(item))
            elif isinstance(item, int) and isinstance(value, (list, tuple)):
                raise ValueError(f'{item} could be a signal or seconds: write "TERM" or "5s"')
            else:
                steps.append((units.parse_signal(item), None))
        if not steps:
            raise ValueError('expected a signal or an array such as ["TERM", "5s", "INT"], got []')
        return steps


class Codes(frozenset[int]):
    """Exit codes; a death by a signal is its negative number, written as the signal's name."""

    __slots__ = ()

    @staticmethod
    def read(value: object) -> set[int]:
        """From a number, a signal's name, or an array of both."""
        items = value if isinstance(value, (list, tuple)) else [value]
        return {_read_code(item) for item in items}


def _read_code(item: object) -> int:
    if isinstance(item, str) and not (item.isascii() and item.isdigit()):
        return -units.parse_signal(item)
    small = isinstance(item, int) or (isinstance(item, str) and len(item) <= 3)
    code = int(item) if small and not isinstance(item, bool) else 256  # type: ignore[call-overload]
    if not -units.RT_MAX <= code <= 255:
        raise ValueError(f"expected exit codes from 0 to 255 or signals, got {show(item)}")
    return int(code)


class Statuses(tuple[tuple[int, int], ...]):
    """HTTP statuses, as ranges (first, last); written as 200, "200-299" or an array of both."""

    __slots__ = ()

    @staticmethod
    def read(value: object) -> list[tuple[int, int]]:
        """From a number, a range, an array of them, or pairs as `read` makes them."""
        items = list(value) if isinstance(value, (list, tuple)) else [value]
        if not items:
            raise ValueError('expected statuses such as 200 or "200-299", got []')
        return [_read_statuses(item) for item in items]


def _read_statuses(item: object) -> tuple[int, int]:
    parts = item.split("-") if isinstance(item, str) else item
    ends = list(parts) if isinstance(parts, (list, tuple)) else [parts]
    numbers = [_read_status(end) for end in (ends * 2 if len(ends) == 1 else ends)]
    if len(numbers) != 2 or not 100 <= numbers[0] <= numbers[1] <= 599:
        raise ValueError(f'expected statuses from 100 to 599 or "200-299", got {show(item)}')
    return numbers[0], numbers[1]


def _read_status(end: object) -> int:
    if isinstance(end, str) and len(end) == 3 and end.isascii() and end.isdigit():
        return int(end)
    return end if isinstance(end, int) and not isinstance(end, bool) else 0


class Rlimit(tuple[int, int]):
    """A resource limit (soft, hard); UNLIMITED is written "unlimited", two as "1024:4096"."""

    __slots__ = ()

    @staticmethod
    def read(value: object) -> list[int]:
        """From a size, "unlimited", "soft:hard" or an array of two."""
        if isinstance(value, str) and ":" in value:
            value = value.split(":")
        parts = list(value) if isinstance(value, (list, tuple)) else [value, value]
        if len(parts) != 2:
            raise ValueError(f'expected one limit or "soft:hard", got {show(value)}')
        soft, hard = (
            UNLIMITED if part in ("unlimited", UNLIMITED) else units.parse_size(part)
            for part in parts
        )
        if hard != UNLIMITED and (soft == UNLIMITED or soft > hard):
            raise ValueError(f"the soft limit is above the hard one: {show(value)}")
        return [soft, hard]


class Sinks(tuple[str, ...]):
    """Where output goes: one place, or several as in ["console", "file"]."""

    __slots__ = ()

    @staticmethod
    def read(value: object) -> list[str]:
        """From a name or an array of names."""
        items = value if isinstance(value, (list, tuple)) else [value]
        for item in items:
            if item not in SINKS:
                known = ", ".join(f'"{word}"' for word in SINKS)
                hint = did_you_mean(item, SINKS) if isinstance(item, str) else ""
                more = f" ({hint})" if hint else ""
                raise ValueError(f"expected one of {known}, got {show(item)}{more}")
        names = list(dict.fromkeys(items))
        if not names or (len(names) > 1 and {"null", "inherit"} & set(names)):
            raise ValueError(f'expected one place or ["console", "file"], got {show(value)}')
        return names


_TYPES: Final = (
    Seconds, Size, Signal, Mode, Limit, Words, Names, Needs, Environment, StopSequence, Codes,
    Rlimit, Sinks, Statuses, Address, Period,
)  # fmt: skip


def decode_hook(kind: Any, value: object) -> Any:  # noqa: ANN401  (msgspec's protocol)
    """For msgspec: what was written, as one of the types above."""
    read = getattr(kind, "read", None)
    if read is None:
        raise NotImplementedError(f"no such type: {kind}")
    if isinstance(value, (str, int, float)) and not issubclass(kind, dict):
        return _once(kind, value)
    return kind(read(value))


@lru_cache(maxsize=_KNOWN, typed=True)
def _once(kind: Any, value: object) -> Any:  # noqa: ANN401  (as above)
    """What was written in most tables alike is read once, and is there once."""
    return kind(kind.read(value))


def encode_hook(value: object) -> object:
    """For msgspec, which writes subclasses of containers by itself but not those of scalars."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, int):
        return int(value)
    raise NotImplementedError(f"no such type: {type(value)}")


def show(value: object) -> str:
    """A value for a message; only its kind when it is long."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and not -(10**18) < value < 10**18:
        return "a huge integer"
    try:
        text = repr(value)
    except ValueError:  # a number of thousands of digits somewhere in it
        return kind_of(value)
    return text if len(text) <= 60 else kind_of(value)


def _strings(value: object, expected: str) -> list[str]:
    if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
        return list(value)
    raise ValueError(f"expected {expected}, got {show(value)}")


def _is_span(item: object) -> bool:
    """Whether a string of a stop sequence is a wait ("5s") and no signal ("TERM", "15")."""
    return isinstance(item, str) and item[:1].isdigit() and not item.isdigit()
