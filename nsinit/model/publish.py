"""Published ports: which ports of the host lead to which of a sandbox. Pure.

The spelling is docker's, "[ADDRESS:]PORT:TO[/PROTOCOL]", where both ports may be ranges of one
length; the table is that of compose. No port is ever chosen by itself, and no name is looked up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from nsinit.named import Named
from nsinit.units import kind_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Protocol = Literal["tcp", "udp"]
PORTS_MAX: Final = 4096  # of one sandbox; each is held by a descriptor of the launcher
_PROTOCOLS: Final[tuple[Protocol, ...]] = ("tcp", "udp")
_LAST: Final = 65_535
_KEYS: Final = frozenset({"target", "published", "protocol", "host_ip"})
_FORMS: Final = (
    '"8080:80", "127.0.0.1:8080:80/tcp", "[::1]:53:53/udp", "8000-8010:8000-8010" '
    "or {published = 8080, target = 80}"
)


class Port(Named):
    """`many` ports of the host from `port` on, which lead to as many of the sandbox from `to` on.

    A host of "" is every address; "0.0.0.0" every IPv4 and "::" every IPv6 address.
    """

    host: str
    port: int
    to: int
    many: int = 1
    protocol: Protocol = "tcp"

    @property
    def is_ipv6(self) -> bool:
        """Whether it is for IPv6 alone."""
        return ":" in self.host

    @property
    def versions(self) -> tuple[int, ...]:
        """Of IP, for which it is."""
        return ((6,) if self.is_ipv6 else (4,)) if self.host else (4, 6)

    @property
    def is_loopback(self) -> bool:
        """Whether only the host itself can use it."""
        return self.host == "::1" or self.host.startswith("127.")

    @property
    def is_everywhere(self) -> bool:
        """Whether it is on all the addresses of its versions."""
        return self.host in ("", "0.0.0.0", "::")

    def __str__(self) -> str:
        host = f"[{self.host}]" if self.is_ipv6 else self.host
        ports = f"{_span(self.port, self.many)}:{_span(self.to, self.many)}"
        return f"{host}{':' if host else ''}{ports}/{self.protocol}"


class Publish(tuple[Port, ...]):
    """All that a sandbox publishes; one may be written without the array around it."""

    __slots__ = ()

    @staticmethod
    def read(value: object) -> list[Port]:
        """From docker's short form, compose's table, or an array of them."""
        items = value if isinstance(value, (list, tuple)) and not _is_read(value) else [value]
        return [_read(item) for item in items]


def _is_read(value: Sequence[object]) -> bool:
    """Whether it is what a Port is when it has been written and read again."""
    kinds = (str, int, int, int, str)
    return len(value) == len(kinds) and all(
        isinstance(item, kind) and not isinstance(item, bool)
        for item, kind in zip(value, kinds, strict=True)
    )


def _read(item: object) -> Port:
    if isinstance(item, str):
        return _read_text(item)
    if isinstance(item, dict):
        return _read_table(item)
    if isinstance(item, (list, tuple)) and _is_read(item):
        host, port, to, count, protocol = item
        first, last = _ports(f"{port}-{port + count - 1}", "a port of the host")
        _ports(f"{to}-{to + count - 1}", "a port of the sandbox")
        return Port(_host(host), first, to, last - first + 1, _protocol(protocol))
    more = f'; write "{item}:{item}"' if isinstance(item, int) and 0 < item <= _LAST else ""
    raise ValueError(f"expected {_FORMS}, got {_shown(item)}{more}")


def _read_text(text: str) -> Port:
    body, mark, protocol = text.partition("/")
    if body.startswith("["):
        host, bracket, ports = body[1:].partition("]:")
        if not bracket:
            raise ValueError(f"expected {_FORMS}, got {_shown(text)}")
        if ":" not in host:
            raise ValueError(f"expected an IPv6 address in the brackets, got {_shown(host)}")
    else:
        host, _, ports = body.rpartition(":")
        host, colon, first = host.rpartition(":")
        ports = f"{first}:{ports}" if first or colon else ports
        if ":" in host:
            raise ValueError('an IPv6 address stands in brackets, as in "[::1]:8080:80"')
        if colon and not host:
            raise ValueError(f"expected an address before the first colon, got {_shown(text)}")
    outside, colon, inside = ports.partition(":")
    if not colon or not outside:
        raise ValueError(_which_port(inside or outside))
    return _port(host, outside, inside, protocol if mark else "tcp")


def _which_port(port: str) -> str:
    """Docker would choose one of the host by itself, and nobody would know which."""
    wanted = f', as in "{port}:{port}"' if port.isascii() and port.isdigit() else f" in {_FORMS}"
    return f"a published port names that of the host too{wanted}"


def _read_table(table: dict[object, object]) -> Port:
    unknown = sorted(str(key) for key in table.keys() - _KEYS)
    if unknown:
        known = ", ".join(sorted(_KEYS))
        raise ValueError(f"expected the keys {known}, got {_shown(unknown[0])}")
    for key in ("published", "target"):
        if key not in table:
            raise ValueError(f'the key "{key}" is missing; expected {_FORMS}')
    host = table.get("host_ip", "")
    if not isinstance(host, str):
        raise ValueError(f"host_ip: expected an address, got {_shown(host)}")
    outside, inside = table["published"], table["target"]
    return _port(host, outside, inside, table.get("protocol", "tcp"))


def _port(host: str, outside: object, inside: object, protocol: object) -> Port:
    first, last = _ports(outside, "a port of the host")
    to, end = _ports(inside, "a port of the sandbox")
    if last - first != end - to:
        numbers = f"{last - first + 1} of the host and {end - to + 1} of the sandbox"
        raise ValueError(f"both ranges have as many ports, got {numbers}")
    return Port(_host(host), first, to, last - first + 1, _protocol(protocol))


def _ports(value: object, what: str) -> tuple[int, int]:
    """The first and last of a range, or of one."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if isinstance(text, str):
        low, mark, high = text.partition("-")
        ends = [int(end) for end in (low, high if mark else low) if _is_number(end)]
        if len(ends) == 2 and 0 < ends[0] <= ends[1] <= _LAST:
            return ends[0], ends[1]
    raise ValueError(f"expected {what} from 1 to {_LAST}, or a range, got {_shown(value)}")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5


