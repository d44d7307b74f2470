"""Faults that whoever tests init changes while it runs: a plan in memory that both share.

Init, what it forks and the init after a re-exec count their calls on the same board, so a plan
says "the third call from now on", whoever makes it, and the test sees whether it was made at all.
"""

from __future__ import annotations

import mmap
import struct
from typing import TYPE_CHECKING, Final

from nsinit.kernel import seam

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD: Final = struct.Struct("=QQ")  # how often the plan was changed, and its length (bytes)
_TEXT: Final = 4096  # bytes, those of the head among them
_ROW: Final = struct.Struct("=112sQQ")  # a name, its calls, and those that failed
_ROWS: Final = 1024
SIZE: Final = _TEXT + _ROWS * _ROW.size


class Board:
    """A file of SIZE bytes; `seam.inject` takes one."""

    def __init__(self, path: str) -> None:
        with open(path, "r+b") as file:
            self._memory = mmap.mmap(file.fileno(), SIZE)
        self._seen = -1
        self._plan = seam.Plan("")
        self._at: dict[str, int] = {}  # where the row of a name is

    def write(self, text: str) -> None:
        """Let another plan hold from now on, and count anew."""
        raw = text.encode()
        changes, _ = _HEAD.unpack_from(self._memory)
        self._memory[_TEXT:] = bytes(SIZE - _TEXT)
        self._memory[_HEAD.size : _HEAD.size + len(raw)] = raw
        _HEAD.pack_into(self._memory, 0, changes + 1, len(raw))

    def rows(self) -> Iterator[tuple[str, int, int]]:
        """Since then: the names that were called, how often, and how often that has failed."""
        for index in range(_ROWS):
            raw, calls, failed = _ROW.unpack_from(self._memory, _TEXT + index * _ROW.size)
            if not calls:
                return
            yield raw.rstrip(b"\0").decode(), calls, failed

    def failures(self, name: str) -> int:
        """How many calls of that name have failed since then."""
        return sum(failed for one, _, failed in self.rows() if one == name)

    def __call__(self, name: str) -> None:
        """Count a call, and raise what is planned for it."""
        changes, size = _HEAD.unpack_from(self._memory)
        if changes != self._seen:
            self._seen = changes
            self._plan = seam.Plan(self._memory[_HEAD.size : _HEAD.size + size].decode())
            self._at.clear()
        for one in (name, "*"):
            at = self._at.get(one) or self._find(one)
            raw, calls, failed = _ROW.unpack_from(self._memory, at)
            _ROW.pack_into(self._memory, at, raw, calls + 1, failed)
            try:
                self._plan.strike(one, calls + 1)
            except BaseException:
                _ROW.pack_into(self._memory, at, raw, calls + 1, failed + 1)
                raise

    def _find(self, name: str) -> int:
        """The row of a name, or the first that is free."""
        wanted = name.encode()[:112]
        for at in range(_TEXT, SIZE, _ROW.size):
            raw, calls, _ = _ROW.unpack_from(self._memory, at)
            if not calls:
                _ROW.pack_into(self._memory, at, wanted, 0, 0)
            if not calls or raw.rstrip(b"\0") == wanted:
                self._at[name] = at
                return at
        raise LookupError(name)
