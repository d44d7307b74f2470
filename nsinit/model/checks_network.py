"""Checks of `[sandbox].network`: it says one thing, and what the kernel can do. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nsinit.model.naming import fits
from nsinit.model.network import AUTO, CONNECTED, NONE, OF_ONE, links
from nsinit.model.sandboxes import network_origin, origin, origins

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from ipaddress import (
        IPv4Address,
        IPv4Interface,
        IPv4Network,
        IPv6Address,
        IPv6Interface,
        IPv6Network,
    )

    from nsinit.model.lines import KeyPath
    from nsinit.model.network import Interface, Network
    from nsinit.model.spec import Config

    Finding = tuple[KeyPath, str, str]  # where, what is wrong, what to do
    Check = Callable[[Config], Iterator[Finding]]

_NAME_MAX: Final = 15  # bytes: IFNAMSIZ with its NUL
_MTU: Final = (68, 65535)  # RFC 791; ip-link(8)
_MAC: Final = r"[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}"
_HOST: Final = r"(?!-)[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?"
_AT: Final = ("sandbox", "network")


def namespaces_agree(config: Config) -> Iterator[Finding]:
    """The mode and `namespaces.net` mean the same namespace."""
    box = config.sandbox
    if box is None or box.network is None:
        return
    network, way = box.network, box.network.way
    if network.join is not None and network.mode not in (None, "join"):
        yield (*_AT, "join"), f"is of no use with the mode {network.mode!r}", ""
    elif network.join is not None and ((found := origin(network.join)) is None or not found.joined):
        expected = '"sandbox:NAME", "/path" or a pid'
        yield (*_AT, "join"), f"expected {expected}, got {network.join!r}", ""
    given = origin(box.namespaces["net"]) if "net" in box.namespaces else None
    meant = network_origin(network)
    path = ("sandbox", "namespaces", "net")
    if way == "join" and network.join is None and (given is None or not given.joined):
        yield (*_AT, "mode"), "says nothing of whose network it is", 'use join = "sandbox:NAME"'
    elif given is not None and meant is not None and given != meant:
        words = {"new": "a new one", "shared": "the host's"}.get(meant.way, "another one")
        yield path, f"the network needs {words}", "leave it out"


def interfaces_can_be_made(config: Config) -> Iterator[Finding]:
    """Each has a name, a place to be plugged in, and what its type needs."""
    network = config.sandbox.network if config.sandbox is not None else None
    if network is None:
        return
    unused: dict[str, str] = {}
    if network.way not in CONNECTED:
        said = f"is of no use with the mode {network.way!r}"
        unused = dict.fromkeys(("bridge", "subnet", "interfaces", *OF_ONE), said)
    elif network.interfaces:
        unused = dict.fromkeys(OF_ONE, 'stands in each of the "interfaces"')
    for key, why in unused.items():
        if getattr(network, key):
            yield (*_AT, key), why, ""
    seen: dict[str, KeyPath] = {}
    for index, one in enumerate(links(network)):
        path: KeyPath = (*_AT, "interfaces", index) if network.interfaces else _AT
        assert one.name is not None  # noqa: S101  (it was filled in)
        if one.name in seen:
            yield (*path, "name"), f"there are two interfaces {one.name!r}", ""
        seen[one.name] = path
        for keys, message, hint in interface_wrong(one):
            yield (*path, *keys), message, hint
    yield from _subnets_wrong(network)


def _subnets_wrong(network: Network) -> Iterator[Finding]:
    for index, text in enumerate(network.subnet):
        if (found := _network(text)) is None or found.num_addresses < 4:
            yield (*_AT, "subnet", index), f'expected "10.0.0.0/24", got {text!r}', ""
    if network.subnet and not any(one.type == "bridge" for one in links(network)):
        yield (*_AT, "subnet"), "is of a bridge, and there is none", ""


def interface_wrong(one: Interface) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    """What is wrong with one interface: the key in it, what, and what to do."""
    for key in ("name", "bridge", "parent"):
        text = getattr(one, key)
        if text is not None and (why := bad_interface_name(text)):
            yield (key,), why, ""
    if one.name == "lo":
        yield ("name",), "is the loopback interface, which is there", ""
    if one.type != "bridge" and one.bridge is not None:
        yield ("bridge",), f"a {one.type} is on no bridge", 'use parent = "INTERFACE"'
    if one.type == "bridge" and one.parent is not None:
        yield (
            ("parent",),
            "what is on a bridge has none",
            'use bridge = "NAME", or type = "macvlan"',
        )
    if one.type != "bridge" and one.parent is None:
        what = "the interface that is moved" if one.type == "phys" else "an interface of the host"
        yield ("parent",), f"a {one.type} needs one: {what}", 'such as parent = "eth0"'
    if one.mac is not None and not _is_mac(one.mac):
        yield ("mac",), f'expected one such as "02:00:00:00:00:01", got {one.mac!r}', ""
    if one.mtu is not None and not _MTU[0] <= one.mtu <= _MTU[1]:
        yield ("mtu",), f"expected a number from {_MTU[0]} to {_MTU[1]}, got {one.mtu}", ""
    yield from _addresses_wrong(one)


def _addresses_wrong(one: Interface) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    found: list[IPv4Interface | IPv6Interface] = []
    is_auto = AUTO in (one.address or ())
    if is_auto and (one.type != "bridge" or one.address != (AUTO,)):
        message = "stands alone" if one.type == "bridge" else "a bridge is needed for that"
        yield ("address",), f'"{AUTO}": {message}', ""
    for index, text in enumerate(one.address or ()):
        if text == AUTO:
            continue
        made, why = read_address(text)
        if made is None:
            yield ("address", index), why, ""
        elif made.ip in [other.ip for other in found]:
            yield ("address", index), f"{made.ip} is there twice", ""
        else:
            found.append(made)
    if one.gateway is None or one.gateway == (NONE,):
        return
    families: set[int] = set()
    for index, text in enumerate(one.gateway):
        at = ("gateway", index)
        gate = read_ip(text)
        if gate is None:
            yield at, f'expected an address or "{NONE}", got {text!r}', ""
        elif gate.version in families:
            yield at, f"there are two of IPv{gate.version}", ""
        elif any(gate == other.ip for other in found):
            yield at, "is the address of the sandbox itself", ""
        elif not is_auto and not any(gate in other.network for other in found):
            subnets = ", ".join(str(other.network) for other in found) or "none"
            yield at, f"{gate} is in no subnet of the interface: {subnets}", ""
        families |= {gate.version} if gate else set()


def read_address(text: str) -> tuple[IPv4Interface | IPv6Interface | None, str]:
    """An address with the length of its prefix; why it can't be an interface's."""
    import ipaddress  # noqa: PLC0415  (only who has a network needs it)

    ip, slash, _ = text.partition("/")
    try:
        made = ipaddress.ip_interface(text)
    except ValueError:
        return None, f'expected an address such as "10.0.0.2/24", got {text!r}'
    if not slash:
        example = f"{ip}/{24 if made.version == 4 else 64}"
        return None, f'the length of its prefix is missing: "{example}"'
    if made.is_multicast or made.is_unspecified or made.is_loopback:
        return None, f"{ip} can't be the address of an interface"
    is_wide = made.network.prefixlen < made.max_prefixlen - 1
    if is_wide and made.ip == made.network.network_address:
        return None, f"{ip} is the subnet itself"
    if is_wide and made.version == 4 and made.ip == made.network.broadcast_address:
        return None, f"{ip} is the broadcast address of its subnet"
    return made, ""


def read_ip(text: str) -> IPv4Address | IPv6Address | None:
    """A numeric address; None if it is none."""
    import ipaddress  # noqa: PLC0415  (as above)

    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _network(text: str) -> IPv4Network | IPv6Network | None:
    import ipaddress  # noqa: PLC0415  (as above)

    try:
        return ipaddress.ip_network(text) if "/" in text else None
    except ValueError:
        return None


def _is_mac(text: str) -> bool:
    """Whether it can be the address of one interface (the lowest bit says "of a group")."""
    return fits(_MAC, text) and not int(text[:2], 16) & 1 and set(text) != {"0", ":"}


def bad_interface_name(text: str) -> str:
    """Why the kernel would not take it (dev_valid_name), or nothing."""
    if not 0 < len(text.encode("utf-8", "replace")) <= _NAME_MAX:
        return f"the name of an interface has 1 to {_NAME_MAX} bytes"
    if text in (".", "..") or any(c in "/:\0%" or c.isspace() for c in text):
        return f"{text!r} can't be the name of an interface"
    if any(c in '"*\\' for c in text):  # which mean something in the rules of a firewall
        return f"{text!r} is a name that rules of nftables can't have"
    return ""


def names_can_be_told(config: Config) -> Iterator[Finding]:
    """`dns` and `hosts` are addresses and names, and there is a place for them."""
    box = config.sandbox
    if box is None or box.network is None:
        return
    network = box.network
    for index, text in enumerate(network.dns):
        if read_ip(text) is None:
            yield (*_AT, "dns", index), f"expected an address, got {text!r}", ""
    for index, text in enumerate(network.dns_search):
        if not fits(_HOST, text) and text != ".":
            yield (*_AT, "dns_search", index), f"{text!r} is no domain", ""
    for name, found in network.hosts.items():
        yield from _host_wrong(name, found)
    if network.has_names and origins(box)["mount"].way != "new":
        key = next(key for key in ("dns", "dns_search", "hosts") if getattr(network, key))
        yield (*_AT, key), "others are in that mount namespace, and would see it", ""


def _host_wrong(name: str, found: Iterable[str]) -> Iterator[Finding]:
    path = (*_AT, "hosts", name)
    if not fits(_HOST, name):
        yield path, f"{name!r} is no name of a host", ""
    for text in found:
        if read_ip(text) is None:
            yield path, f"expected an address, got {text!r}", ""


def _unused(network: Network) -> bool:
    return network.way is None and not network.has_names


def says_something(config: Config) -> Iterator[Finding]:
    """A table that is empty does nothing."""
    box = config.sandbox
    if box is not None and box.network is not None and _unused(box.network):
        yield _AT, "has no effect", 'use mode = "none", or "bridge"'


STRICT: Final[tuple[Check, ...]] = (
    namespaces_agree,
    interfaces_can_be_made,
    names_can_be_told,
)
ADVICE: Final[tuple[Check, ...]] = (says_something,)
