"""Reads tar archives: headers of every kind that images have, one entry after the other.

Ours and not the standard library's, as an archive may be anybody's: nothing here trusts a number in
it, no header is read into memory whatever its size, and what can't be right is an error, not a
guess. Sources: tar(5) of libarchive, pax in POSIX.1-2008, "Basic Tar Format" and "Sparse Formats"
of the GNU tar manual.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Protocol

from nsinit.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Kind = Literal["file", "directory", "symlink", "link", "char", "block", "fifo"]
BLOCK: Final = 512  # bytes
_EXTENDED_MAX: Final = 1 << 20  # bytes of all extended headers of an entry: names, attributes
_NAME_MAX: Final = 4096  # characters, more than any path has (PATH_MAX)
_PIECES_MAX: Final = 1 << 16  # of a sparse file
_PIECE: Final = 1 << 20  # bytes of data that are handed out at once
_KINDS: Final[dict[bytes, Kind]] = {
    b"\0": "file", b"0": "file", b"7": "file", b"S": "file", b"1": "link", b"2": "symlink",
    b"3": "char", b"4": "block", b"5": "directory", b"6": "fifo",
}  # fmt: skip
_XATTR: Final = "SCHILY.xattr."
_SPARSE: Final = "GNU.sparse."

Pieces = tuple[tuple[int, int], ...]  # offset and length


class Stream(Protocol):
    """Where an archive comes from."""

    def read(self, size: int) -> bytes:
        """That many bytes; fewer only at the end."""

    def skip(self, size: int) -> None:
        """Go on behind that many bytes, or to the end."""


class Entry(NamedTuple):
    """One thing in an archive. Sizes are bytes, `mtime` is in ns since the epoch."""

    name: str
    kind: Kind
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    mtime: int = 0
    size: int = 0  # of the file that it is to become
    link: str = ""
    device: tuple[int, int] = (0, 0)
    xattrs: Mapping[str, bytes] = {}
    pieces: Pieces | None = None  # of a sparse file: where its data belong


class TarReader:
    """The entries of one archive, in order; the data of each before the next is asked for."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._left = 0  # bytes of data of the current entry
        self._padding = 0
        self.at = 0  # bytes that were read or skipped

    def entries(self) -> Iterator[Entry]:
        """Each of them; ImageError where the archive makes no sense."""
        while True:
            self._skip(self._left + self._padding)
            self._left = self._padding = 0
            entry = self._next()
            if entry is None:
                return
            yield entry

    def data(self) -> Iterator[bytes]:
        """What is stored of the current entry: of a sparse file its pieces, without the holes."""
        while self._left:
            piece = self._read(min(self._left, _PIECE))
            self._left -= len(piece)
            yield piece

    def _read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self.at += len(data)
        if len(data) != size:
            raise ImageError("the archive ends in the middle of an entry")
        return data

    def _skip(self, size: int) -> None:
        self._stream.skip(size)
        self.at += size

    def _next(self) -> Entry | None:
        pax: list[tuple[str, bytes]] = []
        long: dict[bytes, str] = {}
        left = _EXTENDED_MAX
        while True:
            head = self._stream.read(BLOCK)
            self.at += len(head)
            if not head or head == bytes(BLOCK):
                if pax or long:
                    raise ImageError("the archive ends behind an extended header")
                return None
            _check(head)
            kind = head[156:157]
            if kind == b"g":  # of the archive, as git writes it; it says nothing of files
                self._extended(head, _EXTENDED_MAX)
            elif kind in (b"x", b"X"):
                data = self._extended(head, left)
                left -= len(data)
                pax += _records(data)
            elif kind in (b"L", b"K"):
                long[kind] = _text(self._extended(head, left))
            else:
                return self._entry(head, pax, long)

    def _extended(self, head: bytes, most: int) -> bytes:
        size = _number(head[124:136])
        if not 0 <= size <= most:
            raise ImageError(f"an extended header of {size} bytes is in the archive")
        data = self._read(size)
        self._skip(-size % BLOCK)
        return data

    def _entry(self, head: bytes, pax: list[tuple[str, bytes]], long: dict[bytes, str]) -> Entry:
        words = {key: value for key, value in pax if value}
        kind = _KINDS.get(head[156:157])
        name = _text(words[key]) if (key := "path") in words else long.get(b"L") or _name(head)
        link = _text(words["linkpath"]) if "linkpath" in words else long.get(b"K")
        if kind is None:
            raise ImageError(f"cannot use {name!r}: an entry of the type {head[156:157]!r}")
        if kind == "file" and name.endswith("/"):
            kind = "directory"  # as before there was a type for it
        size = _decimal(words["size"]) if "size" in words else _number(head[124:136])
        if size < 0:
            raise ImageError(f"{name!r} has a size of {size} bytes in the archive")
        stored = size if kind == "file" else 0
        self._left, self._padding = stored, -stored % BLOCK
        pieces: Pieces | None = None
        if kind == "file":
            size, pieces = self._sparse(head, pax, words, size)
            name = _text(words.get(f"{_SPARSE}name", b"")) or name
        for text in (name, link or ""):
            if len(text) > _NAME_MAX:
                raise ImageError(f"a name of {len(text)} characters is in the archive")
        mtime = _nanoseconds(words["mtime"]) if "mtime" in words else _number(head[136:148]) * 10**9
        return Entry(
            name,
            kind,
            _number(head[100:108]) & 0o7777,
            _decimal(words["uid"]) if "uid" in words else _number(head[108:116]),
            _decimal(words["gid"]) if "gid" in words else _number(head[116:124]),
            mtime,
            size if kind == "file" else 0,
            link if link is not None else _text(head[157:257]),
            (_number(head[329:337]), _number(head[337:345]))
            if kind in ("char", "block")
            else (0, 0),
            {key.removeprefix(_XATTR): value for key, value in pax if key.startswith(_XATTR)},
            pieces,
        )

    # --- Sparse files -----------------------------------------------------------------------------

    def _sparse(
        self, head: bytes, pax: list[tuple[str, bytes]], words: Mapping[str, bytes], size: int
    ) -> tuple[int, Pieces | None]:
        """How large the file is to be, and where its pieces belong; no pieces: it has no holes."""
        if head[156:157] == b"S":
            numbers, real = self._old_map(head), _number(head[483:495])
        elif words.get(f"{_SPARSE}major") == b"1":
            numbers = self._map_in_data()
            real = _decimal(words.get(f"{_SPARSE}realsize", b""))
        elif f"{_SPARSE}map" in words:
            numbers = [_decimal(word) for word in words[f"{_SPARSE}map"].split(b",")]
            real = _decimal(words.get(f"{_SPARSE}size", b""))
        elif f"{_SPARSE}size" in words:
            keys = (f"{_SPARSE}offset", f"{_SPARSE}numbytes")
            numbers = [_decimal(value) for key, value in pax if key in keys]
            real = _decimal(words[f"{_SPARSE}size"])
        else:
            return size, None
        pieces = tuple(zip(numbers[::2], numbers[1::2], strict=len(numbers) % 2 == 0))
        end = 0
        for offset, length in pieces:
            if offset < end or length < 0:
                raise ImageError("the pieces of a sparse file overlap in the archive")
            end = offset + length
        if end > real or sum(length for _, length in pieces) != self._left or len(numbers) % 2:
            raise ImageError("the pieces of a sparse file do not fit in the archive")
        return real, pieces

    def _old_map(self, head: bytes) -> list[int]:
        """Of GNU tar before pax: four pieces in the header, 21 in each block that follows it."""
        numbers: list[int] = []
        block, count, more = head[386:482], 4, head[482]
        while True:
            for at in range(0, count * 24, 24):
                if block[at + 12 : at + 24].strip(b"\0 "):
                    numbers += (_number(block[at : at + 12]), _number(block[at + 12 : at + 24]))
            if not more:
                return numbers
            if len(numbers) > 2 * _PIECES_MAX:
                raise ImageError("a sparse file has too many pieces in the archive")
            block = self._read(BLOCK)
            count, more = 21, block[504]

    def _map_in_data(self) -> list[int]:
        """Of format 1.0: decimal lines, how many pieces and then those, at the head of the data."""
        text, lines, wanted = bytearray(), 0, -1
        while wanted < 0 or lines < wanted + 1:
            if self._left < BLOCK or len(text) > 64 * _PIECES_MAX:
                raise ImageError("the map of a sparse file does not end in the archive")
            block = self._read(BLOCK)
            self._left -= BLOCK
            text += block
            lines += block.count(b"\n")
            if wanted < 0 and lines:
                wanted = 2 * _decimal(bytes(text.partition(b"\n")[0]))
                if wanted > 2 * _PIECES_MAX:
                    raise ImageError("a sparse file has too many pieces in the archive")
        return [_decimal(bytes(line)) for line in text.split(b"\n")[1 : wanted + 1]]


