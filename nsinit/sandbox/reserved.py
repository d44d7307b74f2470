"""The ports of the host that a sandbox publishes are held, so that nobody else gets them.

A socket of the launcher is bound to each and never listens: what is published is led away before it
would get there, and the kernel tells programs and other sandboxes that the port is taken. It is
free again when the launcher has ended, however that was.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from nsinit.kernel import fds, seam, sockets

if TYPE_CHECKING:
    import _socket

    from nsinit.model.publish import Port
    from nsinit.process.steps import Born
    from nsinit.sandbox.state import Registration

_ALL = {4: "0.0.0.0", 6: "::"}
_NO_IPV6 = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)


class Reserved:
    """Hold all of them, or none."""

    def __init__(self, ports: tuple[Port, ...], entry: Registration | None) -> None:
        self._ports = ports
        self._entry = entry
        self._held: list[_socket.socket] = []

    def describe(self) -> str:
        """For people."""
        return f"publish {', '.join(map(str, self._ports))}"

    def apply(self, init: Born) -> None:
        """bind(2); init was born before, and has none of them."""
        del init
        fds.raise_limit()
        try:
            for port in self._ports:
                for version in port.versions:
                    self._hold(port, version)
        except OSError:
            self.undo()
            raise
        if self._entry is not None:
            self._entry.update(published=tuple(map(str, self._ports)))

    def _hold(self, port: Port, version: int) -> None:
        host = _ALL[version] if port.is_everywhere else port.host
        for number in range(port.port, port.port + port.many):
            try:
                held = sockets.hold_inet(host, number, stream=port.protocol == "tcp")
            except OSError as error:
                if version == 6 and not port.host and error.errno in _NO_IPV6:
                    return  # there is no IPv6 here
                words = self._why(error, port, host, number)
                raise OSError(error.errno, words) from None
            self._held.append(held)

    def _why(self, error: OSError, port: Port, host: str, number: int) -> str:
        what = f"{number}/{port.protocol}"
        if error.errno == errno.EADDRNOTAVAIL:
            return f"no interface of this host has the address {host}"
        if error.errno != errno.EADDRINUSE:
            return f"{what}: {error.strerror}"
        other = self._publisher(number, port.protocol)
        if other:
            return f"the sandbox {other!r} has published {what}"
        return f"a program of this host has {what} already"

    def _publisher(self, number: int, protocol: str) -> str:
        """Which other sandbox of this network namespace has that port; "" if none is known."""
        from nsinit.model.publish import Publish  # noqa: PLC0415  (for a message only)
        from nsinit.sandbox.state import running  # noqa: PLC0415  (for a message only)

        own = self._entry.record.name if self._entry is not None else ""
        for found in running():
            record = found.record
            with suppress(OSError, ValueError):
                if record.name == own or not _is_near(record.launcher):
                    continue
                for port in Publish.read(list(record.published)):
                    has = port.port <= number < port.port + port.many
                    if has and port.protocol == protocol:
                        return record.name
        return ""

    def undo(self) -> None:
        """Let go of them."""
        while self._held:
            self._held.pop().close()

    def remedy(self, number: int) -> str:
        """What somebody can do."""
        known = {
            errno.EADDRINUSE: "publish another port of the host; see ss -tulnp, nsinit net show",
            errno.EADDRNOTAVAIL: "see ip address; without one it is published on all of them",
            errno.EACCES: "ports below net.ipv4.ip_unprivileged_port_start (1024) are root's",
            errno.EMFILE: "publish fewer ports, or raise the limit of open files: ulimit -n",
        }
        return known.get(number, "")


def _is_near(pid: int) -> bool:
    return os.path.samestat(seam.stat(f"/proc/{pid}/ns/net"), seam.stat("/proc/self/ns/net"))
