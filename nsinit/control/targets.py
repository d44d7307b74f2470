"""What a request line and a form say: paths and pairs, with their bytes unquoted. Pure.

As RFC 3986 and the URL Standard of WHATWG (application/x-www-form-urlencoded) have it; the standard
library's module for that is 170 KiB in every init.
"""

from __future__ import annotations

from typing import Final

_PAIRS: Final = 1000


def split(target: str) -> tuple[str, str]:
    """The path, unquoted, and the query of a target; it may begin with a scheme and a host.

    ValueError if that host is no address.
    """
    path, _, query = target.partition("#")[0].partition("?")
    before, is_absolute, rest = path.partition("://")
    if is_absolute and "/" not in before:
        host, _, path = rest.partition("/")
        if host.count("[") != host.count("]"):
            raise ValueError(f"{host!r} is no host")
        path = "/" + path
    return unquoted(path), query


def pairs(text: str) -> list[tuple[str, str]]:
    """The names and values of a query or a form; ValueError if there are too many."""
    fields = text.split("&")
    if len(fields) > _PAIRS:
        raise ValueError(f"there are more than {_PAIRS} fields")
    halves = [field.replace("+", " ").partition("=") for field in fields if field]
    return [(unquoted(name), unquoted(value)) for name, _, value in halves]


def unquoted(text: str) -> str:
    """With %41 as A; what is no UTF-8 is as in `os.fsdecode`, and what is no byte as it was."""
    if "%" not in text:
        return text
    first, *others = text.encode("utf-8", "surrogateescape").split(b"%")
    made = [first]
    for part in others:
        digits = part[:2]
        if len(digits) == 2 and all(digit in b"0123456789abcdefABCDEF" for digit in digits):
            made += bytes([int(digits, 16)]), part[2:]
        else:
            made += b"%", part
    return b"".join(made).decode("utf-8", "surrogateescape")
