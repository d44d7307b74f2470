"""`${X}` in the strings of the configuration, from the environment that nsinit was given. Pure.

The forms are those of docker compose: `${X}`, `${X:-default}`, `${X:?message}`, and `$$` for one
dollar sign. A dollar sign before anything else stands for itself, so that `shell = true` commands
keep their `$1` and `$HOME`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME_CHARS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
_DEEPEST = 32  # of variables in the defaults of others


class FormError(ValueError):
    """What a dollar and a brace begin is no variable; the message shows it."""


def expand(text: str, env: Mapping[str, str]) -> str:
    """The text with its variables filled in; ValueError names the one that is not set."""
    if "$" not in text:
        return text
    made, at = [], 0
    while (dollar := text.find("$", at)) >= 0:
        made.append(text[at:dollar])
        if text.startswith("$$", dollar):
            made.append("$")
            at = dollar + 2
        elif text.startswith("${", dollar):
            end = _closing(text, dollar + 2)
            made.append(_lookup(text[dollar + 2 : end], env))
            at = end + 1
        else:
            made.append("$")
            at = dollar + 1
    made.append(text[at:])
    return "".join(made)


def _closing(text: str, at: int) -> int:
    """Index of the brace that closes the one before `at`; defaults may hold variables too."""
    depth = 1
    start = at
    while at < len(text):
        if text.startswith("${", at):
            depth += 1
            at += 1
            if depth > _DEEPEST:
                raise ValueError(f"variables are nested more than {_DEEPEST} deep")
        elif text[at] == "}":
            depth -= 1
            if not depth:
                return at
        at += 1
    raise FormError(f"${{{text[start : start + 20]} has no closing brace; write $$ for a dollar")


def _lookup(inside: str, env: Mapping[str, str]) -> str:
    size = next((i for i, char in enumerate(inside) if char not in _NAME_CHARS), len(inside))
    name, rest = inside[:size], inside[size:]
    if not name or name[0].isdigit() or rest[:2] not in ("", ":-", ":?"):
        raise FormError(f"${{{inside}}}: expected ${{NAME}}, ${{NAME:-default}} or ${{NAME:?text}}")
    value = env.get(name, "")
    if rest[:2] == ":-":
        return value or expand(rest[2:], env)
    if rest[:2] == ":?" and not value:
        raise ValueError(f"${{{name}}} is not set: {rest[2:] or 'it is required'}")
    if name not in env:
        raise ValueError(f"${{{name}}} is not set; write ${{{name}:-default}}, or $$ for a dollar")
    return value
