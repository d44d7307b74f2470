"""A process for each connection, as under inetd: `accept = true` of a socket.

Rules: such a service has no main process; it runs while init listens for it. A connection is the
standard input and output of its process, and error output goes to the log. Processes are bounded
per socket: while there are enough, nothing is accepted, and clients wait in the backlog. They
belong to the service, and are stopped with it.
"""

from __future__ import annotations

import errno
import os
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import structs

from nsinit.errors import SpawnError
from nsinit.kernel import fds, sockets
from nsinit.process.program import find_executable
from nsinit.runtime.stream import Ends
from nsinit.runtime.tasks import adopt_child, export_child

if TYPE_CHECKING:
    from nsinit.process.program import Program
    from nsinit.process.spawner import Child
    from nsinit.runtime.events import EventLog
    from nsinit.runtime.handover import Keep
    from nsinit.runtime.passed import GuestState, HostedState
    from nsinit.runtime.reactor import Reactor
    from nsinit.runtime.runs import Runs
    from nsinit.runtime.sockets import Bound, Sockets

MOST: Final = 64  # MaxConnections= of systemd.socket(5)
PAUSE: Final = 1.0  # s without accepting, when the host is short of something
_MAPPED: Final = "::ffff:"  # an IPv4 client of an IPv6 socket


class _Listener:
    """One listening socket of a run, and how many processes came of it."""

    def __init__(self, service: str, bound: Bound) -> None:
        self.service = service
        self.bound = bound
        self.most = MOST
        self.count = 0
        self.open = False  # whether its service takes connections now
        self.paused = False
        self.watched = False


class _Hosted(NamedTuple):
    """What every process of a run is made from."""

    program: Program
    ends: Ends


