"""Requests on a control socket that speaks HTTP/1.1 (RFC 9112), by one connection that is kept."""

from __future__ import annotations

import select
import socket
import time
from typing import TYPE_CHECKING, Final, Self

from .records import BenchError

if TYPE_CHECKING:
    from collections.abc import Iterable

_TIMEOUT: Final = 20.0


class Line:
    """One connection."""

    def __init__(self, path: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(path)  # blocking: with a timeout a full backlog is an error
        self.socket.settimeout(_TIMEOUT)
        self.data = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, target: str) -> None:
        """Ask."""
        self.socket.sendall(f"GET {target} HTTP/1.1\r\nHost: nsinit\r\n\r\n".encode())

    def ask(self, target: str) -> float:
        """Ask, and take the whole answer, which tells its length; seconds."""
        begin = time.perf_counter()
        self.send(target)
        data = self._receive()
        while b"\r\n\r\n" not in data:
            data += self._receive()
        head, _, body = data.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200 "):
            raise BenchError(f"{target} is answered by {head.splitlines()[0].decode()}")
        fields = dict(line.lower().split(b": ", 1) for line in head.splitlines()[1:])
        left = int(fields[b"content-length"]) - len(body)
        while left > 0:
            left -= len(self._receive())
        return time.perf_counter() - begin

    def _receive(self) -> bytes:
        data = self.socket.recv(1 << 16)
        if not data:
            raise BenchError("init has closed its control socket")
        return data


def wait_for_all(lines: Iterable[Line], words: bytes) -> float:
    """Wait until everybody has been told these words; when the last one was (s, monotonic)."""
    waiting = {line.socket.fileno(): line for line in lines}
    until = time.monotonic() + _TIMEOUT
    with select.epoll() as epoll:
        for fd in waiting:
            epoll.register(fd, select.EPOLLIN)
        while waiting:
            if time.monotonic() > until:
                raise BenchError(f"{len(waiting)} subscribers are not told")
            for fd, _ in epoll.poll(1.0):
                line = waiting[fd]
                data = line.socket.recv(1 << 16)
                if not data:
                    raise BenchError("init has dropped a subscriber")
                line.data += data
                if words in line.data:
                    line.data = b""
                    epoll.unregister(fd)
                    del waiting[fd]
    return time.monotonic()
