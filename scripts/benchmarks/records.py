"""What services and the launcher write down, and waiting for it without sleeping.

A record is one line of a file that all append to (record.h). inotify(7) tells of growth; the times
in the records are the writers' own, so that a late reader changes no figure.
"""

from __future__ import annotations

import ctypes
import os
import select
import time
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

_IN_MODIFY: Final = 2
_libc: Final = ctypes.CDLL(None, use_errno=True)


class BenchError(Exception):
    """A measurement that cannot be made: told to whoever runs the benchmark, in one sentence."""


class Record(NamedTuple):
    """One line of the file; `at` is CLOCK_MONOTONIC (ns), `pid` the writer's view of it.

    Kinds: S a service has exec'd, T it got TERM. I init is about to be exec'd, P its pid outside
    its namespace, X it is gone and everything with it. O the last orphan is made; B the first byte
    of output is about to be written, E the last one was taken.
    """

    kind: str
    pid: int
    at: int
    name: str


class Records:
    """The records of one life of one init."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.all: list[Record] = []
        self._rest = b""
        self._fd = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
        self._watch = _libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        if _libc.inotify_add_watch(self._watch, os.fsencode(path), _IN_MODIFY) < 0:
            raise OSError(ctypes.get_errno(), "inotify_add_watch", path)
        self._poll = select.poll()
        self._poll.register(self._watch, select.POLLIN)
        self._launcher = -1

    def close(self) -> None:
        """Forget the file."""
        for fd in (self._fd, self._watch, self._launcher):
            if fd >= 0:
                os.close(fd)

    def forget(self) -> None:
        """Close and remove the file."""
        self.close()
        os.unlink(self.path)

    def follow(self, launcher: int) -> None:
        """Wait for nothing any more once this process has ended: init has, then, or never began."""
        self._launcher = os.pidfd_open(launcher)
        self._poll.register(self._launcher, select.POLLIN)

    def of(self, kind: str) -> list[Record]:
        """Those of one kind, in the order of writing."""
        return [record for record in self.all if record.kind == kind]

    def wait(self, kind: str, count: int, timeout: float) -> list[Record]:
        """The records of a kind, once there are `count`; BenchError if that is not to be."""
        self.wait_until(lambda: len(self.of(kind)) >= count, timeout, f"{count} records of {kind}")
        return self.of(kind)

    def wait_until(self, holds: Callable[[], bool], timeout: float, what: str) -> None:
        """Read until something holds; init's end and the deadline are the end of waiting."""
        until = time.monotonic() + timeout
        ready: set[int] = set()
        self.read()
        while not holds():
            if self._launcher in ready:
                raise BenchError(f"init ended before there were {what}")
            left = until - time.monotonic()
            if left <= 0:
                raise BenchError(f"there were no {what} after {timeout:g} s")
            ready = {fd for fd, _ in self._poll.poll(left * 1000)}
            if self._watch in ready:
                os.read(self._watch, 1 << 16)
            self.read()

    def read(self) -> None:
        """Take what has been written by now."""
        while data := os.read(self._fd, 1 << 16):
            *lines, self._rest = (self._rest + data).split(b"\n")
            for line in lines:
                kind, pid, at, name = line.decode().split(" ", 3)
                self.all.append(Record(kind, int(pid), int(at), name))
