"""Links, addresses and routes, by the messages of pyroute2 over a socket of our own.

Only who makes a network imports this: a process that ends when it stands. Of pyroute2 the messages
alone are loaded; with all that its package imports by itself it would take four times as long, and
asyncio. See rtnetlink(7), ip-link(8).
"""

from __future__ import annotations

import _socket
import importlib
import os
import struct
import sys
import types
from contextlib import nullcontext
from importlib.util import find_spec
from typing import Any, Final, NamedTuple

from nsinit.kernel import interfaces, seam

_NEW_LINK: Final = 16
_DEL_LINK: Final = 17
_GET_LINK: Final = 18
_NEW_ADDRESS: Final = 20
_GET_ADDRESS: Final = 22
_NEW_ROUTE: Final = 24
_GET_ROUTE: Final = 26
_ERROR: Final = 2
_DONE: Final = 3
_REQUEST_ACK: Final = 0x5
_CREATE_EXCL: Final = 0x600
_DUMP: Final = 0x301
_IFF_UP: Final = 1
_NODAD: Final = 2  # IFA_F_NODAD: nobody else has the address, so it can be used at once
_SOL_NETLINK: Final = 270
_EXT_ACK: Final = 11
_CAP_ACK: Final = 10  # an error does not come with the whole request
_HEADER: Final = struct.Struct("=IHHII")
_PIECE: Final = 1 << 17


def _load(name: str) -> Any:  # noqa: ANN401  (pyroute2 has no types)
    """A module of pyroute2, without what the package itself loads; else with that."""
    if "pyroute2" not in sys.modules and (spec := find_spec("pyroute2")) is not None:
        bare = types.ModuleType("pyroute2")
        bare.__spec__ = spec
        bare.__path__ = list(spec.submodule_search_locations or ())
        sys.modules["pyroute2"] = bare
        try:
            return importlib.import_module(name)
        except (ImportError, AttributeError):  # a release that is put together in another way
            for loaded in [one for one in sys.modules if one.partition(".")[0] == "pyroute2"]:
                del sys.modules[loaded]
    return importlib.import_module(name)


_link: Final = _load("pyroute2.netlink.rtnl.ifinfmsg").ifinfmsg
_address: Final = _load("pyroute2.netlink.rtnl.ifaddrmsg").ifaddrmsg
_route: Final = _load("pyroute2.netlink.rtnl.rtmsg").rtmsg


class Link(NamedTuple):
    """An interface."""

    number: int  # its index
    name: str
    kind: str  # "bridge", "veth", ...; "" for hardware
    is_up: bool
    mac: str
    master: int


