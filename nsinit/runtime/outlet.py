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

    from nsinit.runtime.logstate import OutletState
    from nsinit.runtime.reactor import Reactor
    from nsinit.runtime.tally import Tallies, Tally

LIMIT: Final = 1 << 20  # bytes that wait for a slow reader
_NOBODY: Final = ("", "", "")  # in the place of a tally's key: nsinit's own lines
_NEWLINE: Final = 10
_SAFE: Final = 4096  # PIPE_BUF: what a pipe that polls as writable takes at once (pipe(7))


class Outlet:
    """One destination, named in messages; `fd` stays open and its flags stay as they are."""

    def __init__(self, fd: int, name: str, reactor: Reactor, limit: int = LIMIT) -> None:
        self.name = name
        self.dropped = 0  # bytes, ever
        self.confess: Callable[[int], bytes] = _confession  # how a loss is told
        self._reactor = reactor
        self._limit = limit
        self._waiting: deque[tuple[bytes | memoryview, Tally | None]] = deque()
        self._size = 0
        self._untold = 0  # dropped bytes that the reader has not been told of
        self._told = (b"", 0)  # what is being told of how many
        self._torn = False  # the last line that was taken has no end
        self._fd, self._put = _open_without_waiting(fd)

    def write(self, data: bytes, tally: Tally | None = None) -> None:
        """Write whole lines, now or when the reader takes them, or drop them, which is counted."""
        if self._waiting and self._size + len(data) > self._limit:
            self._drop(len(data), tally)
            return
        if not self._waiting and self._untold:
            self._tell()
        self._put_out(data, tally)

    def _put_out(self, data: bytes, tally: Tally | None) -> None:
        if not self._waiting:
            data = data[self._try(data, tally) :]
        if data:
            self._waiting.append((data, tally))
            self._size += len(data)
            if len(self._waiting) == 1:
                self._reactor.add_writer(self._fd, self.flush)

    def flush(self) -> bool:
        """Write what waits, as far as it goes; whether nothing waits any more."""
        while self._waiting:
            data, tally = self._waiting[0]
            written = self._try(data, tally)
            self._size -= written
            if written < len(data):
                self._waiting[0] = (memoryview(data)[written:], tally)  # which copies nothing
                return False
            self._waiting.popleft()
        self._reactor.remove_writer(self._fd)
        if self._untold:
            self._tell()
        return not self._waiting

    @property
    def unsent(self) -> int:
        """Bytes that wait."""
        return self._size

    def export(self) -> OutletState:
        """What waits, and what was dropped."""
        from nsinit.runtime.logstate import OutletState  # noqa: PLC0415  (loaded by then)

        pieces = [(len(data), *(tally.key if tally else _NOBODY)) for data, tally in self._waiting]
        waiting = b"".join(data for data, _ in self._waiting)
        return OutletState(waiting, self.dropped, self._untold, pieces, self._torn)

    def adopt(self, state: OutletState, tallies: Tallies) -> None:
        """Go on for another outlet to the same place."""
        self.dropped, self._untold, self._torn = state.dropped, 0, state.torn
        at = 0
        for size, *key in state.pieces or [(len(state.waiting), *_NOBODY)]:
            data = state.waiting[at : at + size]
            at += size
            if data:
                self._put_out(data, tallies.of(*key) if any(key) else None)
        self._untold += state.untold

    def _try(self, data: bytes | memoryview, tally: Tally | None) -> int:
        """How many bytes were taken; all of them if there is nobody to take any, ever."""
        written, view = 0, memoryview(data)
        try:
            while written < len(data):
                written += self._put(self._fd, view[written:])
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:  # closed, a full disk: this is lost, what comes later may not be
            if written:
                self._torn = data[written - 1] != _NEWLINE
            text, count = self._told
            if tally is None and text.endswith(bytes(data)):
                self._untold += count  # nobody was told
            else:
                self._drop(len(data) - written, tally)
            return len(data)
        if written:
            self._torn = data[written - 1] != _NEWLINE
        return written

    def _drop(self, count: int, tally: Tally | None) -> None:
        self.dropped += count
        self._untold += count
        if tally is not None:
            tally.dropped += count

    def _tell(self) -> None:
        """Tell the reader what was dropped; before anything else comes."""
        count, self._untold = self._untold, 0
        text = (b"\n" if self._torn else b"") + self.confess(count)
        self._told = (text, count)
        self._put_out(text, None)


def _confession(count: int) -> bytes:
    return f"nsinit | {count} bytes were dropped here\n".encode()


def _open_without_waiting(fd: int) -> tuple[int, Callable[[int, memoryview], int]]:
    """A descriptor for the same file, and a write to it that does not wait.

    O_NONBLOCK belongs to the open file, which a terminal's other users share, so ours is a new one
    where the kernel lets us open it again (a pipe of another user's it does not).
    """
    try:
        mode = seam.fstat(fd).st_mode
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


def _send(fd: int, data: memoryview) -> int:
    """Send on a socket that somebody else made, and whose flags are theirs."""
    seam.ask("write")
    connection = _socket.socket(fileno=fd)
    try:
        return connection.send(data, _socket.MSG_DONTWAIT | _socket.MSG_NOSIGNAL)
    finally:
        connection.detach()


def _write_what_fits(fd: int, data: memoryview) -> int:
    """Write to a blocking pipe or terminal what it has room for."""
    seam.ask("poll")
    poll = select.poll()
    poll.register(fd, select.POLLOUT)
    if not poll.poll(0):
        raise BlockingIOError
    return seam.write(fd, data[:_SAFE])


def same_file(one: int, other: int) -> bool:
    """Whether two descriptors lead to one place, so that their lines must not be mixed."""
    try:
        a, b = seam.fstat(one), seam.fstat(other)
    except OSError:
        return False
    return (a.st_dev, a.st_ino, a.st_rdev) == (b.st_dev, b.st_ino, b.st_rdev)
