"""Listening sockets: made, bound, and left to whoever reads them. socket(7), ip(7), unix(7).

All are close-on-exec and blocking, as systemd hands them out. Errors are OSErrors whose text says
what stands in the way where errno alone does not.
"""

from __future__ import annotations

import _socket
import errno
import os
import stat
import struct

from nsinit.kernel import seam
from nsinit.lean import suppress

TYPE_CHECKING = False  # as `typing` has it, which would be loaded before the first service
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final

MANY: Final = 0x7FFF_FFFF  # a backlog that net.core.somaxconn alone limits
_PASS_RIGHTS: Final = 83  # SO_PASSRIGHTS of socket(7), since Linux 6.16
_NO_LINGER: Final = struct.pack("ii", 0, 0)  # struct linger
_NO_IPV6: Final = frozenset({errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL})


class TakenError(OSError):
    """Something else stands at a path where a socket is wanted."""


def adopt(fd: int) -> _socket.socket:
    """A socket that this process has had all along; its flags stay as they are."""
    return _socket.socket(fileno=fd)


def listen_inet(
    host: str, port: int, *, stream: bool, backlog: int, reuse_port: bool, ipv6_only: bool
) -> _socket.socket:
    """A TCP or UDP socket; a host of "" is every address of both families, as far as there are."""
    if host:
        family = _socket.AF_INET6 if ":" in host else _socket.AF_INET
        return _inet(family, host, port, stream, backlog, reuse_port, ipv6_only)
    try:
        return _inet(_socket.AF_INET6, "::", port, stream, backlog, reuse_port, False)
    except OSError as error:
        if error.errno not in _NO_IPV6:
            raise
        return _inet(_socket.AF_INET, "0.0.0.0", port, stream, backlog, reuse_port, False)


def _inet(
    family: int,
    host: str,
    port: int,
    stream: bool,
    backlog: int,
    reuse_port: bool,
    ipv6_only: bool,
) -> _socket.socket:
    made = _make(family, stream=stream)
    try:
        if family == _socket.AF_INET6:
            made.setsockopt(_socket.IPPROTO_IPV6, _socket.IPV6_V6ONLY, int(ipv6_only))
        if stream:  # else two could have one UDP port, and neither would know
            made.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
        if reuse_port:
            made.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEPORT, 1)
        host, _, zone = host.partition("%")
        scope = zone_index(zone) if zone else 0
        seam.ask("bind")
        made.bind((host, port, 0, scope) if family == _socket.AF_INET6 else (host, port))
        if stream:
            made.listen(backlog)
    except OSError:
        made.close()
        raise
    return made


def hold_inet(host: str, port: int, *, stream: bool) -> _socket.socket:
    """A TCP or UDP port that nobody else can have from now on, though nothing listens there.

    What lingers of closed connections is in nobody's way, as for servers (SO_REUSEADDR); a server
    that listens is.
    """
    try:
        return _held(host, port, stream=stream, reuse=False)
    except OSError as error:
        if not stream or error.errno != errno.EADDRINUSE:
            raise
    return _held(host, port, stream=stream, reuse=True)


def _held(host: str, port: int, *, stream: bool, reuse: bool) -> _socket.socket:
    family = _socket.AF_INET6 if ":" in host else _socket.AF_INET
    made = _make(family, stream=stream)
    try:
        if family == _socket.AF_INET6:
            made.setsockopt(_socket.IPPROTO_IPV6, _socket.IPV6_V6ONLY, 1)
        made.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, int(reuse))
        seam.ask("bind")
        made.bind((host, port))
        made.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 0)
    except OSError:
        made.close()
        raise
    return made


def zone_index(zone: str) -> int:
    """The number of the interface that a zone of an IPv6 address names; OSError."""
    if zone.isdigit():
        return int(zone)
    try:
        return _socket.if_nametoindex(zone)
    except OSError:  # it says so without an errno
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV)) from None


def listen_unix(
    path: str, *, stream: bool, backlog: int, mode: int, uid: int = -1, gid: int = -1
) -> _socket.socket:
    """A unix socket in the file system, or with "@name" in the abstract namespace.

    Nobody but its owner to be can reach it before it has its owner and mode.
    """
    if path.startswith("@"):
        return _unix("\0" + path[1:], stream=stream, backlog=backlog)
    from nsinit.kernel.spot import Spot  # noqa: PLC0415  (few services have such a socket)

    with Spot(path) as spot:
        free_path(path, stream=stream)
        made = _make(_socket.AF_UNIX, stream=stream)
        try:
            bind_file(made, path, mode)
            try:
                if (uid, gid) != (-1, -1):
                    spot.give_socket(mode, uid, gid)
                if stream:
                    made.listen(backlog)
            except OSError:
                with suppress(OSError):
                    seam.unlink(spot.name, dir_fd=spot.directory)
                raise
        except OSError:
            made.close()
            raise
    return made


