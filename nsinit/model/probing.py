"""How a service is asked, or tells, that it works: what is written, turned into what is needed.

A probe never looks up a name, which could take long: a host is an address or "localhost". Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nsinit.named import Named

if TYPE_CHECKING:
    import re

    from nsinit.model.spec import Health, Http, Ready

ASKED: Final = ("exec", "http", "tcp", "unix", "file")  # nsinit asks
TOLD: Final = ("notify", "fd", "log")  # the service tells
PATH_MAX: Final = 107  # unix(7): sun_path holds 108 bytes with its NUL
FDS: Final = range(3, 1024)  # that a service may get besides the first three
LINE_MAX: Final = 2048  # bytes of a line that a pattern is held against: a bound for its cost
_TOKEN: Final = frozenset(
    "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
)
_OURS: Final = ("connection", "content-length", "transfer-encoding", "expect", "upgrade")
_SCHEME: Final = "http://"


class Target(Named):
    """Where an HTTP request goes: the addresses to try in turn, the Host header, the path."""

    addresses: tuple[tuple[str, int], ...]
    host: str
    path: str


def ways(table: Ready | Health) -> list[str]:
    """The ways of asking that a table names."""
    return [name for name in ASKED if getattr(table, name, None) is not None]


def told_ways(table: Ready) -> list[str]:
    """The ways of telling that a table names."""
    return [name for name in TOLD if getattr(table, name) not in (None, False)]


def declares(table: Ready | None) -> bool:
    """Whether the table says how to tell that a service is ready."""
    return table is not None and bool(ways(table) or told_ways(table))


def addresses(host: str, port: int) -> tuple[tuple[str, int], ...]:
    """What to connect to, in turn."""
    hosts = ("127.0.0.1", "::1") if host == "localhost" else (host,)
    return tuple((each, port) for each in hosts)


def parse_address(text: str) -> tuple[str, int]:
    """Host and port of "127.0.0.1:80", "[::1]:80", "localhost:80", ":80" or "80"."""
    host, colon, port = text.rpartition(":")
    if not host:
        host = "localhost"
    elif host.startswith("[") and host.endswith("]") and ":" in host:
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(f"an IPv6 address stands in brackets, as in [::1]:80, got {text!r}")
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) < 65536):
        what = "a port from 1 to 65535" if colon else 'a port, or "host:port"'
        raise ValueError(f"expected {what}, got {text!r}")
    if host != "localhost" and not is_address(host):
        raise ValueError(f'{host!r} is no address: names are not looked up, except "localhost"')
    return host, int(port)


def is_address(host: str) -> bool:
    """Whether it is an IPv4 or IPv6 address, without a zone."""
    from _socket import AF_INET, AF_INET6, inet_pton  # noqa: PLC0415  (few need it)

    for family in (AF_INET, AF_INET6):
        try:
            inet_pton(family, host)
        except (OSError, ValueError):  # UnicodeEncodeError, and NUL inside, are ValueErrors
            continue
        return True
    return False


def parse_url(text: str) -> Target:
    """An http:// URL with an address for a host; ValueError tells what is wrong with it."""
    if text[:8].lower() == "https://":
        raise ValueError("https is not spoken: use exec with curl, or ask a port without TLS")
    if text[: len(_SCHEME)].lower() != _SCHEME:
        raise ValueError(f"expected http://HOST[:PORT][/PATH], got {text!r}")
    rest = text[len(_SCHEME) :]
    end = next((at for at, char in enumerate(rest) if char in "/?#"), len(rest))
    place, path = rest[:end], rest[end:].partition("#")[0]
    if place[:1] in ("", ":"):
        raise ValueError(f"names no host: {text!r}")
    if "@" in place:
        raise ValueError("a user in the URL is not understood: use headers = {Authorization = …}")
    if any(not "!" <= char <= "~" for char in path):
        raise ValueError(
            "the path has characters that stand in no URL: write them as %20 and so on"
        )
    has_port = place.rpartition("]")[2].rpartition(":")[1]
    host, port = parse_address(place if has_port else f"{place}:80")
    return Target(addresses(host, port), place, path if path[:1] == "/" else f"/{path}")


def request(http: Http) -> bytes:
    """The bytes to send; the connection is for one answer."""
    target = parse_url(http.url)
    fields = {"Host": target.host, "User-Agent": "nsinit", "Accept": "*/*"}
    for name, value in http.headers.items():
        fields = {k: v for k, v in fields.items() if k.lower() != name.lower()} | {name: value}
    rows = [f"{http.method} {target.path} HTTP/1.1", *(f"{k}: {v}" for k, v in fields.items())]
    text = "\r\n".join([*rows, "Connection: close", "", ""])
    return text.encode("utf-8", "surrogateescape")


def bad_header(name: str, value: str) -> str:
    """What is wrong with a header of a request, or nothing."""
    if not name or set(name) - _TOKEN:
        return f"{name!r} can't be the name of a header"
    if name.lower() in _OURS:
        return "is set by nsinit"
    if any(char in value for char in "\r\n\0"):
        return "a header is one line, without NUL"
    return ""


def explodes(pattern: str) -> bool:
    """Whether a repeat stands inside a repeat, as in (a+)+: some lines would take it for ever."""
    inside: list[bool] = [False]  # for each open group, whether it repeats something
    at, last = 0, False  # and whether the group that has just been closed does
    while at < len(pattern):
        char = pattern[at]
        unbounded = char in "*+" or (char == "{" and pattern[at:].partition("}")[0][-1:] == ",")
        if unbounded and last:
            return True
        last = False
        if char == "\\":
            at += 1
        elif char == "[":
            at = max(pattern.find("]", at + 2 + (pattern[at + 1 : at + 2] == "^")), at)
        elif char == "(":
            inside.append(False)
        elif char == ")" and len(inside) > 1:
            last = inside.pop()
            inside[-1] |= last
        elif unbounded:
            inside[-1] = True
        at += 1
    return False


def compile_pattern(text: str) -> re.Pattern[bytes]:
    """The regular expression of a log line; ValueError tells what is wrong with it."""
    if explodes(text):
        raise ValueError("has a repeat inside a repeat, which some lines would take for ever")
    import re  # noqa: PLC0415  (5 ms, for those who look at lines)
    import warnings  # noqa: PLC0415  (re has it loaded)

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what will mean something else in a later Python
            return re.compile(text.encode("utf-8", "surrogateescape"))
    except (re.error, RecursionError, OverflowError, Warning) as error:
        raise ValueError(f"is no regular expression: {error}") from None
