"""The rules for one sandbox, as nft(8) reads them: what leaves it, and what is let in. Pure.

All is in one table of its own, which the kernel takes whole or not at all, and which goes with the
sandbox. A rule of this table can't let anything through that a rule of another table drops.

    raw          who is on the bridge can't reach what listens on the host's 127.0.0.1
    prerouting   published ports, for who comes from elsewhere
    output       the same for the host itself, also by 127.0.0.1
    forward      only what is published is let in from beyond the bridge
    postrouting  what leaves the bridge has the host's address; so has what comes back in by it
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nsinit.named import Named

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from ipaddress import IPv4Interface, IPv6Interface

    from nsinit.model.publish import Port

    Address = IPv4Interface | IPv6Interface

PREFIX: Final = "nsinit-"
_WORDS: Final = {4: ("ip", "ipv4"), 6: ("ip6", "ipv6")}
_LOOPBACK: Final = "127.0.0.0/8"


class Link(Named):
    """An interface of the sandbox on a bridge of the host."""

    bridge: str
    addresses: tuple[Address, ...]


class Rules(Named):
    """What is wanted for one sandbox."""

    table: str
    comment: str  # whose it is
    links: tuple[Link, ...]
    ports: tuple[Port, ...]
    nat: bool


def target(links: Iterable[Link], version: int) -> tuple[str, Address] | None:
    """The bridge and the address that published ports of that version of IP lead to."""
    found = ((link.bridge, one) for link in links for one in link.addresses)
    return next((pair for pair in found if pair[1].version == version), None)


def needs(rules: Rules) -> set[int]:
    """The versions of IP that are forwarded."""
    published = {version for port in rules.ports for version in port.versions}
    return {
        version
        for version in (4, 6)
        if target(rules.links, version) and (rules.nat or version in published)
    }


def uses_loopback(rules: Rules) -> list[str]:
    """The bridges over which 127.0.0.1 is answered: the kernel is to allow that."""
    found = target(rules.links, 4)
    wanted = any(4 in port.versions and _by_loopback(port) for port in rules.ports)
    return [found[0]] if found and wanted else []


def _by_loopback(port: Port) -> bool:
    return port.is_everywhere or port.is_loopback


def ruleset(rules: Rules, *, replaces: bool) -> str:
    """For `nft -f`: one transaction; `replaces`: there may be an older table of that name.

    Only then: to delete a table the kernel waits until no packet is in it, 10 to 25 ms.
    """
    chains = {
        "raw": ("filter hook prerouting priority -300", list(_raw(rules))),
        "prerouting": ("nat hook prerouting priority -100", list(_published(rules, False))),
        "output": ("nat hook output priority -100", list(_published(rules, True))),
        "forward": ("filter hook forward priority 0", list(_forward(rules))),
        "postrouting": ("nat hook postrouting priority 100", list(_postrouting(rules))),
    }
    name = f"inet {rules.table}"
    lines = [f"table {name}", f"delete table {name}"] if replaces else []
    lines += [f"table {name} {{", f'  comment "{rules.comment}"']
    for chain, (head, inside) in chains.items():
        if inside:
            lines += [f"  chain {chain} {{", f"    type {head}; policy accept;"]
            lines += [*(f"    {line}" for line in inside), "  }"]
    return "\n".join([*lines, "}", ""])


def _raw(rules: Rules) -> Iterator[str]:
    for bridge in uses_loopback(rules):
        yield f'iifname "{bridge}" ip daddr {_LOOPBACK} drop'


def _published(rules: Rules, from_host: bool) -> Iterator[str]:
    """Nobody but the host itself may use its loopback, whatever comes in for it."""
    for port in rules.ports:
        if port.is_loopback and not from_host:
            continue
        for version in port.versions:
            found = target(rules.links, version)
            if found is not None:
                where = _where(port, version, from_host)
                for match, to in _pairs(port, str(found[1].ip), version):
                    yield f"{where} {port.protocol} dport {match} dnat {_WORDS[version][0]} to {to}"


def _where(port: Port, version: int, from_host: bool) -> str:
    """Nothing with the address ::1 gets to a bridge: who asks there is better told so at once."""
    ip, family = _WORDS[version]
    if not port.is_everywhere:
        return f"{ip} daddr {port.host}"
    not_loopback = " ip6 daddr != ::1" if version == 6 and from_host else ""
    return f"meta nfproto {family} fib daddr type local{not_loopback}"


def _pairs(port: Port, address: str, version: int) -> Iterator[tuple[str, str]]:
    """What is matched, and where it goes: a range as a whole if its numbers stay."""
    host = f"[{address}]" if version == 6 else address
    if port.many == 1:
        yield str(port.port), f"{host}:{port.to}"
    elif port.port == port.to:
        yield f"{port.port}-{port.port + port.many - 1}", address
    else:
        pairs = ", ".join(f"{port.port + n} : {port.to + n}" for n in range(port.many))
        match = f"{port.port}-{port.port + port.many - 1}"
        yield match, f"{host}:{port.protocol} dport map {{ {pairs} }}"


def _forward(rules: Rules) -> Iterator[str]:
    """A route to the sandbox is no permission; who is on its bridge is near, and needs none."""
    if not rules.nat:
        return
    for bridge, version, addresses in _by_version(rules.links):
        to = f"{_WORDS[version][0]} daddr {_set(str(one.ip) for one in addresses)}"
        new = "ct state new ct status & dnat == 0"
        yield f'iifname != "{bridge}" oifname "{bridge}" {to} {new} drop'


def _postrouting(rules: Rules) -> Iterator[str]:
    for bridge, version, addresses in _by_version(rules.links):
        ip = _WORDS[version][0]
        own = _set(str(one.ip) for one in addresses)
        if rules.nat:
            yield f'oifname != "{bridge}" {ip} saddr {own} masquerade'
        if any(version in port.versions for port in rules.ports):
            near = [str(one.network) for one in addresses]
            near += [_LOOPBACK] if version == 4 else []
            came = f'oifname "{bridge}" {ip} saddr {_set(near)} {ip} daddr {own}'
            yield f"{came} ct status dnat masquerade"


def _by_version(links: Iterable[Link]) -> Iterator[tuple[str, int, Sequence[Address]]]:
    for link in links:
        for version in (4, 6):
            found = [one for one in link.addresses if one.version == version]
            if found:
                yield link.bridge, version, found


def _set(items: Iterable[str]) -> str:
    return f"{{ {', '.join(dict.fromkeys(items))} }}"
