"""Which names services and sandboxes may have, and what else has a form. Pure."""

from __future__ import annotations

from typing import Final

NAME_CHARS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")
NAME_MAX: Final = 64


def fits(pattern: str, text: str) -> bool:
    """Whether all of it is of that form, a regular expression."""
    import re  # noqa: PLC0415  (3 ms; few configurations have anything that it is asked about)

    return re.fullmatch(pattern, text, re.DOTALL) is not None


def bad_name(name: str) -> str:
    """What is wrong with the name of a service or sandbox, or nothing."""
    if not name or set(name) - NAME_CHARS or not name[0].isalnum():
        return "a name has letters, digits, '_', '.' and '-', and begins with a letter or digit"
    return f"a name has at most {NAME_MAX} characters" if len(name) > NAME_MAX else ""
