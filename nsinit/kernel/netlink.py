"""How messages of every netlink(7) protocol are put together and taken apart. Knows no policy."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

ERROR: Final = 2
DONE: Final = 3
HEADER: Final = struct.Struct("=IHHII")  # length, kind, flags, number, port
_ATTRIBUTE: Final = struct.Struct("=HH")


def attribute(kind: int, data: bytes) -> bytes:
    """One, as it is sent."""
    length = _ATTRIBUTE.size + len(data)
    return _ATTRIBUTE.pack(length, kind) + data + bytes(-length % 4)


def attributes(data: bytes) -> dict[int, bytes]:
    """All that are in an answer, or in another attribute."""
    found = {}
    while len(data) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(data)
        if length < _ATTRIBUTE.size:
            break
        found[kind & 0x3FFF] = data[_ATTRIBUTE.size : length]
        data = data[length + -length % 4 :]
    return found


def messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The kind and the content of each that came in one piece."""
    while len(data) >= HEADER.size:
        length, kind = HEADER.unpack_from(data)[:2]
        if length < HEADER.size:
            return
        yield kind, data[HEADER.size : length]
        data = data[length + -length % 4 :]