def _protocol(value: object) -> Protocol:
    for known in _PROTOCOLS:
        if value == known:
            return known
    raise ValueError(f'expected "tcp" or "udp", got {_shown(value)}')


def _host(text: str) -> str:
    if not text:
        return ""
    import ipaddress  # noqa: PLC0415  (only an address needs it)

    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        more = '; write "127.0.0.1"' if text == "localhost" else ""
        raise ValueError(f"expected a numeric address, got {_shown(text)}{more}") from None
    if "%" in text:
        raise ValueError(f"an address has no zone here, got {_shown(text)}")
    if address.version == 6 and address.ipv4_mapped is not None:
        raise ValueError(f'write "{address.ipv4_mapped}" for {text}')
    return str(address)


def _span(first: int, count: int) -> str:
    return str(first) if count == 1 else f"{first}-{first + count - 1}"


def _shown(value: object) -> str:
    return repr(value) if isinstance(value, str) and len(value) <= 60 else kind_of(value)


def overlap(one: Port, other: Port) -> bool:
    """Whether a port of the host would lead to two places."""
    if one.protocol != other.protocol:
        return False
    if one.port + one.many <= other.port or other.port + other.many <= one.port:
        return False
    if not set(one.versions) & set(other.versions):
        return False
    return one.is_everywhere or other.is_everywhere or one.host == other.host


def faults(ports: Sequence[Port]) -> Iterator[tuple[int | None, str, str]]:
    """What can't be published: the index (None: all of it), what is wrong, a hint."""
    total = sum(port.many for port in ports)
    if total > PORTS_MAX:
        yield None, f"publishes {total} ports, {PORTS_MAX} are possible", ""
    for index, port in enumerate(ports):
        before = next((other for other in ports[:index] if overlap(port, other)), None)
        if before is not None:
            yield index, f"{port} shares ports of the host with {before}", ""
