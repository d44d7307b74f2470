"""Connects one interface of a sandbox: bridge, veth, macvlan, or one that is moved in.

In two halves: `Plug.prepare` needs no sandbox yet (bridge, addresses), `Plug.connect` its network
namespace. Nothing is undone here: what is on the host is in the ledger before it is made, and the
rest ends with the namespace.
"""

from __future__ import annotations

import errno
import ipaddress
import os
from typing import TYPE_CHECKING, Any, Final

from nsinit.kernel import seam
from nsinit.kernel.rtnetlink import Link, Netlink, Settings
from nsinit.model.network import AUTO, NONE

if TYPE_CHECKING:
    from collections.abc import Iterable
    from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface

    from nsinit.model.network import Interface
    from nsinit.network.ledger import Ledger

    Ip = IPv4Address | IPv6Address
    Address = IPv4Interface | IPv6Interface

# Where an address is looked for if nobody says where: those that no route leads to.
_SUBNETS: Final = tuple(f"10.231.{number}.0/24" for number in range(256))


class Plug:
    """One interface, as the model has filled it in."""

    def __init__(self, one: Interface, subnets: tuple[str, ...], ledger: Ledger) -> None:
        self._one = one
        self._subnets = [ipaddress.ip_network(text) for text in subnets]
        self._ledger = ledger
        self._addresses: list[Address] = []
        self._gateways: list[Ip] = []
        self._port = ""
        self.name = one.name or ""
        self.is_inside = False  # it is in the namespace, whether or not it could be set up there

    # --- On the host ------------------------------------------------------------------------------

    def prepare(self, host: Netlink) -> None:
        """Make the bridge if it is missing, and find addresses; OSError says what failed."""
        if self._one.type != "bridge":
            self._addresses = [ipaddress.ip_interface(text) for text in self._one.address or ()]
            self._gateways = self._wanted_gateways([])
            return
        assert self._one.bridge is not None  # noqa: S101  (it was filled in)
        with self._ledger.held():
            bridge = self._bridge(host, self._one.bridge)
            own = _addresses(host, bridge)
            if self._ledger.has_made(bridge.name, bridge.mac):
                own += self._supply(host, bridge, own)
            self._find_addresses(own)
            self._gateways = self._wanted_gateways(own)
            self._port = f"nsv{seam.random(4).hex()}"
            self._ledger.take_port(bridge.name, self._port)

    def _bridge(self, host: Netlink, name: str) -> Link:
        found = host.links().get(name)
        if found is None:
            mac = _new_mac()
            self._ledger.will_make(name, mac)
            # With an address of its own it does not take that of whatever port is the lowest.
            host.add_bridge(Settings(name=name, mac=mac))
            found = host.links()[name]
        elif found.kind != "bridge":
            kind = f"a {found.kind}" if found.kind else "hardware"
            raise OSError(errno.EEXIST, f"{name} is no bridge but {kind}")
        elif not found.is_up and not self._ledger.has_made(name, found.mac):
            raise OSError(errno.ENETDOWN, f"the bridge {name} is down")
        if not found.is_up:
            host.change_link(found.number, f"set {name} up", up=True)
        return found

    def _supply(self, host: Netlink, bridge: Link, own: list[Address]) -> list[Address]:
        """Give a bridge that nsinit has made the addresses that it needs for this sandbox."""
        wanted = [ipaddress.ip_interface(f"{net[1]}/{net.prefixlen}") for net in self._subnets]
        if self._one.address == (AUTO,):
            wanted += [] if own or wanted else [_free_subnet(host)]
        elif not self._is_apart():
            wanted += self._beside_the_given()
        made: list[Address] = []
        for one in wanted:
            if any(one.network == other.network for other in own + made):
                continue
            if other := self._ledger.take(bridge.name, str(one.ip)):
                raise OSError(errno.EADDRINUSE, f"{one.ip} is an address of the sandbox {other}")
            _add(host, bridge.number, one, bridge.name)
            self._ledger.give_back(bridge.name, [str(one.ip)])
            made.append(one)
        return made

    def _is_apart(self) -> bool:
        return self._one.gateway == (NONE,)

    def _beside_the_given(self) -> list[Address]:
        """The bridge's own address in each subnet that the sandbox has an address in."""
        made: list[Address] = []
        gates = [ipaddress.ip_address(text) for text in self._one.gateway or ()]
        for text in self._one.address or ():
            given = ipaddress.ip_interface(text)
            if given.network.num_addresses < 4:
                continue
            first = given.network[1] if given.network[1] != given.ip else given.network[2]
            gate = next((one for one in gates if one in given.network), first)
            made.append(ipaddress.ip_interface(f"{gate}/{given.network.prefixlen}"))
        return made

    def _find_addresses(self, own: list[Address]) -> None:
        """The given ones, if they are free, or free ones of the subnets of the bridge."""
        bridge = self._one.bridge or ""
        if self._one.address != (AUTO,):
            for text in self._one.address or ():
                given = ipaddress.ip_interface(text)
                self._fits(given, own)
                if other := self._ledger.take(bridge, str(given.ip)):
                    raise OSError(errno.EADDRINUSE, f"the sandbox {other} has {given.ip}")
                self._addresses.append(given)
            return
        taken = {one.ip for one in own}
        seen = set()
        for one in own:
            if one.network in seen or (self._subnets and one.network not in self._subnets):
                continue
            seen.add(one.network)
            self._addresses.append(self._find_free(bridge, one, taken))
        if not self._addresses:
            where = ", ".join(str(one) for one in self._subnets) or "any subnet"
            raise OSError(errno.EADDRNOTAVAIL, f"the bridge {bridge} has no address in {where}")

    def _fits(self, given: Address, own: list[Address]) -> None:
        bridge = self._one.bridge
        if any(given.ip == one.ip for one in own):
            raise OSError(errno.EADDRINUSE, f"{given.ip} is the address of the bridge {bridge}")
        same = [one for one in own if one.version == given.version]
        if not same or any(given.network == one.network for one in same) or self._one.gateway:
            return
        subnets = ", ".join(str(one.network) for one in same)
        what = f"{given} is not in the subnet of the bridge {bridge}: {subnets}"
        raise OSError(errno.EADDRNOTAVAIL, what)

    def _find_free(self, bridge: str, one: Address, taken: set[Ip]) -> Address:
        for ip in one.network.hosts():
            if ip not in taken and not self._ledger.take(bridge, str(ip)):
                return ipaddress.ip_interface(f"{ip}/{one.network.prefixlen}")
        raise OSError(errno.EADDRNOTAVAIL, f"all addresses of {one.network} are taken")

    def _wanted_gateways(self, own: list[Address]) -> list[Ip]:
        """Where all goes that is for nobody near: as it is written, or the bridge."""
        if self._is_apart():
            return []
        if self._one.gateway is not None:
            return [ipaddress.ip_address(text) for text in self._one.gateway]
        gates: dict[int, Ip] = {}
        for given in self._addresses:
            for one in own:
                if one.network == given.network:
                    gates.setdefault(one.version, one.ip)
        return list(gates.values())

    # --- In the sandbox ---------------------------------------------------------------------------

    def connect(self, host: Netlink, net: int) -> dict[str, Any]:
        """Make the interface in the namespace of an open file; what it is, for the record."""
        make = {"bridge": self._veth, "macvlan": self._macvlan, "phys": self._move}
        make[self._one.type or "bridge"](host, net)
        self.is_inside = True
        return self._configure(net)

    def release(self, host: Netlink) -> None:
        """Take back what is on the host; what is in the sandbox stays."""
        if self._one.type != "bridge":
            return
        found = host.links().get(self._port)
        if found is not None:
            host.delete_link(found.number, self._port)
        give_back(self._ledger, self._one.bridge or "", self._port, map(str, self._addresses))

    def _settings(self, net: int, parent: int = 0) -> Settings:
        """Of the interface in the sandbox."""
        mtu, mac = self._one.mtu or 0, self._one.mac or ""
        return Settings(name=self.name, mtu=mtu, mac=mac, parent=parent, net=net)

    def _veth(self, host: Netlink, net: int) -> None:
        """The other end is made in the sandbox at once, under its name."""
        assert self._one.bridge is not None  # noqa: S101  (it was filled in)
        bridge = host.links()[self._one.bridge]
        outer = Settings(name=self._port, mtu=self._one.mtu or 0, master=bridge.number)
        host.add_veth(outer, self._settings(net))
        made = host.links()[self._port]
        alias = f"{self.name} of the sandbox {self._ledger.owner.split()[0]}"
        host.change_link(made.number, f"set {self._port} up", Settings(alias=alias), up=True)

    def _parent(self, host: Netlink) -> Link:
        assert self._one.parent is not None  # noqa: S101  (the checks have seen it)
        found = host.links().get(self._one.parent)
        if found is None:
            raise OSError(errno.ENODEV, f"there is no interface {self._one.parent!r} here")
        return found

    def _macvlan(self, host: Netlink, net: int) -> None:
        parent = self._parent(host)
        if not parent.is_up:
            raise OSError(errno.ENETDOWN, f"{parent.name} is down")
        host.add_macvlan(self._settings(net, parent.number))

    def _move(self, host: Netlink, net: int) -> None:
        parent = self._parent(host)
        host.change_link(parent.number, f"move {parent.name}", self._settings(net))

    def _configure(self, net: int) -> dict[str, Any]:
        with Netlink(net) as inside:
            made = inside.links()[self.name]
            for one in self._addresses:
                _add(inside, made.number, one, self.name)
            inside.change_link(made.number, f"set {self.name} up", up=True)
            for gate in self._gateways:
                inside.add_default_route(made.number, str(gate), self.name)
        told: dict[str, Any] = {
            "name": self.name,
            "type": self._one.type,
            "address": [str(one) for one in self._addresses],
            "gateway": [str(one) for one in self._gateways],
            "mac": made.mac,
        }
        if self._one.type == "bridge":
            return told | {"bridge": self._one.bridge, "port": self._port}
        return told | {"parent": self._one.parent}


