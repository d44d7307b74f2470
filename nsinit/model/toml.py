"""Reading TOML. What that takes is loaded for the first text: a command may need none. Pure."""

from __future__ import annotations

from typing import Any

from nsinit import slim


def read_toml(text: str) -> dict[str, Any]:
    """A document as tables; ValueError or RecursionError if it is none."""
    slim.load_tomllib()
    import tomllib  # noqa: PLC0415  (5 ms, half of them for `re`)

    return tomllib.loads(text)
