"""Network interfaces by ioctl, where netlink would be too much. Knows no policy. netdevice(7)."""

from __future__ import annotations

import _socket
import fcntl
import struct
from typing import Final

from nsinit.kernel import seam

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
