"""Words as shells read them: for the functions that complete."""

from __future__ import annotations


def zsh_word(text: str) -> str:
    """One word of zsh, and of bash."""
    return "'" + text.replace("'", "'\\''") + "'"


def fish_word(text: str) -> str:
    """One word of fish, where a backslash escapes a quote within quotes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
