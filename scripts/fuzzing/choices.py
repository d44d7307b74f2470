"""Decisions made by bytes: how an input without a structure becomes something that has one."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")


class Choices:
    """Reads an input from its beginning; when there is no more, every choice is the first."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        """Bytes that no choice has used so far."""
        return len(self._data) - self._at

    def number(self, most: int) -> int:
        """From 0 to `most`."""
        made = 0
        for _ in range((most.bit_length() + 7) // 8):
            made = made << 8 | self._byte()
        return made % (most + 1)

    def _byte(self) -> int:
        if self._at >= len(self._data):
            return 0
        self._at += 1
        return self._data[self._at - 1]

    def pick(self, some: Sequence[T]) -> T:
        """One of them."""
        return some[self.number(len(some) - 1)]

    def raw(self, most: int) -> bytes:
        """Up to so many bytes."""
        size = self.number(most)
        made = self._data[self._at : self._at + size]
        self._at += len(made)
        return made

    def text(self, most: int) -> str:
        """Text of up to so many bytes, some of which may be no UTF-8."""
        return self.raw(most).decode("utf-8", "surrogateescape")

    def rest(self) -> bytes:
        """All that is left."""
        made, self._at = self._data[self._at :], len(self._data)
        return made

    def cut(self, data: bytes, pieces: int = 8) -> list[bytes]:
        """The data in some pieces, as a stream may bring them."""
        made: list[bytes] = []
        for _ in range(self.number(pieces)):
            at = self.number(max(len(data), 1))
            made.append(data[:at])
            data = data[at:]
        return [*made, data]
