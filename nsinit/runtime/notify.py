"""sd_notify(3): services speak of themselves.

Each service has a socket of its own, owned by its user, so that another user's service cannot
speak for it; a process of another service with the same user is told by its credentials.
"""

from __future__ import annotations

import _socket
import errno
import os
import struct
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from nsinit.kernel import seam
from nsinit.kernel.sockets import close_received
from nsinit.named import Named
from nsinit.places import SOCKET_PATH_MAX

if TYPE_CHECKING:
    from collections.abc import Callable

    from nsinit.runtime.handover import Keep, NotifyState
    from nsinit.runtime.reactor import Reactor

    _Received = tuple[bytes, list[tuple[int, int, bytes]], int, object]

_CREDENTIALS: Final = struct.Struct("=iII")
_MAX_DATAGRAM: Final = 4096
_MAX_FDS: Final = 253  # SCM_MAX_FD
_ROOM: Final = _socket.CMSG_SPACE(_CREDENTIALS.size) + _socket.CMSG_SPACE(4 * _MAX_FDS)
_CLOEXEC: Final = _socket.MSG_CMSG_CLOEXEC
_BURST: Final = 64  # datagrams of one service per turn


class Message(Named):
    """One datagram; `own_user`: whoever sent it has the uid that the service has."""

    service: str
    run: int
    pid: int  # of the sender; 0 when that is in a pid namespace that can't be seen from here
    own_user: bool
    fields: dict[str, str]
    fds: tuple[int, ...] = ()


class Notify:
    """The sockets of all services that report by sd_notify, in one directory of init's own."""

    def __init__(self, make_directory: Callable[[], str | None], reactor: Reactor) -> None:
        """The directory is made when the first service needs it."""
        # Tells whether it keeps the descriptors; those that nobody keeps are closed at once, which
        # is what the sender of a BARRIER=1 waits for.
        self.heard: Callable[[Message], bool] = lambda _: False
        self._make_directory = make_directory
        self._directory: str | None = None
        self._reactor = reactor
        self._sockets: dict[str, tuple[_socket.socket, str]] = {}
        self._runs: dict[str, tuple[int, int]] = {}  # run and uid

    def path(self, service: str) -> str:
        """Where the socket of a service is or will be; OSError if there can't be one."""
        self._directory = self._directory or self._make_directory()
        if self._directory is None:
            raise OSError(errno.EROFS, "no directory for notify sockets can be written")
        path = f"{self._directory}/{service}"
        if len(os.fsencode(path)) > SOCKET_PATH_MAX:
            raise OSError(errno.ENAMETOOLONG, f"the path {path} is too long for a socket")
        return path

    def open(self, service: str, run: int, owner: int | None) -> str:
        """The path for NOTIFY_SOCKET of a run; OSError if there can't be one."""
        self._runs[service] = (run, os.geteuid() if owner is None else owner)
        if service in self._sockets:
            self.drain(service, discard=True)  # what an earlier run still had to say
            return self._sockets[service][1]
        path = self.path(service)
        seam.ask("socket")
        made = _socket.socket(_socket.AF_UNIX, _socket.SOCK_DGRAM | _socket.SOCK_CLOEXEC)
        try:
            made.setblocking(False)
            made.setsockopt(_socket.SOL_SOCKET, _socket.SO_PASSCRED, 1)
            if os.path.lexists(path):
                os.unlink(path)
            made.bind(path)
            os.chmod(path, _let_in(path, owner))
        except OSError:
            made.close()
            raise
        self._sockets[service] = (made, path)
        self._reactor.add_reader(made.fileno(), partial(self.drain, service))
        return path

    def drain(self, service: str, *, discard: bool = False) -> None:
        """Hear what a service has said so far."""
        entry = self._sockets.get(service)
        if entry is None:
            return
        left: list[int] = []
        try:
            for _ in range(_BURST):
                try:
                    seam.ask("recvmsg")
                    received = entry[0].recvmsg(_MAX_DATAGRAM, _ROOM, _CLOEXEC)
                except (BlockingIOError, InterruptedError):
                    return
                left += self._hear(service, received, discard=discard)
                if len(left) >= _MAX_FDS:
                    close_received(left)
                    left = []
        finally:
            close_received(left)

    def _hear(self, service: str, received: _Received, *, discard: bool) -> tuple[int, ...]:
        """The descriptors that came with a datagram and that nobody keeps."""
        data, ancillary, flags, _ = received
        sender, fds = _take_ancillary(ancillary)
        kept = False
        try:
            if sender is not None and not discard and not flags & _socket.MSG_TRUNC:
                run, owner = self._runs[service]
                own_user = sender[1] == owner
                message = Message(service, run, sender[0], own_user, parse(data), fds)
                kept = self.heard(message)
        except BaseException:
            close_received(fds)
            raise
        return () if kept else fds

    def export(self, keep: Keep) -> NotifyState:
        """The sockets that there are."""
        from nsinit.runtime.handover import NotifyState  # noqa: PLC0415  (loaded by then)

        rows = [
            (service, keep(made.fileno()), path, *self._runs[service])
            for service, (made, path) in self._sockets.items()
        ]
        return NotifyState(self._directory, rows)

    def adopt(self, state: NotifyState) -> None:
        """Listen on the sockets that another made."""
        self._directory = state.directory
        for service, fd, path, run, owner in state.sockets:
            made = _socket.socket(fileno=fd)
            made.setblocking(False)
            self._sockets[service], self._runs[service] = (made, path), (run, owner)
            self._reactor.add_reader(fd, partial(self.drain, service))

    def close(self) -> None:
        """Remove all sockets and their directory."""
        for service, (made, path) in self._sockets.items():
            self.drain(service, discard=True)  # closing it would close descriptors within
            self._reactor.remove_reader(made.fileno())
            made.close()
            with suppress(OSError):
                seam.unlink(path)
        self._sockets.clear()
        if self._directory is not None:
            with suppress(OSError):
                seam.rmdir(self._directory)


def parse(data: bytes) -> dict[str, str]:
    """The fields of a datagram; the last of two with one name counts."""
    text = data.decode("utf-8", "replace")
    rows = (line.partition("=") for line in text.split("\n"))
    return {name: value for name, mark, value in rows if mark}


def _let_in(path: str, owner: int | None) -> int:
    """Give the socket to its service's user; its mode. Without CAP_CHOWN all may write to it."""
    if owner is not None:
        try:
            seam.chown(path, owner, -1)
        except OSError:
            return 0o622  # the sender's credentials still tell who it is
    return 0o600


def _take_ancillary(
    ancillary: list[tuple[int, int, bytes]],
) -> tuple[tuple[int, int] | None, tuple[int, ...]]:
    """The sender's pid and uid, and the descriptors that came along."""
    sender: tuple[int, int] | None = None
    fds: list[int] = []
    for level, kind, data in ancillary:
        if level != _socket.SOL_SOCKET:
            continue
        if kind == _socket.SCM_RIGHTS:
            fds += (fd for (fd,) in struct.iter_unpack("=i", data[: len(data) // 4 * 4]))
        elif kind == _socket.SCM_CREDENTIALS and len(data) >= _CREDENTIALS.size:
            pid, uid, _ = _CREDENTIALS.unpack_from(data)
            sender = (pid, uid)
    return sender, tuple(fds)
