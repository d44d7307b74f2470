"""Requests to the kernel's packet filter, by netlink. Knows no policy. See linux/nfnetlink.h."""

from __future__ import annotations

import _socket
import errno
import os
import struct
from typing import TYPE_CHECKING, Final

from nsinit.kernel import seam
from nsinit.kernel.netlink import DONE, ERROR, HEADER, attributes, messages

if TYPE_CHECKING:
    from collections.abc import Iterator

NESTED: Final = 0x8000
_NETLINK_NETFILTER: Final = 12
_BATCH_BEGIN: Final = 16
_BATCH_END: Final = 17
_REQUEST: Final = 1
_ACK: Final = 4
_DUMP: Final = 0x300
_FAMILY: Final = struct.Struct(">BBH")
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
        for answer, content in messages(sock.recv(_PIECE)):
            if answer == ERROR and (number := -struct.unpack_from("=i", content)[0]):
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
            for answer, content in messages(sock.recv(_PIECE)):
                if answer in (DONE, ERROR):
                    return
                yield content[0], attributes(content[_FAMILY.size :])
    finally:
        sock.close()


def _open() -> _socket.socket:
    seam.ask("netlink")
    kind = _socket.SOCK_RAW | _socket.SOCK_CLOEXEC
    return _socket.socket(_socket.AF_NETLINK, kind, _NETLINK_NETFILTER)


def _message(kind: int, flags: int, number: int, family: int, res: int, body: bytes = b"") -> bytes:
    content = _FAMILY.pack(family, 0, res) + body
    size = HEADER.size + len(content)
    return HEADER.pack(size, kind, flags | _REQUEST, number, 0) + content
