"""Connections that the kernel remembers: forgotten, so that new rules count for them too.

What is remembered of UDP keeps its way for as long as datagrams come: a sender that does not stop
would never get to a port that was published after it began. Knows no policy. See
linux/netfilter/nfnetlink_conntrack.h.
"""

from __future__ import annotations

import _socket
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from nsinit.kernel import netlink, nfnetlink

if TYPE_CHECKING:
    from collections.abc import Container

_SUBSYSTEM: Final = 1  # NFNL_SUBSYS_CTNETLINK
_GET: Final = _SUBSYSTEM << 8 | 1
_DELETE: Final = _SUBSYSTEM << 8 | 2
_ORIGINAL: Final = 1  # CTA_TUPLE_ORIG
_PROTOCOL: Final = 2  # CTA_TUPLE_PROTO
_NUMBER: Final = 1
_TO_PORT: Final = 3


def forget_udp(ports: Container[int]) -> None:
    """Forget what was sent to these ports of anybody; OSError where the kernel can't tell."""
    for version in (_socket.AF_INET, _socket.AF_INET6):
        for family, found in nfnetlink.dump(_GET, version):
            original = found.get(_ORIGINAL, b"")
            if _udp_port(original) in ports:
                body = netlink.attribute(_ORIGINAL | nfnetlink.NESTED, original)
                with suppress(OSError):  # it has just ended by itself
                    nfnetlink.ask(_DELETE, family, body)


def _udp_port(original: bytes) -> int:
    """Where a datagram was sent to; -1 for what is none."""
    protocol = netlink.attributes(netlink.attributes(original).get(_PROTOCOL, b""))
    port = protocol.get(_TO_PORT, b"")
    if protocol.get(_NUMBER) != bytes([_socket.IPPROTO_UDP]) or len(port) != 2:
        return -1
    return int.from_bytes(port, "big")
