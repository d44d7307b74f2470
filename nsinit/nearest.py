"""The nearest known spelling of a mistyped word. Imports `difflib`, and only when asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint such as 'did you mean "restart"?', or nothing when no known word is near."""
    import difflib  # noqa: PLC0415  (5 ms, and only errors need it)

    cutoff = 0.5 if len(word) <= 4 else 0.6  # one slip in a short word is half of it
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=cutoff)
    return f'did you mean "{near[0]}"?' if near else ""
