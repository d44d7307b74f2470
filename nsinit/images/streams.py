"""The bytes of a layer as they are read: unpacked, counted, and summed up on the way.

A layer is read once. What is asked for is unpacked in pieces, so that a few bytes which stand for
terabytes fill neither memory nor disk.
"""

from __future__ import annotations

import hashlib
import zlib
from typing import TYPE_CHECKING, Any, Final, Protocol

from nsinit.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Callable

_PIECE: Final = 1 << 20  # bytes
_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_OTHERS: Final = {b"\xfd7zXZ\0": "xz", b"BZh": "bzip2", b"\x04\x22\x4d\x18": "lz4"}
_LONGEST_MAGIC: Final = 6


class Readable(Protocol):
    """An open file."""

    def read(self, size: int, /) -> bytes:
        """Up to that many bytes; none at the end."""


class Unpacked:
    """The plain bytes of a file that may be compressed, and the digests of both."""

    def __init__(
        self, raw: Readable, most: int, progress: Callable[[int], object] = lambda _: None
    ) -> None:
        """`most` bytes may come out of it; `progress` hears how many more went into it."""
        self._raw, self._most, self._progress = raw, most, progress
        self._packed_sum = hashlib.sha256()
        self._plain_sum = hashlib.sha256()
        self._first = self._take()
        self._unpacker = _unpacker(self._first)
        self._rest = b""  # packed bytes that were read and not yet unpacked
        self._plain = memoryview(b"")
        self.count = 0  # plain bytes so far

    def read(self, size: int) -> bytes:
        """That many bytes; fewer only at the end."""
        if size <= len(self._plain):
            made, self._plain = self._plain[:size], self._plain[size:]
            return bytes(made)
        parts = [self._plain]
        left = size - len(self._plain)
        self._plain = memoryview(b"")
        while left:
            piece = memoryview(self._more())
            if not piece:
                break
            parts.append(piece[:left])
            self._plain = piece[left:]
            left -= len(parts[-1])
        return b"".join(parts)

    def skip(self, size: int) -> None:
        """Go on behind that many bytes; they are counted all the same."""
        while size > 0:
            if not self._plain:
                self._plain = memoryview(self._more())
                if not self._plain:
                    return
            passed = min(size, len(self._plain))
            self._plain = self._plain[passed:]
            size -= passed

    def finish(self) -> tuple[str, str]:
        """Read to the end; the SHA-256 of the file as it is and of what was in it, in hex."""
        while self._more():
            continue
        return self._packed_sum.hexdigest(), self._plain_sum.hexdigest()

    def _take(self) -> bytes:
        data = self._raw.read(_PIECE)
        self._packed_sum.update(data)
        self._progress(len(data))
        return data

    def _more(self) -> bytes:
        """The next plain bytes; none at the end."""
        data = self._next_plain() if self._unpacker is None else self._next_unpacked()
        self._plain_sum.update(data)
        self.count += len(data)
        if self.count > self._most:
            raise ImageError("the image is larger than it may be", hint="see --max-size")
        return data

    def _next_plain(self) -> bytes:
        data, self._first = self._first or self._take(), b""
        return data

    def _next_unpacked(self) -> bytes:
        while True:
            packed, self._rest, self._first = self._rest or self._first, b"", b""
            if not packed and getattr(self._unpacker, "needs_input", True):
                packed = self._take()
            if self._unpacker.eof:
                packed = self._begin_again(packed)
                if not packed:
                    return b""
            try:
                plain: bytes = self._unpacker.decompress(packed, _PIECE)
            except Exception as error:  # noqa: BLE001  (zlib and zstd have one of their own each)
                raise ImageError(f"a layer is damaged: {error}") from None
            self._rest = self._left_over()
            if plain:
                return plain
            if not packed and not self._rest and not self._unpacker.eof:
                raise ImageError("a layer is damaged: it ends in the middle")

    def _begin_again(self, packed: bytes) -> bytes:
        """What follows the end of a compressed part: another one, or nothing but NULs."""
        while not (packed := packed.lstrip(b"\0")) or len(packed) < _LONGEST_MAGIC:
            more = self._take()
            packed += more
            if not more:
                break
        if packed:
            self._unpacker = _unpacker(packed)
            if self._unpacker is None:
                raise ImageError("a layer is damaged: something follows its compressed part")
        return packed

    def _left_over(self) -> bytes:
        unpacker = self._unpacker
        return bytes(unpacker.unused_data or getattr(unpacker, "unconsumed_tail", b""))


def _unpacker(begin: bytes) -> Any:  # noqa: ANN401  (zlib's objects and zstd's are of no one type)
    """What unpacks a file that begins so; None for plain bytes."""
    if begin.startswith(_GZIP):
        return zlib.decompressobj(wbits=31)
    if begin.startswith(_ZSTD):
        try:
            from compression import zstd  # type: ignore[import-not-found] # noqa: PLC0415  (Python 3.14)
        except ImportError:
            hint = "save it with gzip: skopeo copy --dest-compress-format gzip ..., or Python 3.14"
            raise ImageError("cannot unpack zstd with this Python", hint=hint) from None
        return zstd.ZstdDecompressor()
    for magic, name in _OTHERS.items():
        if begin.startswith(magic):
            raise ImageError(f"cannot unpack {name}: layers are plain, or packed by gzip or zstd")
    return None