def _addresses(host: Netlink, bridge: Link) -> list[Address]:
    found = (one for one in host.addresses() if one.number == bridge.number)
    return [ipaddress.ip_interface(one.text) for one in found]


def _add(where: Netlink, index: int, one: Address, name: str) -> None:
    length = one.network.prefixlen
    broadcast = str(one.network.broadcast_address) if one.version == 4 and length < 31 else ""
    where.add_address(index, str(one.ip), length, broadcast, name)


def _free_subnet(host: Netlink) -> Address:
    """The first address of a subnet that is in no use here."""
    used = [ipaddress.ip_network(text, strict=False) for text in host.destinations()]
    for text in _SUBNETS:
        subnet = ipaddress.ip_network(text)
        if not any(subnet.overlaps(one) for one in used if one.version == subnet.version):
            return ipaddress.ip_interface(f"{subnet[1]}/{subnet.prefixlen}")
    raise OSError(errno.EADDRNOTAVAIL, 'no subnet is free: say one, subnet = "10.0.0.0/24"')


def _new_mac() -> str:
    """One that no maker of cards gives away (the second bit), and of one interface (the first)."""
    data = bytearray(seam.random(6))
    data[0] = data[0] & 0xFC | 2
    return bytes(data).hex(":")


def give_back(ledger: Ledger, bridge: str, port: str, addresses: Iterable[str]) -> None:
    """Let go of a port and its addresses ("10.0.0.2/24"), and of the bridge if it was the last."""
    with ledger.held():
        ledger.give_back(bridge, [f"port.{port}", *(text.partition("/")[0] for text in addresses)])
    ledger.sweep(own=False)


def open_net(pid: int) -> int:
    """The network namespace of a process."""
    return seam.open_fd(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
