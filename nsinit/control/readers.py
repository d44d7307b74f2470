"""What a parameter of each kind is, by a query or by JSON; ValueError says what was expected."""

from __future__ import annotations

import re
from typing import Final

from nsinit.control.commands import MAX_INTEGER
from nsinit.moments import parse_moment
from nsinit.units import parse_duration, parse_signal


def _names(value: object) -> list[str]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("expected an array of names")
    return names


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("expected a string")
    return value


def _integer(value: object) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 18:
        value = int(value)
    if isinstance(value, float) and value.is_integer():  # JSON knows one kind of numbers
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_INTEGER:
        return value
    raise ValueError(f"expected a whole number from 0 to {MAX_INTEGER}")


def _number(value: object) -> object:
    """Numbers also as programs write small ones."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]+(\.[0-9]+)?[eE][-+]?[0-9]{1,3}", value):
        return float(value)
    return value


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("", "1", "true", "yes"):
        return True
    if value in ("0", "false", "no"):
        return False
    raise ValueError("expected true or false")


READERS: Final = {
    "names": _names,
    "name": _text,
    "words": _names,
    "choice": _text,
    "text": _text,
    "integer": _integer,
    "seconds": lambda value: parse_duration(_number(value)),
    "moment": lambda value: parse_moment(_number(value)),
    "flag": _flag,
    "signal": parse_signal,
}