def _check(head: bytes) -> None:
    if len(head) != BLOCK:
        raise ImageError("the archive ends in the middle of a header")
    told = head[148:156].strip(b"\0 ")
    wanted = int(told, 8) if told and not told.strip(b"01234567") else -1
    plain = head[:148] + b" " * 8 + head[156:]
    # Some old writers have summed up signed bytes.
    if wanted != sum(plain) and wanted != sum(plain) - 256 * sum(byte > 127 for byte in plain):
        raise ImageError("this is no tar archive, or it is damaged")


def _number(field: bytes) -> int:
    """Octal digits, or a binary number that begins with a set bit (GNU)."""
    if field[0] & 0x80:
        if field[0] == 0xFF:
            return int.from_bytes(field, "big", signed=True)
        return int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
    digits = field.partition(b"\0")[0].strip()
    if digits.strip(b"01234567"):
        raise ImageError(f"{digits!r} is no number in a tar archive")
    return int(digits, 8) if digits else 0


def _decimal(word: bytes) -> int:
    if not word.isdigit() or len(word) > 20:
        raise ImageError(f"{word[:40]!r} is no number in a tar archive")
    return int(word)


def _nanoseconds(word: bytes) -> int:
    """Of "1350244992.023960108", which a float would not hold."""
    whole, _, part = word.removeprefix(b"-").partition(b".")
    if part and not part.isdigit():
        raise ImageError(f"{word[:40]!r} is no time in a tar archive")
    made = _decimal(whole or b"0") * 10**9 + int((part + b"0" * 9)[:9])
    return -made if word.startswith(b"-") else made


