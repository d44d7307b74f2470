"""Serves the control socket, and the TCP port if there is one, on the event loop."""

from __future__ import annotations

import os
import socket
import sys
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from nsinit.control.connection import Client
from nsinit.control.crowd import Crowd
from nsinit.control.gates import Gate, LocalGate
from nsinit.control.handlers import Handlers

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine

    from nsinit.control.carry import ClientState
    from nsinit.runtime.boot import Init

_AGAIN: Final = 30.0  # s until a port that was taken is tried again


class ControlServer:
    """The listening socket and its clients."""

    def __init__(self, init: Init, loop: asyncio.AbstractEventLoop) -> None:
        self.handlers = Handlers(init, loop)
        self.say = init.say
        self.clients: set[Client] = set()
        self.handlers.count_clients = lambda: len(self.clients)
        self._tasks: set[asyncio.Task[None]] = set()  # the loop holds them by weak references
        self._serving: dict[str, asyncio.Server] = {}  # by the name of the gate
        self.local = LocalGate(init)
        self.gates: dict[str, Gate] = {self.local.name: self.local}
        self._init = init
        self._accepts = False
        self.loop = loop
        init.on_port = self._have_port
        if init.port is not None:
            self._have_port()

    async def start(self) -> None:
        """Accept clients from now on."""
        for name, gate in self.gates.items():
            if gate.socket is None or name in self._serving:
                continue
            listening = socket.socket(fileno=os.dup(gate.socket.fileno()))
            listening.setblocking(False)
            self._serving[name] = await self._serve(partial(Client, self, gate), listening)

    async def _serve(self, make: Callable[[], Client], listening: socket.socket) -> asyncio.Server:
        if listening.family != socket.AF_UNIX:
            return await self.loop.create_server(make, sock=listening)
        more: dict[str, Any] = {}
        if sys.version_info >= (3, 13):  # from there on the end of a server removes its socket
            more["cleanup_socket"] = False
        return await self.loop.create_unix_server(make, sock=listening, **more)

    def stop_accepting(self) -> None:
        """Who comes now waits in the queue of the socket; who is here stays."""
        self._accepts = False
        for serving in self._serving.values():
            serving.close()
        self._serving.clear()

    def accept_again(self) -> None:
        """Accept clients, also after that was stopped."""
        self._accepts = True
        self.start_soon(self._start())

    # --- The TCP port -----------------------------------------------------------------------------

    def _have_port(self) -> None:
        """There is a port, which may change."""
        from nsinit.control.remote import RemoteGate  # noqa: PLC0415  (most have none)

        assert self._init.port is not None  # noqa: S101  (for the type checker)
        gate = RemoteGate(self._init)
        self.gates[gate.name] = gate
        self._init.port.on_change = partial(self._change_port, gate)
        self._try_port(gate)

    def _change_port(self, gate: Gate) -> None:
        """Whoever came by the one before goes with it."""
        serving = self._serving.pop(gate.name, None)
        if serving is not None:
            serving.close()
        for client in list(self.clients):
            if client.gate is gate:
                client.drop()
        self._try_port(gate)

    def _try_port(self, gate: Gate) -> None:
        """Bind it if that has failed so far, and serve it."""
        port = self._init.port
        if port is not None and not port.bind():
            self.loop.call_later(_AGAIN, self._try_port, gate)
        elif self._accepts:
            self.start_soon(self._start())

    def start_soon(self, work: Coroutine[Any, Any, None]) -> None:
        """Let the loop do something, and hold it until that is done."""
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _start(self) -> None:
        try:
            await self.start()
        except OSError as error:
            self.say.error(f"cannot serve clients: {error}")

    def take(self, state: ClientState) -> Client | None:
        """A client of the init before this one; connected a little later. None by no such door."""
        gate = self.gates.get(state.gate)
        if gate is None:
            os.close(state.fd)
            return None
        client = Client(self, gate)
        client.adopt(state)
        return client


def serve(init: Init, loop: asyncio.AbstractEventLoop) -> ControlServer:
    """Serve as soon as the loop runs, for as long as somebody holds what is returned.

    uvloop stops to listen when its server is garbage.
    """
    server = ControlServer(init, loop)
    for name in server.local.access.unknown:
        init.say.warning(f"control: there is no user or group {name!r}")
    crowd = Crowd(server)
    if init.reexec is not None:
        init.reexec.crowd = crowd
    init.add_part("control", crowd)
    server.accept_again()
    return server
