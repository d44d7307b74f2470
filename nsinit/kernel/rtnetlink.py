"""Links, addresses and routes of a network namespace, by rtnetlink(7). Knows no policy.

A few plain messages in an encoding of one's own: a package that knows all of them takes longer to
load than the whole network takes to make. See linux/rtnetlink.h, linux/if_link.h, ip-link(8).
"""

from __future__ import annotations

import _socket
import os
import struct
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, Self

from nsinit.kernel import libc, seam
from nsinit.kernel.netlink import DONE, ERROR, HEADER, attribute, attributes, messages
from nsinit.named import Named

if TYPE_CHECKING:
    from collections.abc import Iterator

NEW_LINK: Final = 16
DEL_LINK: Final = 17
_GET_LINK: Final = 18
SET_LINK: Final = 19
_NEW_ADDRESS: Final = 20
_GET_ADDRESS: Final = 22
_NEW_ROUTE: Final = 24
_GET_ROUTE: Final = 26
_REQUEST_ACK: Final = 0x5
_CREATE_EXCL: Final = 0x600
_DUMP: Final = 0x301
_HAS_WORDS: Final = 0x200  # NLM_F_ACK_TLVS
_WORDS: Final = 1  # NLMSGERR_ATTR_MSG

_IFLA_ADDRESS: Final = 1
_IFLA_IFNAME: Final = 3
_IFLA_MTU: Final = 4
_IFLA_LINK: Final = 5
_IFLA_MASTER: Final = 10
_IFLA_LINKINFO: Final = 18
_IFLA_IFALIAS: Final = 20
_IFLA_NET_NS_FD: Final = 28
_INFO_KIND: Final = 1
_INFO_DATA: Final = 2
_VETH_PEER: Final = 1
_MACVLAN_MODE: Final = 1
_MACVLAN_BRIDGE: Final = 4  # those on one parent can talk with each other
_IFA_ADDRESS: Final = 1
_IFA_LOCAL: Final = 2
_IFA_BROADCAST: Final = 4
_RTA_DST: Final = 1
_RTA_OIF: Final = 4
_RTA_GATEWAY: Final = 5

_IFF_UP: Final = 1
_NODAD: Final = 2  # IFA_F_NODAD: nobody else has the address, so it can be used at once
_MAIN, _STATIC, _UNIVERSE, _UNICAST = 254, 4, 0, 1  # of a route
_SOL_NETLINK: Final = 270
_EXT_ACK: Final = 11
_CAP_ACK: Final = 10  # an error does not come with the whole request
_LINK: Final = struct.Struct("=BxHiII")
_ADDRESS: Final = struct.Struct("=BBBBI")
_ROUTE: Final = struct.Struct("=BBBBBBBBI")
_PIECE: Final = 1 << 17  # bytes of one answer: the kernel fills at most 32 KiB


class Link(Named):
    """An interface."""

    number: int  # its index
    name: str
    kind: str  # "bridge", "veth", ...; "" for hardware
    is_up: bool
    mac: str  # "" if it has none
    master: int  # the index of the bridge that it is a port of; 0: of none


class Address(Named):
    """One that reaches further than the cable of its interface."""

    number: int  # the index of its interface
    text: str  # "10.0.0.2/24"


class Settings(Named):
    """What an interface is given; what is left out stays as it is, or as it is usual."""

    name: str = ""
    mtu: int = 0
    mac: str = ""
    parent: int = 0  # the index of the one below it
    master: int = 0  # of the bridge above
    alias: str = ""
    net: int = -1  # a descriptor of the network namespace that it is to be in

    def encode(self) -> bytes:
        """The attributes of a message about it."""
        made = [
            attribute(_IFLA_IFNAME, _bytes(self.name) + b"\0") if self.name else b"",
            _number(_IFLA_MTU, self.mtu) if self.mtu else b"",
            attribute(_IFLA_ADDRESS, bytes.fromhex(self.mac.replace(":", ""))) if self.mac else b"",
            _number(_IFLA_LINK, self.parent) if self.parent else b"",
            _number(_IFLA_MASTER, self.master) if self.master else b"",
            attribute(_IFLA_IFALIAS, _bytes(self.alias) + b"\0") if self.alias else b"",
            _number(_IFLA_NET_NS_FD, self.net) if self.net >= 0 else b"",
        ]
        return b"".join(made)


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


