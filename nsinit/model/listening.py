"""What the `sockets` of services must fulfil: named checks, like those of `nsinit.model.checks`."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Final

from nsinit.model.addresses import overlap, parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nsinit.model.addresses import Endpoint
    from nsinit.model.lines import KeyPath
    from nsinit.model.spec import Config, Socket

    Finding = tuple[KeyPath, str, str]
    Row = tuple[KeyPath, Socket, Endpoint]

NAME_MAX: Final = 255  # sd_listen_fds_with_names(3)
FD_STORE_MAX: Final = 4096
CONNECTIONS: Final = 65_536
BACKLOG_MAX: Final = 0x7FFF_FFFF


def rows(config: Config) -> list[Row]:
    """Every socket of every service, with its place in the file."""
    return [
        (("services", name, "sockets", index), socket, parse(socket.listen))
        for name, spec in config.services.items()
        for index, socket in enumerate(spec.sockets)
    ]


def addresses_are_apart(config: Config) -> Iterator[Finding]:
    """No two sockets want the same address, unless both say that they share it."""
    for (_, one, left), (path, other, right) in combinations(rows(config), 2):
        shared = one.reuse_port and other.reuse_port
        only = (one.ipv6_only, other.ipv6_only)
        if not shared and overlap(left, right, ipv6_only=only):
            yield (*path, "listen"), f"{right} is taken by another socket: {left}", ""


def socket_keys_fit(config: Config) -> Iterator[Finding]:
    """A key that means nothing for this kind of socket is a mistake."""
    for path, socket, at in rows(config):
        fits = {
            "mode": at.is_file,
            "user": at.is_file,
            "group": at.is_file,
            "reuse_port": at.is_inet,
            "ipv6_only": at.is_ipv6 and at.host != "",
            "backlog": at.is_stream,
            "accept": at.is_stream,
            "lazy": not socket.accept,
            "max_connections": socket.accept,
        }
        kinds = {
            "mode": "a socket in the file system",
            "user": "a socket in the file system",
            "group": "a socket in the file system",
            "reuse_port": "tcp and udp",
            "ipv6_only": "an IPv6 address such as [::]",
            "backlog": "tcp and unix",
            "accept": "tcp and unix",
            "lazy": "sockets that the service itself gets",
            "max_connections": "accept = true",
        }
        for key, fit in fits.items():
            value = getattr(socket, key)
            if not fit and value is not None and value is not False:
                yield (*path, key), f"is for {kinds[key]}, not for {at}", ""


def socket_values(config: Config) -> Iterator[Finding]:
    """Names can stand in LISTEN_FDNAMES, and numbers mean something."""
    for path, socket, _ in rows(config):
        name = socket.name
        if name is not None and (bad := bad_fd_name(name)):
            yield (*path, "name"), bad, ""
        if socket.backlog is not None and not 0 < socket.backlog <= BACKLOG_MAX:
            yield (*path, "backlog"), "expected a number above 0", ""
        if socket.max_connections is not None and not 0 < socket.max_connections <= CONNECTIONS:
            text = f"expected a number from 1 to {CONNECTIONS}"
            yield (*path, "max_connections"), text, ""
    for service, spec in config.services.items():
        if not 0 <= spec.fd_store_max <= FD_STORE_MAX:
            text = f"expected a number from 0 to {FD_STORE_MAX}"
            yield ("services", service, "fd_store_max"), text, ""


def accepting_services(config: Config) -> Iterator[Finding]:
    """A service that has a process per connection has none that could do anything else."""
    for name, spec in config.services.items():
        if not any(socket.accept for socket in spec.sockets):
            continue
        path = ("services", name, "sockets")
        if not all(socket.accept for socket in spec.sockets):
            yield path, "accept = true is for all of a service's sockets or for none", ""
        needs_main = {
            "type": spec.type != "simple",
            "ready": spec.ready is not None and spec.ready.notify,
            "watchdog": spec.watchdog > 0,
            "replicas": spec.replicas is not None,
            "fd_store_max": spec.fd_store_max > 0,
            "reload_signal": spec.reload_signal is not None,
            "tty": spec.tty is True,
        }
        for key, given in needs_main.items():
            if given:
                text = "with accept = true there is no main process for this"
                yield ("services", name, key), text, ""


def lazy_dependencies(config: Config) -> Iterator[Finding]:
    """Who waits for a lazy service waits until somebody else connects to it."""
    for name, spec in config.services.items():
        for other, written in spec.depends_on.items():
            target = config.services.get(other)
            if target is None or not any(socket.lazy for socket in target.sockets):
                continue
            if written in ("", "ready", "started"):
                path = ("services", name, "depends_on")
                text = f'"{other}" starts only when somebody connects to it'
                yield path, text, "its sockets are there from the beginning: use after"


def bad_fd_name(name: str) -> str:
    """What is wrong with the name of a descriptor, or nothing; sd_listen_fds(3)."""
    if not name or len(name) > NAME_MAX:
        return f"a name has 1 to {NAME_MAX} characters"
    if not name.isascii() or not name.isprintable() or ":" in name:
        return "a name has printable ASCII characters other than ':'"
    return ""


STRICT: Final = (addresses_are_apart, socket_keys_fit, socket_values, accepting_services)
ADVICE: Final = (lazy_dependencies,)
