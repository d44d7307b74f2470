"""Sockets that call somebody, without waiting for an answer. connect(2), udp(7), unix(7)."""

from __future__ import annotations

import _socket
import errno
import os
from typing import TYPE_CHECKING

from nsinit.kernel import seam
from nsinit.kernel.sockets import zone_index

if TYPE_CHECKING:
    from typing import Any

_GOING: set[int] = {errno.EINPROGRESS, errno.EINTR}
_FLAGS = _socket.MSG_DONTWAIT | _socket.MSG_NOSIGNAL


def call_inet(host: str, port: int, *, stream: bool) -> tuple[_socket.socket, bool]:
    """A socket, and whether it is connected by now; `host` is an address. OSError."""
    if ":" not in host:
        return _call(_socket.AF_INET, (host, port), stream=stream)
    plain, _, zone = host.partition("%")
    return _call(_socket.AF_INET6, (plain, port, 0, zone_index(zone) if zone else 0), stream=stream)


def call_unix(path: str, *, stream: bool) -> tuple[_socket.socket, bool]:
    """The same for a path, or "@name" in the abstract namespace."""
    address = b"\0" + path[1:].encode() if path.startswith("@") else os.fsencode(path)
    return _call(_socket.AF_UNIX, address, stream=stream)


def _call(family: int, address: Any, *, stream: bool) -> tuple[_socket.socket, bool]:  # noqa: ANN401
    kind = _socket.SOCK_STREAM if stream else _socket.SOCK_DGRAM
    seam.ask("socket")
    made = _socket.socket(family, kind | _socket.SOCK_NONBLOCK | _socket.SOCK_CLOEXEC)
    try:
        seam.ask("connect")
        number = made.connect_ex(address)
        if number and number not in _GOING:
            raise OSError(number, os.strerror(number))  # noqa: TRY301
    except OSError:
        made.close()
        raise
    return made, number == 0


def outcome(socket: _socket.socket) -> int:
    """The errno with which a connection has failed; 0 if there is one."""
    return int(socket.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR))


def send(socket: _socket.socket, data: bytes | memoryview) -> int:
    """Send what is taken without waiting; OSError."""
    seam.ask("write")
    return socket.send(data, _FLAGS)


def is_over(socket: _socket.socket) -> bool:
    """Whether the other side has hung up; what it says is thrown away."""
    try:
        seam.ask("recv")
        return not socket.recv(4096, _socket.MSG_DONTWAIT)
    except (BlockingIOError, InterruptedError):
        return False
    except OSError:
        return True


def host_name() -> str:
    """What this machine, or the namespace of its name, is called."""
    return os.uname().nodename
