"""Open descriptors that a service is born with, told to it as sd_listen_fds(3) expects.

First its listening sockets, in the order of the file, then what earlier runs have stored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nsinit.runtime.fdstore import FdStore
from nsinit.runtime.sockets import Sockets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nsinit.core.messages import Event
    from nsinit.model.spec import Service
    from nsinit.process.program import Program
    from nsinit.runtime.connections import Connections
    from nsinit.runtime.events import EventLog
    from nsinit.runtime.notify import Message
    from nsinit.runtime.reactor import Reactor
    from nsinit.runtime.runs import Runs

FIRST: Final = 3  # SD_LISTEN_FDS_START


class Passing:
    """The sockets and stored descriptors of all services."""

    def __init__(
        self, reactor: Reactor, post: Callable[[Event], None], runs: Runs, say: EventLog
    ) -> None:
        self.sockets = Sockets(reactor, post)
        self.store = FdStore(reactor)
        self._connections: Connections | None = None
        self._reactor = reactor
        self._runs = runs
        self._say = say
        runs.pass_on = self.give

    def update(self, services: Mapping[str, Service]) -> None:
        """Go by a configuration, the first or another, before anything is started by it."""
        self.store.limits = {name: spec.fd_store_max for name, spec in services.items()}
        for note in self.sockets.update(services):
            self._say.warning(note)
        accepting = self.sockets.accepting()
        if accepting:
            self._connect()
        if self._connections is not None:
            self._connections.update(accepting)

    def give(self, service: str, program: Program) -> None:
        """Let a program have what is there for it; SpawnError if one of its sockets is not."""
        given = [*self.sockets.lend(service), *self.store.lend(service)]
        if not given:
            return
        program.fds.update({FIRST + index: fd for index, (_, fd) in enumerate(given)})
        program.env["LISTEN_FDS"] = str(len(given))
        program.env["LISTEN_FDNAMES"] = ":".join(name for name, _ in given)
        program.own_pid.append("LISTEN_PID")

    def keep(self, message: Message) -> bool:
        """A datagram of sd_notify(3) is about stored descriptors; whether its own are kept."""
        return self.store.told(message.service, message.fields, message.fds)

    def heard(self, service: str, state: str) -> None:
        """A service has another state."""
        self.sockets.heard(service, state)
        self.store.heard(service, state)
        if self._connections is not None:
            self._connections.heard(service, state)

    def export(self) -> tuple[bytes, list[int]]:
        """For another init: sockets, stored descriptors, connections."""
        from nsinit.runtime.handover import pack  # noqa: PLC0415  (to be replaced)
        from nsinit.runtime.passed import PassedState  # noqa: PLC0415  (the same)

        kept: list[int] = []

        def keep(fd: int) -> int:
            kept.append(fd)
            return fd

        bound, watched, calls = self.sockets.export()
        stored = self.store.export()
        hosted, guests = self._connections.export(keep) if self._connections else ([], [])
        state = PassedState(
            bound=bound, watched=watched, calls=calls, kept=stored, hosted=hosted, guests=guests
        )
        return pack(state), [*(b.fd for b in bound), *(s.fd for s in stored), *kept]

    def adopt(self, data: bytes, fds: list[int]) -> None:
        """Go on with them, before `update` says what there should be."""
        from nsinit.runtime.passed import check_part  # noqa: PLC0415  (only in such an init)

        del fds  # they are in the state too
        state = check_part(data)
        self.store.adopt(state.kept)
        self.sockets.adopt(state.bound, state.watched, state.calls, self._runs.services)
        if state.hosted or state.guests:
            self._connect().adopt(state.hosted, state.guests)

    def _connect(self) -> Connections:
        if self._connections is None:
            from nsinit.runtime.connections import Connections  # noqa: PLC0415  (only for inetd's)

            self._connections = Connections(self.sockets, self._runs, self._reactor, self._say)
        return self._connections

    def close(self) -> None:
        """Close all, and remove the files of sockets."""
        if self._connections is not None:
            self._connections.close()
        self.sockets.close()
        self.store.close()