class Netlink:
    """A socket for one network namespace."""

    def __init__(self, net: int = -1) -> None:
        """In this namespace, or in that of an open file: one that the caller has power over."""
        flags = _socket.SOCK_RAW | _socket.SOCK_CLOEXEC
        with interfaces.inside(net) if net >= 0 else nullcontext():
            seam.ask("netlink")
            self._socket = _socket.socket(_socket.AF_NETLINK, flags, 0)
        for option in (_EXT_ACK, _CAP_ACK):
            self._socket.setsockopt(_SOL_NETLINK, option, 1)
        self._count = 0

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()

    # --- Links ------------------------------------------------------------------------------------

    def links(self) -> dict[str, Link]:
        """All interfaces, by name."""
        made = {}
        for one in self._dump(_GET_LINK, _link):
            info = one.get_attr("IFLA_LINKINFO")
            name = os.fsdecode(one.get_attr("IFLA_IFNAME"))  # bytes, where it is no text
            made[name] = Link(
                one["index"],
                name,
                (info.get_attr("IFLA_INFO_KIND") if info else None) or "",
                bool(one["flags"] & _IFF_UP),
                one.get_attr("IFLA_ADDRESS") or "",
                one.get_attr("IFLA_MASTER") or 0,
            )
        return made

    def add_link(
        self, name: str, kind: str, attributes: list[tuple[str, Any]], data: object = None
    ) -> None:
        """Make an interface."""
        info: list[tuple[str, Any]] = [("IFLA_INFO_KIND", kind)]
        info += [("IFLA_INFO_DATA", {"attrs": data})] if data is not None else []
        message = _link()
        message["attrs"] = [
            ("IFLA_IFNAME", name),
            *attributes,
            ("IFLA_LINKINFO", {"attrs": info}),
        ]
        self._ask(_NEW_LINK, message, _CREATE_EXCL, f"make the {kind} {name}")

    def change_link(
        self, index: int, what: str, attributes: list[tuple[str, Any]], *, up: bool = False
    ) -> None:
        """Change it, and set it up."""
        message = _link()
        message["index"] = index
        if up:
            message["flags"] = message["change"] = _IFF_UP
        message["attrs"] = attributes
        self._ask(_NEW_LINK, message, 0, what)

    def delete_link(self, index: int, name: str) -> None:
        """Remove an interface."""
        message = _link()
        message["index"] = index
        self._ask(_DEL_LINK, message, 0, f"remove {name}")

    # --- Addresses and routes ---------------------------------------------------------------------

    def addresses(self, index: int) -> list[str]:
        """Those of an interface that reach further than its cable, as "10.0.0.2/24"."""
        return [
            f"{one.get_attr('IFA_LOCAL') or one.get_attr('IFA_ADDRESS')}/{one['prefixlen']}"
            for one in self._dump(_GET_ADDRESS, _address)
            if one["index"] == index and one["scope"] == 0
        ]

    def add_address(self, index: int, ip: str, length: int, broadcast: str, name: str) -> None:
        """Give it an address; `broadcast` is "" where there is none."""
        message = _address()
        message["family"] = _socket.AF_INET6 if ":" in ip else _socket.AF_INET
        message["prefixlen"] = length
        message["index"] = index
        message["attrs"] = [("IFA_LOCAL", ip), ("IFA_ADDRESS", ip)]
        if broadcast:
            message["attrs"].append(("IFA_BROADCAST", broadcast))
        if ":" in ip:
            message["flags"] = _NODAD
        self._ask(_NEW_ADDRESS, message, _CREATE_EXCL, f"give {name} the address {ip}/{length}")

    def destinations(self) -> list[str]:
        """What there are routes to, other than by default: "10.0.0.0/24"."""
        return [
            f"{one.get_attr('RTA_DST')}/{one['dst_len']}"
            for one in self._dump(_GET_ROUTE, _route)
            if one.get_attr("RTA_DST")
        ]

    def add_default_route(self, index: int, gateway: str, name: str) -> None:
        """Send all that is for nobody near to a gateway."""
        message = _route()
        message["family"] = _socket.AF_INET6 if ":" in gateway else _socket.AF_INET
        message["table"] = 254  # main
        message["proto"] = 4  # static
        message["scope"] = 0  # universe
        message["type"] = 1  # unicast
        message["attrs"] = [("RTA_GATEWAY", gateway), ("RTA_OIF", index)]
        self._ask(_NEW_ROUTE, message, _CREATE_EXCL, f"route by {gateway} over {name}")

    # --- Talking ----------------------------------------------------------------------------------

    def _send(self, kind: int, message: Any, flags: int) -> None:  # noqa: ANN401
        seam.ask("netlink")
        self._count += 1
        message["header"] = {
            "type": kind, "flags": flags, "sequence_number": self._count, "pid": 0,
        }  # fmt: skip
        message.encode()
        self._socket.send(message.data)

    def _ask(self, kind: int, message: Any, flags: int, what: str) -> None:  # noqa: ANN401
        try:
            self._send(kind, message, _REQUEST_ACK | flags)
            data = self._socket.recv(_PIECE)
        except OSError as error:
            raise OSError(error.errno, f"{what}: {error.strerror}") from None
        number = -struct.unpack_from("=i", data, _HEADER.size)[0]
        if number:
            why = _words_of_kernel(data) or os.strerror(number)
            raise OSError(number, f"{what}: {why}")

    def _dump(self, kind: int, of: Any) -> list[Any]:  # noqa: ANN401
        self._send(kind, of(), _DUMP)
        found: list[Any] = []
        while True:
            data = self._socket.recv(_PIECE)
            offset = 0
            while offset + _HEADER.size <= len(data):
                length, answer = _HEADER.unpack_from(data, offset)[:2]
                if answer == _DONE:
                    return found
                if answer == _ERROR:
                    number = -struct.unpack_from("=i", data, offset + _HEADER.size)[0]
                    raise OSError(number, os.strerror(number))
                one = of(data[offset : offset + length])
                one.decode()
                found.append(one)
                offset += length + -length % 4


def _words_of_kernel(data: bytes) -> str:
    """What the kernel says beyond the number (NLMSGERR_ATTR_MSG), or nothing."""
    flags = _HEADER.unpack_from(data)[2]
    offset = 2 * _HEADER.size + 4
    if not flags & 0x200:  # NLM_F_ACK_TLVS
        return ""
    while offset + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, offset)
        if kind == 1:
            return data[offset + 4 : offset + length].rstrip(b"\0").decode("utf-8", "replace")
        offset += max(4, length + -length % 4)
    return ""