class Netlink:
    """A socket for one network namespace; what it asks for raises OSError with the kernel's why."""

    def __init__(self, net: int = -1) -> None:
        """In this namespace, or in that of an open file: one that the caller has power over."""
        if net >= 0:
            with inside(net):
                self._socket = _open()
        else:
            self._socket = _open()
        self._count = 0

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the socket."""
        self.close()

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()

    # --- Links ------------------------------------------------------------------------------------

    def links(self) -> dict[str, Link]:
        """All interfaces, by name."""
        made = {}
        for body in self._dump(_GET_LINK, link()):
            _, _, index, flags, _ = _LINK.unpack_from(body)
            parts = attributes(body[_LINK.size :])
            info = attributes(parts.get(_IFLA_LINKINFO, b""))
            name = _text(parts.get(_IFLA_IFNAME, b""))
            made[name] = Link(
                index,
                name,
                _text(info.get(_INFO_KIND, b"")),
                bool(flags & _IFF_UP),
                parts.get(_IFLA_ADDRESS, b"").hex(":"),
                int.from_bytes(parts.get(_IFLA_MASTER, b""), sys.byteorder),
            )
        return made

    def add_bridge(self, settings: Settings) -> None:
        """Make a bridge."""
        self._add_link("bridge", settings)

    def add_veth(self, settings: Settings, peer: Settings) -> None:
        """Make both ends of a cable, each where it is to be."""
        self._add_link("veth", settings, attribute(_VETH_PEER, link() + peer.encode()))

    def add_macvlan(self, settings: Settings) -> None:
        """Make one more card over its parent; those of one parent can talk with each other."""
        self._add_link("macvlan", settings, _number(_MACVLAN_MODE, _MACVLAN_BRIDGE))

    def _add_link(self, kind: str, settings: Settings, data: bytes = b"") -> None:
        info = attribute(_INFO_KIND, kind.encode())
        info += attribute(_INFO_DATA, data) if data else b""
        body = link() + settings.encode() + attribute(_IFLA_LINKINFO, info)
        self.ask(NEW_LINK, body, f"make the {kind} {settings.name}", _CREATE_EXCL)

    def change_link(
        self, index: int, what: str, settings: Settings | None = None, *, up: bool = False
    ) -> None:
        """Change it, and set it up."""
        body = link(index, up=up) + (settings.encode() if settings else b"")
        self.ask(NEW_LINK, body, what)

    def delete_link(self, index: int, name: str) -> None:
        """Remove an interface, and with it the other end of a veth."""
        self.ask(DEL_LINK, link(index), f"remove {name}")

    # --- Addresses and routes ---------------------------------------------------------------------

    def addresses(self) -> list[Address]:
        """Those of all interfaces that reach further than their cables."""
        found = []
        for body in self._dump(_GET_ADDRESS, _ADDRESS.pack(_socket.AF_UNSPEC, 0, 0, 0, 0)):
            family, length, _, scope, index = _ADDRESS.unpack_from(body)
            parts = attributes(body[_ADDRESS.size :])
            data = parts.get(_IFA_LOCAL) or parts.get(_IFA_ADDRESS)
            if scope == 0 and data is not None:
                found.append(Address(index, f"{_socket.inet_ntop(family, data)}/{length}"))
        return found

    def add_address(self, index: int, ip: str, length: int, broadcast: str, name: str) -> None:
        """Give it an address; `broadcast` is "" where there is none."""
        family, data = _ip(ip)
        flags = _NODAD if family == _socket.AF_INET6 else 0
        body = _ADDRESS.pack(family, length, flags, 0, index)
        body += attribute(_IFA_LOCAL, data) + attribute(_IFA_ADDRESS, data)
        body += attribute(_IFA_BROADCAST, _ip(broadcast)[1]) if broadcast else b""
        self.ask(_NEW_ADDRESS, body, f"give {name} the address {ip}/{length}", _CREATE_EXCL)

    def destinations(self) -> list[str]:
        """What there are routes to, other than by default: "10.0.0.0/24"."""
        found = []
        for body in self._dump(_GET_ROUTE, _ROUTE.pack(*bytes(8), 0)):
            family, length = body[0], body[1]
            data = attributes(body[_ROUTE.size :]).get(_RTA_DST)
            if data and family in (_socket.AF_INET, _socket.AF_INET6):
                found.append(f"{_socket.inet_ntop(family, data)}/{length}")
        return found

    def add_default_route(self, index: int, gateway: str, name: str) -> None:
        """Send all that is for nobody near to a gateway."""
        family, data = _ip(gateway)
        body = _ROUTE.pack(family, 0, 0, 0, _MAIN, _STATIC, _UNIVERSE, _UNICAST, 0)
        body += attribute(_RTA_GATEWAY, data) + _number(_RTA_OIF, index)
        self.ask(_NEW_ROUTE, body, f"route by {gateway} over {name}", _CREATE_EXCL)

    # --- Talking ----------------------------------------------------------------------------------

    def ask(self, kind: int, body: bytes, what: str, flags: int = 0) -> None:
        """One change; OSError says `what` could not be done, and why."""
        try:
            self._send(kind, body, _REQUEST_ACK | flags)
            data = self._socket.recv(_PIECE)
        except OSError as error:
            raise OSError(error.errno, f"{what}: {error.strerror}") from None
        number = -struct.unpack_from("=i", data, HEADER.size)[0]
        if number:
            raise OSError(number, f"{what}: {_words_of_kernel(data) or os.strerror(number)}")

    def _send(self, kind: int, body: bytes, flags: int) -> None:
        seam.ask("netlink")
        self._count += 1
        self._socket.send(HEADER.pack(HEADER.size + len(body), kind, flags, self._count, 0) + body)

    def _dump(self, kind: int, body: bytes) -> list[bytes]:
        """The bodies of all that there are; OSError if that may not be asked."""
        self._send(kind, body, _DUMP)
        found: list[bytes] = []
        while True:
            for answer, content in messages(self._socket.recv(_PIECE)):
                if answer == DONE:
                    return found
                if answer == ERROR:
                    number = -struct.unpack_from("=i", content)[0]
                    raise OSError(number, os.strerror(number))
                found.append(content)


def link(index: int = 0, *, family: int = _socket.AF_UNSPEC, up: bool = False) -> bytes:
    """The head of a message about an interface; 0 is one that is yet to be made."""
    flags = _IFF_UP if up else 0
    return _LINK.pack(family, 0, index, flags, flags)


def _number(kind: int, value: int) -> bytes:
    return attribute(kind, struct.pack("=I", value))


def _ip(text: str) -> tuple[int, bytes]:
    family = _socket.AF_INET6 if ":" in text else _socket.AF_INET
    return family, _socket.inet_pton(family, text)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _text(data: bytes) -> str:
    return data.rstrip(b"\0").decode("utf-8", "surrogateescape")


def _open() -> _socket.socket:
    seam.ask("netlink")
    flags = _socket.SOCK_RAW | _socket.SOCK_CLOEXEC
    made = _socket.socket(_socket.AF_NETLINK, flags, 0)
    for option in (_EXT_ACK, _CAP_ACK):
        with suppress(OSError):  # a kernel before 4.12 says less
            made.setsockopt(_SOL_NETLINK, option, 1)
    return made


def _words_of_kernel(data: bytes) -> str:
    """What the kernel says beyond the number (NLMSGERR_ATTR_MSG), or nothing."""
    flags = HEADER.unpack_from(data)[2]
    if not flags & _HAS_WORDS:
        return ""
    words = attributes(data[2 * HEADER.size + 4 :]).get(_WORDS, b"")
    return words.rstrip(b"\0").decode("utf-8", "replace")