class Connections:
    """The connections of all services that have a process for each."""

    def __init__(self, listening: Sockets, runs: Runs, reactor: Reactor, say: EventLog) -> None:
        self._sockets = listening
        self._runs = runs
        self._reactor = reactor
        self._say = say
        self._hosted: dict[str, _Hosted] = {}
        self._listeners: dict[str, list[_Listener]] = {}
        self._guests: dict[int, tuple[_Listener, Child]] = {}
        runs.is_guest = self.ended
        listening.on_close = self._leave

    def update(self, services: list[str]) -> None:
        """Be the host of these services from their next run on."""
        self._runs.hosts = {service: partial(self.begin, service) for service in services}

    # --- Runs -------------------------------------------------------------------------------------

    def begin(self, service: str, run: int) -> None:
        """Take connections from now on; SpawnError if their processes could not be started."""
        program, ends = self._runs.prepare(service, run)
        try:
            find_executable(program)
        except SpawnError:
            _close(ends)
            raise
        self._hosted[service] = _Hosted(program, ends)
        known = {id(one.bound): one for one in self._listeners.get(service, ())}
        self._listeners[service] = []
        for spec, bound in self._sockets.open(service):
            listener = known.get(id(bound)) or _Listener(service, bound)
            listener.most = MOST if spec.max_connections is None else spec.max_connections
            listener.open = True
            bound.socket.setblocking(False)
            self._listeners[service].append(listener)
            self._look(listener)

    def heard(self, service: str, state: str) -> None:
        """A service has another state: one that is being stopped takes no connections."""
        if service not in self._hosted or state in ("starting", "running"):
            return
        for listener in self._listeners[service]:
            listener.open = False
            self._look(listener)
        if state != "stopping":
            _close(self._hosted.pop(service).ends)

    def _leave(self, bound: Bound) -> None:
        """A socket is about to be closed."""
        for listeners in self._listeners.values():
            for listener in listeners:
                if listener.bound is bound:
                    listener.open = False
                    self._look(listener)

    def _look(self, listener: _Listener) -> None:
        """Look at a socket exactly while another process may be started for it."""
        wanted = listener.open and not listener.paused and listener.count < listener.most
        fd = listener.bound.socket.fileno()  # -1 of one that is closed, and not watched any more
        if wanted and not listener.watched:
            self._reactor.add_reader(fd, partial(self._accept, listener))
        elif listener.watched and not wanted:
            self._reactor.remove_reader(fd)
        listener.watched = wanted

    # --- Connections ------------------------------------------------------------------------------

    def _accept(self, listener: _Listener) -> None:
        try:
            connection, peer = sockets.accept(listener.bound.socket)
        except (BlockingIOError, ConnectionAbortedError, InterruptedError):
            return  # it has gone again
        except OSError as error:
            self._pause(listener, f"cannot accept a connection: {error.strerror}")
            return
        try:
            if fds.is_nearly_last(connection):
                self._pause(listener, f"cannot accept a connection: {os.strerror(errno.EMFILE)}")
            else:
                self._serve(listener, connection, peer)
        finally:
            os.close(connection)

    def _serve(self, listener: _Listener, connection: int, peer: object) -> None:
        hosted = self._hosted[listener.service]
        program = structs.replace(
            hosted.program,
            env=_without_peer(hosted.program.env) | describe(peer),
            fds={0: connection, 1: connection, 2: hosted.ends.stderr},
        )
        try:
            child = self._runs.spawn_guest(listener.service, program)
        except SpawnError as error:
            self._pause(listener, str(error))
            return
        listener.count += 1
        self._guests[child.pid] = (listener, child)
        if child.report is not None:
            self._reactor.add_reader(child.report, partial(self._hear_exec, child.pid))
        self._look(listener)

    def _hear_exec(self, pid: int) -> None:
        listener, child = self._guests[pid]
        try:
            failure = child.outcome()
        except BlockingIOError:
            return
        self._guests[pid] = (listener, self._forget_report(child))
        if failure is not None:
            self._pause(listener, str(failure))

    def _forget_report(self, child: Child) -> Child:
        if child.report is not None:
            self._reactor.remove_reader(child.report)
            os.close(child.report)
        return child._replace(report=None)

    def ended(self, pid: int) -> bool:
        """A child was reaped: whether it was one of these; then there is room for another."""
        if pid not in self._guests:
            return False
        if self._guests[pid][1].report is not None:
            self._hear_exec(pid)
        listener, child = self._guests.pop(pid)
        self._forget_report(child)
        listener.count -= 1
        self._look(listener)
        return True

    def _pause(self, listener: _Listener, text: str) -> None:
        """Say what went wrong, and leave clients in the backlog for a moment: it may pass."""
        self._say.error(f"{listener.service}: {text}")
        if not listener.paused:
            listener.paused = True
            self._look(listener)
            self._reactor.later(PAUSE, partial(self._go_on, listener))

    def _go_on(self, listener: _Listener) -> None:
        listener.paused = False
        self._look(listener)

    def export(self, keep: Keep) -> tuple[list[HostedState], list[GuestState]]:
        """The runs that take connections, and the processes that came of them."""
        from nsinit.runtime.passed import GuestState, HostedState  # noqa: PLC0415  (to be replaced)

        hosted = [
            HostedState(
                service=service,
                program=structs.replace(one.program, enclosure=None),
                stdout=keep(one.ends.stdout),
                stderr=keep(one.ends.stderr),
                ours=[keep(fd) for fd in one.ends.ours],
                open=[self._sockets.key_of(at.bound) for at in self._listeners[service] if at.open],
            )
            for service, one in self._hosted.items()
        ]
        guests = [
            GuestState(
                service=listener.service,
                key=self._sockets.key_of(listener.bound),
                child=export_child(child, keep),
            )
            for listener, child in self._guests.values()
        ]
        return hosted, guests

    def adopt(self, hosted: list[HostedState], guests: list[GuestState]) -> None:
        """Go on taking connections for those runs; a pause is over."""
        for one in hosted:
            program, closed = self._enclose(one.service, one.program)
            ends = Ends(one.stdout, one.stderr, tuple(one.ours))
            self._hosted[one.service] = _Hosted(program, ends)
            self._listeners[one.service] = []
            for spec, there in self._sockets.open(one.service):
                listener = _Listener(one.service, there)
                listener.most = MOST if spec.max_connections is None else spec.max_connections
                listener.open = self._sockets.key_of(there) in one.open and not closed
                self._listeners[one.service].append(listener)
        for guest in guests:
            bound = self._sockets.by_key(guest.key)
            known = self._listeners.setdefault(guest.service, [])
            found = next((at for at in known if at.bound is bound), None)
            if found is None:
                if bound is None:
                    continue
                found = _Listener(guest.service, bound)
                known.append(found)
            found.count += 1
            self._guests[guest.child.pid] = (found, adopt_child(guest.child))
            if guest.child.report >= 0:
                hear = partial(self._hear_exec, guest.child.pid)
                self._reactor.add_reader(guest.child.report, hear)
        for listeners in self._listeners.values():
            for listener in listeners:
                self._look(listener)

    def _enclose(self, service: str, program: Program) -> tuple[Program, bool]:
        """What confined it before, made anew; whether that can't be, and nobody may be let in."""
        spec = self._runs.services.get(service)
        if spec is None:  # gone meanwhile, and about to be stopped
            return program, True
        try:
            made = self._runs.around.enclose(spec, self._runs.own_variables(service), 0)
            return structs.replace(program, enclosure=made), False
        except SpawnError as error:
            self._say.error(f"{service} takes no connections any more: {error}")
            return program, True

    def close(self) -> None:
        """Take no more connections."""
        for service, listeners in self._listeners.items():
            for listener in listeners:
                listener.open = False
                self._look(listener)
            if service in self._hosted:
                _close(self._hosted.pop(service).ends)


def describe(peer: object) -> dict[str, str]:
    """REMOTE_ADDR and REMOTE_PORT of a client, as systemd.exec(5) has them; {} for a nameless."""
    match peer:
        case (str(host), int(port), *_):
            plain = "." in host and host.startswith(_MAPPED)
            return {
                "REMOTE_ADDR": host.removeprefix(_MAPPED) if plain else host,
                "REMOTE_PORT": str(port),
            }
        case bytes(name) if name.startswith(b"\0") and b"\0" not in name[1:]:
            return {"REMOTE_ADDR": "@" + os.fsdecode(name[1:])}
        case str(path) if path:
            return {"REMOTE_ADDR": path}
    return {}


def _without_peer(env: dict[str, str]) -> dict[str, str]:
    return {name: env[name] for name in env if name not in ("REMOTE_ADDR", "REMOTE_PORT")}


def _close(ends: Ends) -> None:
    for fd in ends.ours:
        os.close(fd)