def bind_file(socket: _socket.socket, path: str, mode: int) -> None:
    """Bind to a name in the file system, with that mode from the first moment on; OSError.

    The file gets the mode that the socket's own inode has, which fchmod(2) sets.
    """
    seam.fchmod(socket.fileno(), mode)
    umask = os.umask(0)
    try:
        seam.ask("bind")
        socket.bind(os.fsencode(path))
    finally:
        os.umask(umask)


def _unix(address: str, *, stream: bool, backlog: int) -> _socket.socket:
    made = _make(_socket.AF_UNIX, stream=stream)
    try:
        seam.ask("bind")
        made.bind(os.fsencode(address))
        if stream:
            made.listen(backlog)
    except OSError:
        made.close()
        raise
    return made


def accept(listener: _socket.socket) -> tuple[int, object]:
    """A new connection, blocking and close-on-exec, and its peer's address as Python writes it."""
    seam.ask("accept")
    made: tuple[int, object] = listener._accept()  # type: ignore[attr-defined]  # noqa: SLF001  (`_socket` has no other; typeshed leaves it out)
    return made


def free_path(path: str, *, stream: bool = True) -> None:
    """Remove the socket that a dead process left at `path`; TakenError if something lives there."""
    try:
        if not stat.S_ISSOCK(seam.lstat(path).st_mode):
            raise TakenError(errno.EEXIST, "something that is no socket stands there")
    except FileNotFoundError:
        return
    probe = _make(_socket.AF_UNIX, stream=stream)
    try:
        probe.setblocking(False)
        seam.ask("connect")
        probe.connect(os.fsencode(path))
    except ConnectionRefusedError:
        seam.unlink(path)
        return
    except FileNotFoundError:
        return  # it has just gone
    except BlockingIOError:
        pass  # its queue is full
    except OSError as error:
        if error.errno != errno.EPROTOTYPE:  # a live one of another kind
            raise
    finally:
        probe.close()
    raise TakenError(errno.EADDRINUSE, "another process listens there")


def _make(family: int, *, stream: bool) -> _socket.socket:
    seam.ask("socket")
    kind = _socket.SOCK_STREAM if stream else _socket.SOCK_DGRAM
    return _socket.socket(family, kind | _socket.SOCK_CLOEXEC)


def let_descriptors_in(socket: _socket.socket, *, on: bool) -> None:
    """Whether any can be sent there: else the sender gets EPERM, if the kernel knows how to.

    Those that nobody takes the kernel closes when the bytes are read, which may wait as below.
    Connections have it from their listener.
    """
    with suppress(OSError):
        socket.setsockopt(_socket.SOL_SOCKET, _PASS_RIGHTS, int(on))


def close_received(fds: Iterable[int]) -> None:
    """Close what somebody else has sent, without waiting for it.

    The last close(2) of a connection waits for the other side as long as its sender has said by
    SO_LINGER (socket(7)), whether it is blocking or not; so does that of a unix socket in whose
    queue such a connection was sent.
    """
    given = list(fds)
    queues = []
    for fd in given:
        with suppress(OSError):
            if stat.S_ISSOCK(seam.fstat(fd).st_mode):
                received = _socket.socket(fileno=fd)
                try:
                    if received.family == _socket.AF_UNIX:
                        queues.append(fd)
                    else:
                        received.setsockopt(_socket.SOL_SOCKET, _socket.SO_LINGER, _NO_LINGER)
                finally:
                    received.detach()
    if queues:
        with suppress(OSError):  # short of processes or descriptors: then it is to be waited for
            _leave_to_child(queues)
            given = [fd for fd in given if fd not in queues]
    for fd in given:
        with suppress(OSError):
            os.close(fd)


def _leave_to_child(fds: list[int]) -> None:
    """Close these while a child has them too, which ends then: what ends waits for no connection.

    Its end is waited for, as it is nobody's service and has nothing else to do.
    """
    reader, writer = seam.pipe(os.O_CLOEXEC)
    try:
        pid = seam.fork()
        if pid == 0:
            try:
                os.close(writer)
                seam.read(reader, 1)
            finally:
                os._exit(0)
        for fd in fds:
            os.close(fd)
    finally:
        os.close(writer)
        os.close(reader)
    with suppress(ChildProcessError):
        seam.waitid(os.P_PID, pid, os.WEXITED)
