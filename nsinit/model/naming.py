"""Which names services and sandboxes may have. Pure."""

from __future__ import annotations

from typing import Final

NAME_CHARS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")
NAME_MAX: Final = 64


def bad_name(name: str) -> str:
    """What is wrong with the name of a service or sandbox, or nothing."""
    if not name or set(name) - NAME_CHARS or not name[0].isalnum():
        return "a name has letters, digits, '_', '.' and '-', and begins with a letter or digit"
    return f"a name has at most {NAME_MAX} characters" if len(name) > NAME_MAX else ""
