"""Cutting streams of bytes into whole lines, a block at a time. Pure.

Nothing here looks at each line: blocks of lines pass as they are, found by `rfind`.
"""

from __future__ import annotations

from nsinit.named import Named


class Block(Named):
    """Whole lines, each with its newline. Lines over the limit were cut into several blocks."""

    data: bytes
    goes_on: bool = False  # its last line is a piece that the next block continues
    continues: bool = False  # its first line continues the last block
    unended: bool = False  # its last line had no newline: the stream or the run ended there


class LineCutter:
    """One stream; keeps the beginning of a line until its end has come."""

    __slots__ = ("_continues", "_rest", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = max(limit, 1)
        self._rest = b""
        self._continues = False

    def feed(self, data: bytes | bytearray, size: int | None = None) -> list[Block]:
        """The whole lines that these bytes complete, or the first `size` of them.

        They are copied once, so `data` may be a buffer that is used again.
        """
        stop = len(data) if size is None else size
        end = data.rfind(b"\n", 0, stop) + 1
        before, blocks = self._rest, list[Block]()
        with memoryview(data) as view:
            if end:
                self._rest = bytes(view[end:stop])
                self._cut(b"".join((before, view[:end])), blocks)
            else:
                self._rest = b"".join((before, view[:stop]))
        if len(self._rest) > self.limit:
            self._cut_rest(blocks)
        return blocks

    def flush(self) -> list[Block]:
        """What is left of a stream that has ended, as a line."""
        rest, self._rest = self._rest, b""
        return [self._block(rest + b"\n")._replace(unended=True)] if rest else []

    def export(self) -> tuple[bytes, bool]:
        """The beginning of a line that has no end yet, and whether that continues a piece."""
        return self._rest, self._continues

    def adopt(self, rest: bytes, *, continues: bool) -> None:
        """Go on where another cutter was."""
        self._rest, self._continues = rest, continues

    def _cut(self, data: bytes, blocks: list[Block]) -> None:
        """Whole lines, but none longer than the limit."""
        start = at = 0
        while len(data) - at > self.limit + 1:
            newline = data.rfind(b"\n", at, at + self.limit + 1)
            if newline >= 0:
                at = newline + 1
                continue
            if at > start:
                blocks.append(self._block(data[start:at]))
            self._piece(data[at : at + self.limit], blocks)
            start = at = at + self.limit
        blocks.append(self._block(data[start:]))

    def _cut_rest(self, blocks: list[Block]) -> None:
        """The beginning of a line that is too long already."""
        rest, at = self._rest, 0
        while len(rest) - at > self.limit:
            self._piece(rest[at : at + self.limit], blocks)
            at += self.limit
        self._rest = rest[at:]

    def _piece(self, data: bytes, blocks: list[Block]) -> None:
        blocks.append(Block(data + b"\n", goes_on=True, continues=self._continues))
        self._continues = True

    def _block(self, data: bytes) -> Block:
        made = Block(data, continues=self._continues)
        self._continues = False
        return made


def with_prefix(block: Block, prefix: bytes, continued: bytes) -> bytes:
    """The lines with `prefix` before each; before the rest of a cut line it is `continued`."""
    first = continued if block.continues else prefix
    return prefix_lines(block.data, first, prefix)


def prefix_lines(data: bytes, first: bytes, other: bytes) -> bytes:
    """Whole lines with `first` before the first of them, and `other` before each of the others."""
    body = data.replace(b"\n", b"\n" + other)
    end = len(body) - len(other)  # nothing comes after the last
    return b"".join((first, memoryview(body)[:end]))
