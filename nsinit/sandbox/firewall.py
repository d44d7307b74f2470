"""The rules of a sandbox are put in force by nft(8) and taken back by the launcher itself.

What of it a killed launcher leaves is in the registry: its table, and that 127.0.0.1 is answered
over a bridge ("nft", "localnet"); both count only in the network namespace they are of.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from nsinit.isolation.basics import Inside
from nsinit.kernel import conntrack, interfaces, nftables, seam
from nsinit.network import firewall
from nsinit.process import alive, programs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nsinit.model.publish import Port
    from nsinit.network.firewall import Rules
    from nsinit.sandbox.state import Registration

_SECONDS: Final = 20.0  # for nft, which waits for nobody
_FORWARD: Final = {4: "net/ipv4/ip_forward", 6: "net/ipv6/conf/all/forwarding"}
_RTF_DEFAULT: Final = 0x0001_0000  # of linux/ipv6_route.h: learned from a router
_NOT_INSTALLED: Final = "Debian and Ubuntu: apt-get install nftables; Fedora: dnf install nftables"


class Firewall(Inside):
    """Masquerade and published ports, when the interfaces have their addresses."""

    def __init__(
        self,
        ports: tuple[Port, ...],
        made: Sequence[dict[str, Any]],
        entry: Registration | None,
        *,
        nat: bool,
    ) -> None:
        self._ports, self._made, self._entry, self._nat = ports, made, entry, nat
        self._table = ""
        self._localnet: list[str] = []

    def describe(self) -> str:
        """For people."""
        what = ["give what leaves the address of the host"] if self._nat else []
        what += [f"lead {port} to the sandbox" for port in self._ports]
        return "; ".join(what)

    def apply(self) -> None:
        """Ask nft; OSError with what it says."""
        try:
            self._apply()
        except OSError:
            self.undo()
            raise

    def _apply(self) -> None:
        assert self._entry is not None  # noqa: S101  (only a dry run has none)
        program = programs.find("nft")
        if not program:
            raise OSError(errno.ENOENT, "the program nft is not installed")
        record = self._entry.record
        rules = firewall.Rules(
            firewall.PREFIX + record.name,
            f"{record.launcher} {record.launcher_started}",
            links_of(self._made),
            self._ports,
            self._nat,
        )
        replaces = self._refuse_wrong(rules)
        bridges = firewall.uses_loopback(rules)
        if bridges:
            rules = rules._replace(comment=f"{rules.comment} {bridges[0]}")
        forwarded = {version: _may_forward(version) for version in firewall.needs(rules)}
        self._note(self._entry.clean_up_later("nft", _entry_of(rules.table)))
        self._table = rules.table
        text = firewall.ruleset(rules, replaces=replaces)
        ended = programs.run(program, ["nft", "-f", "-"], text, _SECONDS)
        if ended.code != 0:
            raise OSError(errno.EIO, _words(ended))
        self._forget()
        for version, is_on in forwarded.items():
            if not is_on:
                self._forward(version)
        for bridge in bridges:
            self._allow_loopback(bridge)
        if self._ports:
            _hairpin({one.get("port", "") for one in self._made})
        self._warn(rules)

    def _refuse_wrong(self, rules: Rules) -> bool:
        """What can't work, before anything is done; whether somebody dead has left our table."""
        for port in rules.ports:
            if not any(firewall.target(rules.links, version) for version in port.versions):
                kind = f"IPv{port.versions[0]}" if len(port.versions) == 1 else "IP"
                words = f"{port} can't be published: the sandbox has no {kind} address"
                raise OSError(errno.EAFNOSUPPORT, words)
        older = [table for table in nftables.tables() if table.name == rules.table]
        for table in older:
            if pid := _owner(table.comment):
                words = f"process {pid}, in another registry, has the table {table.name}"
                raise OSError(errno.EEXIST, words)
        return bool(older)

    def _forget(self) -> None:
        """Who sends datagrams all the time is led to where they go from now on."""
        udp = [port for port in self._ports if port.protocol == "udp"]
        if udp:
            with suppress(OSError):  # a kernel that can't tell forgets by itself, after silence
                numbers = {port.port + n for port in udp for n in range(port.many)}
                conntrack.forget_udp(numbers)

    def _forward(self, version: int) -> None:
        path = _FORWARD[version]
        try:
            _set(path, "1")
        except OSError as error:
            words = f"{path.replace('/', '.')} is 0, and can't be set: {error.strerror}"
            raise OSError(errno.EROFS, words) from None
        self._note(f"{path.replace('/', '.')} has been set to 1, and stays so")

    def _allow_loopback(self, bridge: str) -> None:
        """Answers for 127.0.0.1 come in over the bridge (ip-sysctl.rst, route_localnet)."""
        assert self._entry is not None  # noqa: S101  (as above)
        path = _localnet(bridge)
        if _get(path) == "1" and not _users_of(bridge, self._table):
            return  # as its owner wants it
        self._note(self._entry.clean_up_later("localnet", _entry_of(bridge)))
        self._localnet.append(bridge)
        _set(path, "1")

    def _warn(self, rules: Rules) -> None:
        """Where another table drops what ours lets in: only who owns that can change it."""
        if not firewall.needs(rules):
            return
        for chain in nftables.dropping():
            bridge = rules.links[0].bridge
            self._note(
                f"the chain {chain.family} {chain.table} {chain.name} of this host drops what is "
                f"forwarded; if nothing arrives, let it accept what comes in and goes out by "
                f"{bridge}"
            )

    def _note(self, words: str) -> None:
        if words and self._entry is not None:
            self._entry.notes = (*self._entry.notes, words)

    def undo(self) -> None:
        """Nothing of it is left."""
        while self._localnet:  # before the rule goes that guards it
            close_loopback(self._localnet.pop(), self._table)
        if self._table:
            with suppress(OSError):
                nftables.delete_table(self._table)
            self._table = ""
            self._forget()

    def remedy(self, number: int) -> str:
        """What is usual."""
        known: dict[int, Callable[[], str]] = {
            errno.ENOENT: lambda: _NOT_INSTALLED,
            errno.EIO: lambda: "see modprobe nf_tables nft_nat nft_masq nft_fib_inet",
            errno.EROFS: lambda: "let who owns this host set it: sysctl -w net.ipv4.ip_forward=1",
            errno.EEXIST: lambda: "give this sandbox another name: --name NAME",
            errno.EAFNOSUPPORT: lambda: 'give it one: address = ["10.0.0.2/24", "fd00::2/64"]',
            errno.ENETUNREACH: lambda: (
                "sysctl -w net.ipv6.conf.all.forwarding=1, and accept_ra=2 "
                "for the interface that the router is behind"
            ),
        }
        return known[number]() if number in known else ""