def _name(head: bytes) -> str:
    name = head[:100].partition(b"\0")[0]
    prefix = head[345:500].partition(b"\0")[0] if head[257:263] == b"ustar\0" else b""
    return _text(prefix + b"/" + name if prefix else name)


def _text(raw: bytes) -> str:
    """Names are bytes; up to the first NUL where a field is filled up with them."""
    raw = raw.rstrip(b"\0") if raw[-1:] == b"\0" else raw
    return os.fsdecode(raw.partition(b"\0")[0])


def _records(data: bytes) -> list[tuple[str, bytes]]:
    """The "LENGTH KEY=VALUE" lines of a pax header; the length counts the whole line."""
    made: list[tuple[str, bytes]] = []
    at = 0
    while at < len(data):
        space = data.find(b" ", at, at + 12)
        length = _decimal(data[at:space]) if space > 0 else 0
        line = data[space + 1 : at + length]
        key, mark, value = line[:-1].partition(b"=")
        if length < 5 or at + length > len(data) or not mark or line[-1:] != b"\n":
            raise ImageError("a pax header of the archive is damaged")
        name = key.decode("utf-8", "surrogateescape")
        if "\0" in name or (b"\0" in value and not name.startswith(_XATTR)):
            raise ImageError(f"the {name} of an entry of the archive has a NUL")
        made.append((name, value))
        at += length
    return made
