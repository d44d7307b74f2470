"""What can be wrong in a configuration, with its place."""

from __future__ import annotations

from nsinit.named import Named


class Problem(Named):
    """One thing that is wrong in the configuration, with its place."""

    file: str
    line: int
    path: str
    message: str
    hint: str = ""
    excerpt: str = ""  # the line itself, and what points at the place in it

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " if self.line else f"{self.file}: "
        key = f"{self.path}: " if self.path else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place}{key}{self.message}{hint}"
