"""Addresses that init can listen on: read, and compared. Pure; names are never looked up.

The spelling is that of systemd's ListenStream= with the kind in front, as in "tcp:127.0.0.1:80".
"""

from __future__ import annotations

from typing import Final, Literal

from nsinit.named import Named
from nsinit.places import SOCKET_PATH_MAX

Kind = Literal["tcp", "udp", "unix", "unix-dgram"]

_KINDS: Final[tuple[Kind, ...]] = ("tcp", "udp", "unix", "unix-dgram")
_EXPECTED: Final = (
    'expected an address such as "tcp:127.0.0.1:8080", "tcp:[::1]:8080", "tcp:8080", '
    '"udp:…", "unix:/run/x.sock", "unix-dgram:…" or "@abstract"'
)
_ZONE: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")


class Endpoint(Named):
    """Where to listen: a host and a port, or a path. A host of "" means every address there is."""

    kind: Kind
    host: str = ""
    port: int = 0
    path: str = ""  # "@name" in the abstract namespace

    @property
    def is_inet(self) -> bool:
        """Whether it has a port."""
        return self.kind in ("tcp", "udp")

    @property
    def is_stream(self) -> bool:
        """Whether clients connect to it."""
        return self.kind in ("tcp", "unix")

    @property
    def is_file(self) -> bool:
        """Whether it stands in the file system."""
        return self.path.startswith("/")

    @property
    def is_ipv6(self) -> bool:
        """Whether its host is an IPv6 address, or would be one."""
        return ":" in self.host or (self.is_inet and not self.host)

    def __str__(self) -> str:
        if not self.is_inet:
            return f"{self.kind}:{self.path}"
        if not self.host:
            return f"{self.kind}:{self.port}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.kind}:{host}:{self.port}"


def parse(text: str) -> Endpoint:
    """The endpoint that a text means; ValueError says what was expected."""
    word, colon, rest = text.partition(":")
    if text.startswith(("/", "@")):
        word, colon, rest = "unix", ":", text
    kind = next((kind for kind in _KINDS if kind == word), None)
    if kind is None or not colon:
        raise ValueError(f"{_EXPECTED}, got {_shown(text)}")
    if kind in ("unix", "unix-dgram"):
        return Endpoint(kind, path=_path(rest))
    if rest.startswith("["):
        host, mark, port = rest[1:].rpartition("]:")
        if not mark:
            raise ValueError(f"{_EXPECTED}, got {_shown(text)}")
        return Endpoint(kind, _ipv6(host), _port(port))
    host, _, port = rest.rpartition(":")
    if ":" in host:
        raise ValueError(f'an IPv6 address stands in brackets, as in "{kind}:[::1]:8080"')
    return Endpoint(kind, "" if host in ("", "*") else _ipv4(host), _port(port))


def overlap(one: Endpoint, other: Endpoint, *, ipv6_only: tuple[bool, bool]) -> bool:
    """Whether only one of two can be had; `ipv6_only` tells of each whether it leaves IPv4 out."""
    if not one.is_inet or not other.is_inet:
        return bool(one.path) and one.path == other.path
    if (one.kind, one.port) != (other.kind, other.port):
        return False
    if one.host == other.host:
        return True
    return any(
        a.host in ("", "::", "0.0.0.0") and b.is_ipv6 in _families(a, only)
        for a, b, only in ((one, other, ipv6_only[0]), (other, one, ipv6_only[1]))
    )


def _families(wild: Endpoint, only: bool) -> tuple[bool, ...]:
    """Whether a wildcard takes IPv4 (False), IPv6 (True) or both."""
    if not wild.is_ipv6:
        return (False,)
    return (True,) if only else (False, True)


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) <= 65_535:
        return int(text)
    raise ValueError(f"expected a port from 1 to 65535, got {_shown(text)}")


def _ipv4(text: str) -> str:
    import ipaddress  # noqa: PLC0415  (only who listens needs it)

    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        raise ValueError(f"expected a numeric IPv4 address, got {_shown(text)}") from None


def _ipv6(text: str) -> str:
    import ipaddress  # noqa: PLC0415  (only who listens needs it)

    zone = text.partition("%")[2]
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        address = None
    if address is None or set(zone) - _ZONE:
        raise ValueError(f"expected an IPv6 address, got {_shown(text)}")
    return str(address)


def _path(text: str) -> str:
    if not text.startswith(("/", "@")) or len(text) < 2 or "\0" in text:
        raise ValueError(f'expected an absolute path or "@name", got {_shown(text)}')
    if len(text.encode("utf-8", "surrogateescape")) > SOCKET_PATH_MAX:
        raise ValueError(f"a socket's path has at most {SOCKET_PATH_MAX} bytes")
    if text.startswith("@"):
        return text
    return "/" + "/".join(part for part in text.split("/") if part not in ("", "."))


def _shown(text: str) -> str:
    return repr(text) if len(text) <= 60 else "a long string"
