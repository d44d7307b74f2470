"""Requests to the kernel's packet filter, by netlink. Knows no policy. See linux/nfnetlink.h."""

from __future__ import annotations

import _socket
import errno
import os
import struct
from typing import TYPE_CHECKING, Final

from nsinit.kernel import seam

if TYPE_CHECKING:
    from collections.abc import Iterator

NESTED: Final = 0x8000
_NETLINK_NETFILTER: Final = 12
_BATCH_BEGIN: Final = 16
_BATCH_END: Final = 17
_ERROR: Final = 2
_DONE: Final = 3
_REQUEST: Final = 1
_ACK: Final = 4
_DUMP: Final = 0x300
_HEADER: Final = struct.Struct("=IHHII")
_FAMILY: Final = struct.Struct(">BBH")
_ATTRIBUTE: Final = struct.Struct("=HH")
_PIECE: Final = 1 << 16  # bytes of one answer


def ask(kind: int, family: int, body: bytes, *, batch: int = 0) -> None:
    """One change; OSError if it is refused.

    Those of some subsystems come in a batch for that `batch`, which is taken as a whole.
    """
    request = _message(kind, _ACK, 2, family, 0, body)
    if batch:
        begin = _message(_BATCH_BEGIN, 0, 1, 0, batch)
        request = begin + request + _message(_BATCH_END, 0, 3, 0, batch)
    sock = _open()
    try:
        sock.send(request)
        for answer, content in _messages(sock.recv(_PIECE)):
            if answer == _ERROR and (number := -struct.unpack_from("=i", content)[0]):
                raise OSError(number, os.strerror(number))
    finally:
        sock.close()


def dump(kind: int, family: int = 0) -> Iterator[tuple[int, dict[int, bytes]]]:
    """The family and the attributes of each; nothing where the kernel has no such thing."""
    try:
        sock = _open()
    except OSError as error:
        if error.errno == errno.EPROTONOSUPPORT:
            return
        raise
    try:
        sock.send(_message(kind, _DUMP, 1, family, 0))
        while True:
            for answer, content in _messages(sock.recv(_PIECE)):
                if answer in (_DONE, _ERROR):
                    return
                yield content[0], attributes(content[_FAMILY.size :])
    finally:
        sock.close()


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


def _open() -> _socket.socket:
    seam.ask("netlink")
    kind = _socket.SOCK_RAW | _socket.SOCK_CLOEXEC
    return _socket.socket(_socket.AF_NETLINK, kind, _NETLINK_NETFILTER)


def _message(kind: int, flags: int, number: int, family: int, res: int, body: bytes = b"") -> bytes:
    content = _FAMILY.pack(family, 0, res) + body
    size = _HEADER.size + len(content)
    return _HEADER.pack(size, kind, flags | _REQUEST, number, 0) + content


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= _HEADER.size:
        length, kind = _HEADER.unpack_from(data)[:2]
        if length < _HEADER.size:
            return
        yield kind, data[_HEADER.size : length]
        data = data[length + -length % 4 :]
