"""Clients as no init would like to have them: frozen, slow, half, many, and full of nonsense."""

from __future__ import annotations

import contextlib
import random
import socket
from typing import Final

_STREAMS: Final = (b"events?follow=true", b"logs?follow=true", b"record", b"attach?names=s000")
_VERBS: Final = (b"GET", b"POST", b"PUT", b"G\0T", b"", b"GET " * 500)
_TARGETS: Final = (
    b"/v1/status", b"/v1/status?names=%00%ff", b"/v1/start?names=", b"/../..", b"*",
    b"/v1/wait?timeout=-1", b"/v1/signal?signal=99&names=s000", b"/v1/logs?since=never",
    b"\xff\xfe", b"/v1/" + b"a" * 9000,
)  # fmt: skip


class Clients:
    """All that are connected now; closed together."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._open: list[socket.socket] = []

    def come(self, kind: str, seed: int) -> None:
        """One more, or a few."""
        chance = random.Random(seed)
        with contextlib.suppress(OSError):  # an init that has enough of us may say so
            getattr(self, f"_{kind}")(chance)

    def close(self) -> None:
        """All leave."""
        for one in self._open:
            one.close()
        self._open.clear()

    def _connect(self) -> socket.socket:
        made = socket.socket(socket.AF_UNIX)
        self._open.append(made)
        made.settimeout(0.5)
        made.connect(self._path)
        return made

    def _frozen(self, chance: random.Random) -> None:
        """Asks for a stream and never reads."""
        target = chance.choice(_STREAMS)
        self._connect().sendall(b"GET /v1/" + target + b" HTTP/1.1\r\nHost: x\r\n\r\n")

    def _slow(self, chance: random.Random) -> None:
        """Reads a little and stops."""
        self._frozen(chance)
        self._open[-1].recv(100)

    def _half(self, chance: random.Random) -> None:
        """Does not finish its request."""
        whole = b"POST /v1/stop HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{"
        self._connect().sendall(whole[: chance.randrange(1, len(whole))])

    def _many(self, chance: random.Random) -> None:
        """A dozen that say nothing."""
        for _ in range(chance.randint(2, 12)):
            self._connect()

    def _garbage(self, chance: random.Random) -> None:
        """What no server should be asked."""
        one = self._connect()
        head = chance.choice(_VERBS) + b" " + chance.choice(_TARGETS) + b" HTTP/1.1\r\n"
        body = chance.randbytes(chance.randint(0, 3000))
        size = str(chance.choice((0, len(body), 1 << 40, -1))).encode()
        one.sendall(head + b"Host: x\r\nContent-Length: " + size + b"\r\n\r\n" + body)
