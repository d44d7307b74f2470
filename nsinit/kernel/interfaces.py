"""Network interfaces: what init and its launcher do by themselves. Knows no policy.

Few and plain requests, each by a socket of its own: netdevice(7), rtnetlink(7). What makes
interfaces is in `nsinit.network`, for a process of its own.
"""

from __future__ import annotations

import _socket
import fcntl
import struct
from typing import Final

from nsinit.kernel import netlink, rtnetlink, seam
from nsinit.kernel.rtnetlink import Link, Netlink, Settings, inside

__all__ = ["addresses", "bring_up", "delete", "inside", "list_all", "move", "set_hairpin"]

_SIOCGIFFLAGS: Final = 0x8913
_SIOCSIFFLAGS: Final = 0x8914
_IFF_UP: Final = 1
_IFREQ: Final = struct.Struct("16sh22x")
_IFLA_PROTINFO: Final = 12 | 0x8000  # nested
_IFLA_BRPORT_MODE: Final = 4
_AF_BRIDGE: Final = 7


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


def list_all() -> list[Link]:
    """All interfaces of this network namespace."""
    with Netlink() as here:
        return list(here.links().values())


def addresses() -> list[str]:
    """Those of this network namespace that reach further than its cables: "10.0.0.2/24"."""
    with Netlink() as here:
        return [one.text for one in here.addresses()]


def delete(index: int) -> None:
    """Remove an interface, and with it the other end of a veth; OSError if that can't be."""
    with Netlink() as here:
        here.delete_link(index, f"the interface {index}")


def move(index: int, name: str, net: int) -> None:
    """Put an interface into the network namespace of an open file, under that name."""
    with Netlink() as here:
        here.change_link(index, f"move {name}", Settings(name=name, net=net))


def set_hairpin(index: int) -> None:
    """Let a port of a bridge get back what has come in by it (bridge(8), hairpin)."""
    body = rtnetlink.link(index, family=_AF_BRIDGE)
    mode = netlink.attribute(_IFLA_BRPORT_MODE, b"\1")
    with Netlink() as here:
        body += netlink.attribute(_IFLA_PROTINFO, mode)
        here.ask(rtnetlink.SET_LINK, body, f"set hairpin of the interface {index}")
