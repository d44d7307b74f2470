"""The TCP port of init: bound before the first service starts, served once the loop runs.

A port that can't be had costs the page and the figures, not the services: it is told, and tried
again. It survives `ctl reexec` and moves with an update.
"""

from __future__ import annotations

import _socket
import errno
import os
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from nsinit.kernel import sockets
from nsinit.model.remote import endpoint
from nsinit.model.spec import Listen
from nsinit.process.smallfile import read_small
from nsinit.runtime.handover import NONE, pack, unpack

if TYPE_CHECKING:
    from collections.abc import Callable

    from nsinit.runtime.boot import Init
    from nsinit.runtime.events import EventLog

TOKEN_LEAST: Final = 16  # bytes: nobody guesses that many
_TOKEN_MAX: Final = 4096
_BACKLOG: Final = 64
_ALIVE: Final = (60, 15, 4)  # s until a silent peer is asked, s between, how often: tcp(7)
_HINTS: Final = {
    errno.EADDRINUSE: "another process listens there",
    errno.EADDRNOTAVAIL: "no interface has that address",
    errno.EACCES: "needs CAP_NET_BIND_SERVICE",
}


class PortState(Struct, frozen=True, kw_only=True):
    """What is bound, and for what; the descriptor is NONE if it could not be."""

    listen: Listen | None
    fd: int = NONE


def check_part(data: bytes) -> PortState:
    """What `Port.export` gave; BadHandoverError for anything else."""
    made: PortState = unpack(data, PortState)
    return made


class Port:
    """The socket and the token, by the configuration in force."""

    def __init__(self, say: EventLog, directory: str) -> None:
        self.socket: _socket.socket | None = None
        self.listen: Listen | None = None
        self.token = b""
        self.on_change: Callable[[], object] = lambda: None  # another socket, or none any more
        self._say = say
        self._directory = directory
        self._told = ""  # why it could not be bound, as said before

    def update(self, listen: Listen | None) -> None:
        """Go by a configuration."""
        before, self.listen = self.listen, listen
        self._read_token()
        if (before and before.address) == (listen and listen.address):
            return
        self._close()
        self.bind()
        self.on_change()

    def bind(self) -> bool:
        """Bind what is to be; whether that is done."""
        if self.listen is None or self.socket is not None:
            return True
        at = endpoint(self.listen.address)
        try:
            made = sockets.listen_inet(
                at.host, at.port, stream=True, backlog=_BACKLOG, reuse_port=False, ipv6_only=False
            )
        except OSError as error:
            number = error.errno or errno.EIO
            hint = f" ({_HINTS[number]})" if number in _HINTS else ""
            text = f"cannot listen on {self.listen.address}: {os.strerror(number)}{hint}"
            if text != self._told:
                self._say.error(f"{text}; it is tried again")
            self._told = text
            return False
        made.setblocking(False)
        made.setsockopt(_socket.SOL_SOCKET, _socket.SO_KEEPALIVE, 1)  # connections inherit these
        options = (_socket.TCP_KEEPIDLE, _socket.TCP_KEEPINTVL, _socket.TCP_KEEPCNT)
        for option, value in zip(options, _ALIVE, strict=True):
            made.setsockopt(_socket.IPPROTO_TCP, option, value)
        self.socket, self._told = made, ""
        self._say.info(f"metrics and status are at {self.listen.address}")
        return True

    def _read_token(self) -> None:
        """Without one that can be read nobody has the right one."""
        self.token = b""
        if self.listen is None or self.listen.token_file is None:
            return
        path = os.path.join(self._directory, self.listen.token_file)
        try:
            token = read_small(path, _TOKEN_MAX, private=True).strip()
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            self._say.error(f"cannot read the token in {path}: {why}; nobody is let in by it")
            return
        if len(token) < TOKEN_LEAST:
            least = f"it has fewer than {TOKEN_LEAST} characters"
            self._say.error(f"cannot use the token in {path}: {least}; nobody is let in by it")
            return
        self.token = token

    def _close(self) -> None:
        made, self.socket = self.socket, None
        if made is not None:
            made.close()

    # --- For another init -------------------------------------------------------------------------

    def export(self) -> tuple[bytes, list[int]]:
        """What is bound."""
        fd = NONE if self.socket is None else self.socket.fileno()
        return pack(PortState(listen=self.listen, fd=fd)), [fd] if fd >= 0 else []

    def adopt(self, data: bytes, fds: list[int]) -> None:
        """Go on with it; the file of the token may be another by now."""
        del fds  # it is in the state too
        state = check_part(data)
        self.listen = state.listen
        self._read_token()
        if state.fd >= 0:
            self.socket = sockets.adopt(state.fd)
            self.socket.setblocking(False)


def open_port(init: Init, listen: Listen | None) -> None:
    """Let an init have the port that a configuration asks for."""
    if init.port is not None:
        init.port.update(listen)
        return
    init.port = Port(init.say, init.given.directory)
    if "port" not in init.waiting_parts:  # which another init has bound
        init.port.update(listen)
    init.add_part("port", init.port)
    if init.on_port is not None:
        init.on_port()
