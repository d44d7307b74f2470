"""Many connections at a time to one init, each of which says something and has little patience."""

from __future__ import annotations

import select
import socket
import time
from typing import Final

_MOST: Final = 48  # connections at a time
_QUIET: Final = 0.25  # s without a word after which one leaves, as in the middle of a stream
_ANSWER: Final = 10.0  # s for init to take a connection
_TURN: Final = 10  # ms
_READ: Final = 1 << 18  # bytes
_HEAD: Final = b"HTTP/1.1 "  # how an answer begins


class _One:
    """One connection."""

    def __init__(self, link: socket.socket, data: bytes, asked: int, *, ends: bool) -> None:
        self.link = link
        self.rest = memoryview(data)
        self.asked = asked  # requests; so many answers count at most
        self.ends = ends  # whether it says that there is no more to come
        self.heard = 0  # answers
        self.at = time.monotonic()  # when it last heard or said something

    def say(self) -> bool:
        """What there is room for; whether that was all."""
        if self.rest:
            self.rest = self.rest[self.link.send(self.rest) :]
        if not self.rest and self.ends:
            self.link.shutdown(socket.SHUT_WR)
        return not self.rest

    def hear(self) -> bool:
        """Whether init goes on."""
        data = self.link.recv(_READ)
        self.heard += data.count(_HEAD)
        return bool(data)


class Crowd:
    """Connections to the control socket at a path."""

    def __init__(self, path: str) -> None:
        self.answered = 0  # requests, so far
        self._path = path
        self._there: dict[int, _One] = {}
        self._poll = select.poll()

    def say(self, data: bytes, asked: int, *, ends: bool = False) -> None:
        """By a connection of its own, once there are not too many."""
        while len(self._there) >= _MOST:
            self._turn()
        link = self._connect()
        self._there[link.fileno()] = _One(link, data, asked, ends=ends)
        self._poll.register(link, select.POLLIN | select.POLLOUT)

    def _connect(self) -> socket.socket:
        """Once there is room in the queue of the socket."""
        until = time.monotonic() + _ANSWER
        link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        while True:
            try:
                link.connect(self._path)
            except BlockingIOError:
                self._turn()
            else:
                return link
            if time.monotonic() > until:
                link.close()
                raise TimeoutError(f"cannot connect to {self._path} for {_ANSWER:g} s")

    def leave(self) -> None:
        """Once nobody has anything more to say or to hear."""
        while self._there:
            self._turn()

    def _turn(self) -> None:
        for fd, what in self._poll.poll(_TURN):
            one = self._there[fd]
            one.at = time.monotonic()
            if not self._go_on(one, what):
                self._close(fd)
        late = time.monotonic() - _QUIET
        for fd in [fd for fd, one in self._there.items() if one.at < late]:
            self._close(fd)

    def _go_on(self, one: _One, what: int) -> bool:
        try:
            if what & select.POLLOUT and one.say():
                self._poll.modify(one.link, select.POLLIN)
            return not what & ~select.POLLOUT or one.hear()
        except BlockingIOError:
            return True
        except OSError:  # init has ended it before it was all said
            return False

    def _close(self, fd: int) -> None:
        one = self._there.pop(fd)
        self.answered += min(one.heard, one.asked)
        self._poll.unregister(fd)
        one.link.close()
