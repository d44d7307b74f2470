"""Network interfaces: what init and its launcher do by themselves. Knows no policy.

Few and plain requests, by ioctl and rtnetlink: netdevice(7), rtnetlink(7). What makes interfaces
is in `nsinit.network`, for a process of its own: that takes many times the time and memory.
"""

from __future__ import annotations

import _socket
import fcntl
import os
import struct
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

from nsinit.kernel import libc, seam

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIOCGIFFLAGS: Final = 0x8913
_SIOCSIFFLAGS: Final = 0x8914
_IFF_UP: Final = 1
_IFREQ: Final = struct.Struct("16sh22x")


def bring_up(name: str) -> None:
    """Set an interface of this network namespace up; OSError if there is none of that name."""
    seam.ask("ioctl")
    # Of a family that is always there: the request is the same for all.
    sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_DGRAM | _socket.SOCK_CLOEXEC)
    try:
        answer = fcntl.ioctl(sock.fileno(), _SIOCGIFFLAGS, _IFREQ.pack(name.encode(), 0))
        flags = _IFREQ.unpack(answer)[1] | _IFF_UP
        fcntl.ioctl(sock.fileno(), _SIOCSIFFLAGS, _IFREQ.pack(name.encode(), flags))
    finally:
        sock.close()


@contextmanager
def inside(net: int) -> Iterator[int]:
    """Be in the network namespace of an open file; the value is a descriptor of one's own."""
    home = seam.open_fd("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        libc.setns(net, libc.CLONE_NEWNET)
        try:
            yield home
        finally:
            libc.setns(home, libc.CLONE_NEWNET)
    finally:
        os.close(home)


# --- rtnetlink(7) ---------------------------------------------------------------------------------

_RTM_NEWLINK: Final = 16
_RTM_DELLINK: Final = 17
_RTM_GETLINK: Final = 18
_RTM_SETLINK: Final = 19
_RTM_GETADDR: Final = 22
_NLMSG_ERROR: Final = 2
_NLMSG_DONE: Final = 3
_NLM_F_REQUEST: Final = 1
_NLM_F_ACK: Final = 4
_NLM_F_DUMP: Final = 0x300
_IFLA_ADDRESS: Final = 1
_IFLA_IFNAME: Final = 3
_IFLA_MASTER: Final = 10
_IFLA_NET_NS_FD: Final = 28
_IFA_ADDRESS: Final = 1
_IFA_LOCAL: Final = 2
_IFLA_PROTINFO: Final = 12 | 0x8000  # nested
_IFLA_BRPORT_MODE: Final = 4
_AF_BRIDGE: Final = 7
_HEADER: Final = struct.Struct("=IHHII")
_LINK: Final = struct.Struct("=BxHiII")
_ADDRESS: Final = struct.Struct("=BBBBI")
_ATTRIBUTE: Final = struct.Struct("=HH")
_PIECE: Final = 1 << 16  # bytes of one answer: the kernel fills at most 32 KiB


class Interface(NamedTuple):
    """An interface of this network namespace."""

    number: int  # its index
    name: str
    mac: str  # "" if it has none
    master: int  # the index of the bridge that it is a port of; 0: of none


def list_all() -> list[Interface]:
    """All interfaces of this network namespace."""
    request = _LINK.pack(_socket.AF_UNSPEC, 0, 0, 0, 0)
    found = []
    for body in _talk(_RTM_GETLINK, _NLM_F_DUMP, request):
        index = _LINK.unpack_from(body)[2]
        parts = dict(_attributes(body[_LINK.size :]))
        name = parts.get(_IFLA_IFNAME, b"").rstrip(b"\0").decode("utf-8", "surrogateescape")
        master = int.from_bytes(parts.get(_IFLA_MASTER, b""), sys.byteorder)
        found.append(Interface(index, name, parts.get(_IFLA_ADDRESS, b"").hex(":"), master))
    return found


def addresses() -> list[str]:
    """Those of this network namespace that reach further than its cables: "10.0.0.2/24"."""
    found = []
    for body in _talk(_RTM_GETADDR, _NLM_F_DUMP, _ADDRESS.pack(_socket.AF_UNSPEC, 0, 0, 0, 0)):
        family, length, _, scope, _ = _ADDRESS.unpack_from(body)
        parts = dict(_attributes(body[_ADDRESS.size :]))
        data = parts.get(_IFA_LOCAL) or parts.get(_IFA_ADDRESS)
        if scope == 0 and data is not None:
            found.append(f"{_socket.inet_ntop(family, data)}/{length}")
    return found


def delete(index: int) -> None:
    """Remove an interface, and with it the other end of a veth; OSError if that can't be."""
    _talk(_RTM_DELLINK, _NLM_F_ACK, _LINK.pack(_socket.AF_UNSPEC, 0, index, 0, 0))


def move(index: int, name: str, net: int) -> None:
    """Put an interface into the network namespace of an open file, under that name."""
    body = _LINK.pack(_socket.AF_UNSPEC, 0, index, 0, 0)
    body += _attribute(_IFLA_NET_NS_FD, struct.pack("=I", net))
    body += _attribute(_IFLA_IFNAME, name.encode() + b"\0")
    _talk(_RTM_NEWLINK, _NLM_F_ACK, body)


def set_hairpin(index: int) -> None:
    """Let a port of a bridge get back what has come in by it (bridge(8), hairpin)."""
    body = _LINK.pack(_AF_BRIDGE, 0, index, 0, 0)
    body += _attribute(_IFLA_PROTINFO, _attribute(_IFLA_BRPORT_MODE, b"\1"))
    _talk(_RTM_SETLINK, _NLM_F_ACK, body)


def _attribute(kind: int, data: bytes) -> bytes:
    length = _ATTRIBUTE.size + len(data)
    return _ATTRIBUTE.pack(length, kind) + data + bytes(-length % 4)


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(data)
        if length < _ATTRIBUTE.size:
            return
        yield kind & 0x3FFF, data[_ATTRIBUTE.size : length]
        data = data[length + -length % 4 :]


def _talk(kind: int, flags: int, body: bytes) -> list[bytes]:
    """One request, and the bodies of its answers; OSError with what the kernel says."""
    seam.ask("netlink")
    sock = _socket.socket(_socket.AF_NETLINK, _socket.SOCK_RAW | _socket.SOCK_CLOEXEC, 0)
    bodies: list[bytes] = []
    try:
        size = _HEADER.size + len(body)
        sock.send(_HEADER.pack(size, kind, flags | _NLM_F_REQUEST, 1, 0) + body)
        while True:
            data = sock.recv(_PIECE)
            while len(data) >= _HEADER.size:
                length, answer = _HEADER.unpack_from(data)[:2]
                content, data = data[_HEADER.size : length], data[length + -length % 4 :]
                if answer == _NLMSG_ERROR:
                    number = -struct.unpack_from("=i", content)[0]
                    if number:
                        raise OSError(number, os.strerror(number))
                    return bodies
                if answer == _NLMSG_DONE:
                    return bodies
                bodies.append(content)
    finally:
        sock.close()
