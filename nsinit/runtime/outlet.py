"""Writing to stdout or stderr of init without ever waiting for whoever reads it.

A full pipe, a stopped terminal or a full disk costs bytes, which are counted and told, and nothing
else. Only whole blocks are dropped, so what arrives is whole lines.
"""

from __future__ import annotations

import _socket
import os
import select
import stat
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from nsinit.kernel import seam

if TYPE_CHECKING:
    from collections.abc import Callable

    from nsinit.runtime.handover import OutletState
    from nsinit.runtime.reactor import Reactor

LIMIT: Final = 1 << 20  # bytes that wait for a slow reader
_SAFE: Final = 4096  # PIPE_BUF: what a pipe that polls as writable takes at once (pipe(7))


class Outlet:
    """One destination, named in messages; `fd` stays open and its flags stay as they are."""

    def __init__(self, fd: int, name: str, reactor: Reactor, limit: int = LIMIT) -> None:
        self.name = name
        self.dropped = 0  # bytes, ever
        self._reactor = reactor
        self._limit = limit
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._untold = 0  # dropped bytes that the reader has not been told of
        self._fd, self._put = _open_without_waiting(fd)

    def write(self, data: bytes) -> None:
        """Write whole lines, now or when the reader takes them, or drop them."""
        if self._waiting:
            if self._size + len(data) > self._limit:
                self._drop(len(data))
                return
        else:
            if self._untold:
                data = self._confession() + data
            data = data[self._try(data) :]
        if data:
            self._waiting.append(data)
            self._size += len(data)
            if len(self._waiting) == 1:
                self._reactor.add_writer(self._fd, self.flush)

    def flush(self) -> bool:
        """Write what waits, as far as it goes; whether nothing waits any more."""
        while self._waiting:
            data = self._waiting[0]
            written = self._try(data)
            self._size -= written
            if written < len(data):
                self._waiting[0] = data[written:]
                return False
            self._waiting.popleft()
        self._reactor.remove_writer(self._fd)
        if self._untold:
            self.write(b"")
        return not self._waiting

    def export(self) -> OutletState:
        """What waits, and what was dropped."""
        from nsinit.runtime.handover import OutletState  # noqa: PLC0415  (loaded by then)

        return OutletState(b"".join(self._waiting), self.dropped, self._untold)

    def adopt(self, state: OutletState) -> None:
        """Go on for another outlet to the same place."""
        self.dropped, self._untold = state.dropped, 0
        if state.waiting:
            self.write(state.waiting)
        self._untold += state.untold

    def _try(self, data: bytes) -> int:
        """How many bytes were taken; all of them if there is nobody to take any, ever."""
        written = 0
        try:
            while written < len(data):
                written += self._put(self._fd, data[written:])
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:  # closed, a full disk: this is lost, what comes later may not be
            self._drop(len(data) - written)
            return len(data)
        return written

    def _drop(self, count: int) -> None:
        self.dropped += count
        self._untold += count

    def _confession(self) -> bytes:
        count, self._untold = self._untold, 0
        return f"nsinit | {count} bytes were dropped here: {self.name} took no more\n".encode()


def _open_without_waiting(fd: int) -> tuple[int, Callable[[int, bytes], int]]:
    """A descriptor for the same file, and a write to it that does not wait.

    O_NONBLOCK belongs to the open file, which a terminal's other users share, so ours is a new one
    where the kernel lets us open it again (a pipe of another user's it does not).
    """
    try:
        mode = os.fstat(fd).st_mode
    except OSError:
        return fd, seam.write
    if stat.S_ISREG(mode):
        return fd, seam.write  # a file does not wait for anybody
    if stat.S_ISSOCK(mode):
        return fd, _send
    flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    with suppress(OSError):
        return seam.open_fd(f"/proc/self/fd/{fd}", flags), seam.write
    return fd, _write_what_fits


def _send(fd: int, data: bytes) -> int:
    """Send on a socket that somebody else made, and whose flags are theirs."""
    seam.ask("write")
    connection = _socket.socket(fileno=fd)
    try:
        return connection.send(data, _socket.MSG_DONTWAIT | _socket.MSG_NOSIGNAL)
    finally:
        connection.detach()


def _write_what_fits(fd: int, data: bytes) -> int:
    """Write to a blocking pipe or terminal what it has room for."""
    poll = select.poll()
    poll.register(fd, select.POLLOUT)
    if not poll.poll(0):
        raise BlockingIOError
    return seam.write(fd, data[:_SAFE])


def same_file(one: int, other: int) -> bool:
    """Whether two descriptors lead to one place, so that their lines must not be mixed."""
    try:
        a, b = os.fstat(one), os.fstat(other)
    except OSError:
        return False
    return (a.st_dev, a.st_ino, a.st_rdev) == (b.st_dev, b.st_ino, b.st_rdev)
