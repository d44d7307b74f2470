"""New inputs from those that there are: by chance, but by a seed, so that a run can be had again.

Besides single bytes it changes what parsers count and nest: it repeats a piece up to the size that
an input may have, which is what shows an algorithm that blows up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

T = TypeVar("T")

_NUMBERS: Final = (
    b"0", b"-1", b"1", b"00", b"65536", b"4294967296", b"9223372036854775808", b"1e400",
    b"99999999999999999999", b"0x10", b"1_0", "\u0663".encode(), "\u00b2".encode(), b"9" * 5000,
)  # fmt: skip
_ODD: Final = (
    b"\0", b"\n", b"\r\n", b"\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80", "\u2028".encode(), b" ",
    b"\t", b"\x1b", b"=", b":", b'"', b"'", b"\\", b"$", b"${", b"%", b"[", b"]", b"{", b"}",
    b",", b";", b"#", b"/", b"..", b"\x80", "\U0001f600".encode(), b"\x7f",
)  # fmt: skip


class Mutator:
    """Makes inputs of at most `most` bytes from a pool that grows."""

    def __init__(self, random: Random, words: Sequence[bytes], most: int) -> None:
        self._chance = random.random  # times a number: several times as fast as `randrange`
        self._most = most
        self._words = [*words, *_ODD, *_NUMBERS]
        self._ways: Final[tuple[Callable[[bytearray, Sequence[bytes]], object], ...]] = (
            self._flip, self._replace, self._insert_word, self._insert_word, self._overwrite,
            self._remove, self._double, self._splice, self._swap, self._repeat,
        )  # fmt: skip

    def make(self, pool: Sequence[bytes]) -> bytes:
        """Another one."""
        made = bytearray(self._one_of(pool))
        for _ in range(1 << self._below(4)):
            self._one_of(self._ways)(made, pool)
        return bytes(made[: self._most])

    def _below(self, end: int) -> int:
        return int(self._chance() * end)

    def _one_of(self, some: Sequence[T]) -> T:
        return some[int(self._chance() * len(some))]

    def _place(self, data: bytearray) -> int:
        return self._below(len(data) + 1)

    def _span(self, data: bytearray) -> slice:
        start = self._place(data)
        return slice(start, start + 1 + self._below(32))

    def _flip(self, data: bytearray, _: Sequence[bytes]) -> None:
        if data:
            data[self._below(len(data))] ^= 1 << self._below(8)

    def _replace(self, data: bytearray, _: Sequence[bytes]) -> None:
        if data:
            data[self._below(len(data))] = self._below(256)

    def _insert_word(self, data: bytearray, _: Sequence[bytes]) -> None:
        at = self._place(data)
        data[at:at] = self._one_of(self._words)

    def _overwrite(self, data: bytearray, _: Sequence[bytes]) -> None:
        word = self._one_of(self._words)
        at = self._place(data)
        data[at : at + len(word)] = word

    def _remove(self, data: bytearray, _: Sequence[bytes]) -> None:
        del data[self._span(data)]

    def _double(self, data: bytearray, _: Sequence[bytes]) -> None:
        at = self._place(data)
        data[at:at] = data[self._span(data)]

    def _splice(self, data: bytearray, pool: Sequence[bytes]) -> None:
        other = self._one_of(pool)
        cut = self._below(len(other) + 1)
        data[self._place(data) :] = other[cut:]

    def _swap(self, data: bytearray, _: Sequence[bytes]) -> None:
        """Two lines, as what is in the right place may not be in another."""
        lines = bytes(data).split(b"\n")
        one, other = (self._below(len(lines)) for _ in range(2))
        lines[one], lines[other] = lines[other], lines[one]
        data[:] = b"\n".join(lines)

    def _repeat(self, data: bytearray, _: Sequence[bytes]) -> None:
        """Rarely very often: a large input takes long, and is seldom of more use."""
        piece = bytes(data[self._span(data)]) or self._one_of(self._words)
        room = max(self._most - len(data), 0) // len(piece)
        count = room if not self._below(64) else min(room, 1 << self._below(6))
        at = self._place(data)
        data[at:at] = piece * count
