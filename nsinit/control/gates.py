"""Who is let in, and to what: one gate for each kind of listening socket.

The control socket knows its clients by uid and gid. Whoever comes by TCP is known by nothing but a
token, so that gate (`nsinit.control.remote`) lets in less.
"""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING, Final, Protocol

from nsinit.control.access import NOBODY, AccessList, Peer, peer_of
from nsinit.control.commands import ACCESS_LEVELS
from nsinit.control.crowding import find_place, places
from nsinit.control.routes import Asked, Call, Headers, Refusal

if TYPE_CHECKING:
    import _socket
    import asyncio
    from collections.abc import Callable, Collection

    from nsinit.control.connection import Client
    from nsinit.runtime.boot import Init

REQUEST: Final = 30.0  # s that a request may take from its first byte to its last
UNREAD: Final = 60.0  # s that a client may take to read an answer that is complete


class Gate(Protocol):
    """What a listening socket asks of its clients."""

    name: str
    headers: Headers  # of each answer
    first: float | None  # s until a client has to say something; None: for ever
    idle: float | None  # likewise between two requests

    @property
    def socket(self) -> _socket.socket | None:
        """Where they come from; None if there is nothing to come to."""

    def enter(
        self, transport: asyncio.Transport, clients: Collection[Client]
    ) -> tuple[Peer, int, Client | None]:
        """Somebody comes: who, of what level, and which of all clients makes room; FullError."""

    def take_turn(self, work: Callable[[], object]) -> None:
        """Carry out a request, now or when it is its turn."""

    def screen(self, asked: Asked) -> None:
        """Look at a request before it is understood; Refusal."""

    def allow(self, peer: Peer, level: int, asked: Asked, call: Call) -> None:
        """Look at what it means; Refusal."""


class LocalGate:
    """The control socket."""

    name = ""
    headers: Headers = ()
    first: float | None = None
    idle: float | None = None

    def __init__(self, init: Init) -> None:
        self.access = AccessList(init.given.loaded.config.init.control)
        self._listener = init.listener
        self._places = places(resource.getrlimit(resource.RLIMIT_NOFILE)[0])

    @property
    def socket(self) -> _socket.socket | None:
        """The one that was bound at birth."""
        return self._listener.socket

    def enter(
        self, transport: asyncio.Transport, clients: Collection[Client]
    ) -> tuple[Peer, int, Client | None]:
        """As the kernel names them."""
        peer = peer_of(transport.get_extra_info("socket").fileno())
        level = self.access.level(peer)
        mine = [client for client in clients if client.gate is self]
        return peer, level, find_place(mine, peer.uid, level, self._places)

    def take_turn(self, work: Callable[[], object]) -> None:
        """At once."""
        work()

    def screen(self, asked: Asked) -> None:
        """Every request is looked at."""

    def allow(self, peer: Peer, level: int, asked: Asked, call: Call) -> None:
        """By the level that the configuration gives to the client."""
        del asked
        wanted = call.command.access
        if level < ACCESS_LEVELS.index(wanted):
            has = ACCESS_LEVELS[level] if level != NOBODY else "none"
            message = f"{call.command.name} needs {wanted} access; uid {peer.uid} has {has}"
            raise Refusal(403, "denied", message, "init.control in the configuration gives it")