def links_of(made: Sequence[dict[str, Any]]) -> tuple[firewall.Link, ...]:
    """The interfaces on a bridge, as the record of a sandbox has them."""
    import ipaddress  # noqa: PLC0415  (only who publishes needs it)

    return tuple(
        firewall.Link(one["bridge"], tuple(map(ipaddress.ip_interface, one.get("address", ()))))
        for one in made
        if one.get("bridge")
    )


def _words(ended: programs.Ended) -> str:
    if ended.code is None:
        return f"nft did not end within {_SECONDS:.0f} s"
    first = next((line for line in ended.said.splitlines() if line.strip()), "")
    return f"nft says: {first or f'nothing, but ended with {ended.code}'}"


def _may_forward(version: int) -> bool:
    """Whether that is on; OSError where turning it on would take the host off its network."""
    try:
        if _get(_FORWARD[version]) != "0":
            return True
    except OSError:
        return False
    if version == 6 and _has_router():
        words = "this host has its IPv6 route from a router, and would lose it as one that forwards"
        raise OSError(errno.ENETUNREACH, words)
    return False


def _has_router() -> bool:
    try:
        with open("/proc/net/ipv6_route", encoding="ascii") as file:
            return any(int(line.split()[8], 16) & _RTF_DEFAULT for line in file)
    except (OSError, ValueError, IndexError):
        return False


def _hairpin(ports: set[str]) -> None:
    """What a sandbox sends to its own published port comes back by the port it came from."""
    for one in interfaces.list_all():
        if one.name in ports:
            interfaces.set_hairpin(one.number)


# --- What is left by who was killed ---------------------------------------------------------------


def _entry_of(name: str) -> str:
    return f"/{here()}/{name}"


def here() -> int:
    """The network namespace of this process (inode)."""
    return seam.stat("/proc/self/ns/net").st_ino


def remove_entry(kind: str, path: str) -> None:
    """Take back what an entry of the registry names, if it is of this network namespace."""
    where, _, name = path.removeprefix("/").partition("/")
    if where != str(here()):
        return
    if kind == "nft" and name.startswith(firewall.PREFIX):
        nftables.delete_table(name)
    elif kind == "localnet":
        close_loopback(name)


def close_loopback(bridge: str, but: str = "") -> None:
    """Nobody on that bridge needs 127.0.0.1 any more, unless another sandbox does."""
    with suppress(OSError):
        if not _users_of(bridge, but):
            _set(_localnet(bridge), "0")


def _users_of(bridge: str, but: str = "") -> bool:
    """Whether a sandbox that runs is reached by 127.0.0.1 over that bridge."""
    return any(
        table.name.startswith(firewall.PREFIX)
        and table.name != but
        and table.comment.endswith(f" {bridge}")
        and _owner(table.comment)
        for table in nftables.tables()
    )


def _owner(comment: str) -> int:
    """The launcher that a table belongs to, if it still runs."""
    words = comment.split(" ")
    if len(words) < 2 or not all(word.isdigit() for word in words[:2]):
        return 0
    pid, started = int(words[0]), int(words[1])
    return pid if alive.runs(pid, started) else 0


def _localnet(bridge: str) -> str:
    return f"net/ipv4/conf/{bridge}/route_localnet"


def _get(path: str) -> str:
    fd = seam.open_fd(f"/proc/sys/{path}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return seam.read(fd, 32).decode().strip()
    finally:
        os.close(fd)


def _set(path: str, value: str) -> None:
    fd = seam.open_fd(f"/proc/sys/{path}", os.O_WRONLY | os.O_CLOEXEC)
    try:
        seam.write(fd, value.encode())
    finally:
        os.close(fd)
