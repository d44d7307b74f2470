"""The clients of an init that is being replaced: settled, told to the next one, and taken over."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from nsinit.control.carry import CrowdState, check_part, write_part

if TYPE_CHECKING:
    from nsinit.control.carry import ClientState
    from nsinit.control.connection import Client
    from nsinit.control.server import ControlServer


class Crowd:
    """All clients of a server, as the part "control" of an init."""

    def __init__(self, server: ControlServer) -> None:
        self._server = server
        self._holding = False

    # --- Before the exec --------------------------------------------------------------------------

    def close_door(self) -> None:
        """Accept nobody: who comes waits in the queue of the listening socket."""
        self._server.stop_accepting()

    def is_still(self, *, hold: bool) -> bool:
        """Whether everybody has what was sent to them; once that is near, no more is sent.

        Until `hold`, clients who still read the past are waited for.
        """
        clients = self._server.clients
        if not self._holding:
            if not hold and any(client.is_behind for client in clients):
                return False
            self._holding = True
            for client in clients:
                client.hold()
        return not any(client.unsent for client in clients)

    def drop_slow(self) -> None:
        """Drop and count those who have not taken what was sent."""
        for client in list(self._server.clients):
            if client.unsent:
                client.drop(too_slow=True)

    def open_door(self) -> None:
        """Go on as before."""
        self._holding = False
        for client in list(self._server.clients):
            client.let_go()
        self._server.accept_again()

    # --- The state --------------------------------------------------------------------------------

    def export(self) -> tuple[bytes, list[int]]:
        """All clients that the next init can go on with."""
        states = [one for client in self._server.clients if (one := client.export())]
        told = self._server.handlers
        state = CrowdState(
            clients=states,
            dropped=told.clients_dropped,
            stopped_by=told.stopped_by,
            ends=told.tally.ends,
            spent=told.export_spent(),
        )
        return write_part(state), [one.fd for one in states]

    def adopt(self, data: bytes, fds: list[int]) -> None:
        """Go on with them as soon as the loop runs; what happens until then is kept for them."""
        del fds  # they are in the state too
        state = check_part(data)
        told = self._server.handlers
        told.clients_dropped, told.stopped_by = state.dropped, dict(state.stopped_by)
        if state.ends is not None:  # else it is an older init that hands over
            told.tally.ends = state.ends
        told.spent = dict(state.spent)
        for one in state.clients:
            if (client := self._server.take(one)) is not None:
                self._server.start_soon(self._connect(client, one))

    async def _connect(self, client: Client, state: ClientState) -> None:
        connection = socket.socket(fileno=state.fd)
        connection.setblocking(False)
        await self._server.loop.connect_accepted_socket(lambda: client, connection)
