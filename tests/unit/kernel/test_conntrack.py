"""What the kernel tells of connections."""

from __future__ import annotations

import socket

from nsinit.kernel import conntrack, netlink

_UDP = netlink.attribute(1, bytes([socket.IPPROTO_UDP]))


def test_port_is_read_when_a_datagram_had_one() -> None:
    """In the order of the network."""
    inner = _UDP + netlink.attribute(3, b"\x00\x35")
    assert conntrack._udp_port(netlink.attribute(2, inner)) == 53


def test_port_is_none_when_the_kernel_tells_none() -> None:
    """Of a protocol without, or in a shape of tomorrow."""
    assert conntrack._udp_port(netlink.attribute(2, _UDP)) == -1
    assert conntrack._udp_port(b"") == -1
