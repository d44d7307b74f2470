"""The listening sockets of services: init makes them, and lends them to every run.

Rules: a socket is bound once, before the first service starts, and stays while its service comes
and goes, so that no client is refused meanwhile: the backlog holds. What could not be bound is
tried again at the next start, which fails with the reason if it has not gone. The sockets of a
lazy service are looked at only while that waits for a connection; nsinit never reads from them.
"""

from __future__ import annotations

import errno
import os
from collections import deque
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import structs

from nsinit.core import messages as m
from nsinit.errors import SpawnError
from nsinit.kernel import seam, sockets
from nsinit.model.addresses import parse
from nsinit.process.identity import group_id, user_id

if TYPE_CHECKING:
    import _socket
    from collections.abc import Callable, Mapping

    from nsinit.model.addresses import Endpoint
    from nsinit.model.spec import Service, Socket
    from nsinit.runtime.passed import BoundState
    from nsinit.runtime.reactor import Reactor

MODE: Final = 0o666  # SocketMode= of systemd.socket(5)
# More runs than this in so many seconds means that the service does not take what is waiting.
RUNS_MOST: Final = 20
RUNS_SPAN: Final = 2.0
_PRIVILEGED: Final = 1024
_HINTS: Final = {
    errno.EADDRINUSE: "another process listens there",
    errno.EADDRNOTAVAIL: "no interface has that address",
    errno.EAFNOSUPPORT: "this kernel or network has no such addresses",
    errno.ENODEV: "there is no such interface",
    errno.ENOENT: "its directory is missing",
    errno.EROFS: "its directory can't be written",
    errno.EMFILE: "raise the limit on open files",
}


class Bound(NamedTuple):
    """A socket that is bound; `file` identifies what it made in the file system."""

    socket: _socket.socket
    endpoint: Endpoint
    spec: Socket
    file: tuple[int, int] | None


class Sockets:
    """All listening sockets, by address: instances of one service share theirs."""

    def __init__(self, reactor: Reactor, post: Callable[[m.Event], None]) -> None:
        self._services: dict[str, Service] = {}
        self._reactor = reactor
        self._post = post
        self._bound: dict[str, Bound] = {}
        self._watched: dict[str, list[int]] = {}
        self._watchers: dict[int, list[str]] = {}
        self._called_at: dict[str, deque[float]] = {}
        self.on_close: Callable[[Bound], object] = lambda _: None

    def open(self, service: str) -> list[tuple[Socket, Bound]]:
        """Bind what is not bound yet; what is asked and what there is, in the file's order.

        SpawnError tells the first that can't be bound, after all have been tried.
        """
        failure: SpawnError | None = None
        made: list[tuple[Socket, Bound]] = []
        for spec in self._services[service].sockets:
            key = _key(service, spec)
            try:
                if key not in self._bound:
                    self._bound[key] = _bind(spec)
                made.append((spec, self._bound[key]))
            except SpawnError as error:
                failure = failure or error
        if failure is not None:
            raise failure
        return made

    def update(self, services: Mapping[str, Service]) -> list[str]:
        """Go by a configuration: what it has and is not bound yet is bound, what it lacks closed.

        Tells what can't be bound, unless a start that fails is about to.
        """
        waiting = list(self._watched)
        for service in waiting:
            self._unwatch(service)
        self._services = {name: spec for name, spec in services.items() if spec.sockets}
        wanted = {
            _key(name, socket): socket
            for name, spec in self._services.items()
            for socket in spec.sockets
        }
        for key, bound in list(self._bound.items()):
            spec = wanted.get(key)
            if spec is None or _fixed(spec) != _fixed(bound.spec):
                self.on_close(bound)
                _close(self._bound.pop(key))
        notes: list[str] = []
        for service, service_spec in self._services.items():
            try:
                self.open(service)
            except SpawnError as error:
                if not service_spec.autostart:
                    notes.append(f"{service}: {error}")
        for service in waiting:
            if service in self._services:
                self._watch(service)
        return notes

    def lend(self, service: str) -> list[tuple[str, int]]:
        """The same for a run that begins now: blocking, whatever the last one made of them."""
        if service not in self._services:
            return []
        bound = self.open(service)
        if any(spec.accept for spec, _ in bound):
            return []  # it gets connections
        calls = self._called_at.get(service)
        if calls is not None and len(calls) > RUNS_MOST:
            calls.clear()
            hint = f"{RUNS_MOST} runs in {RUNS_SPAN:g} s: does it take what is waiting for it?"
            raise SpawnError(service, "start another run of", errno.EAGAIN, hint=hint)
        for _, one in bound:
            one.socket.setblocking(True)
        base = service.partition("@")[0]
        return [(spec.name or base, one.socket.fileno()) for spec, one in bound]

    def accepting(self) -> list[str]:
        """The services that have a process per connection."""
        return [n for n, spec in self._services.items() if any(s.accept for s in spec.sockets)]

    # --- Lazy services ----------------------------------------------------------------------------

    def heard(self, service: str, state: str) -> None:
        """A service has another state: look at its sockets while it waits, and only then."""
        if service not in self._services:
            return
        if state == "waiting":
            self._watch(service)
        else:
            self._unwatch(service)

    def _watch(self, service: str) -> None:
        if service in self._watched or not any(s.lazy for s in self._services[service].sockets):
            return
        try:
            bound = self.open(service)
        except SpawnError:
            self._post(m.Trigger((service,)))  # it is to fail now, with the reason
            return
        lazy = [one.socket.fileno() for spec, one in bound if spec.lazy]
        self._watched[service] = lazy
        for fd in lazy:
            watchers = self._watchers.setdefault(fd, [])
            watchers.append(service)
            if len(watchers) == 1:
                self._reactor.add_reader(fd, partial(self._readable, fd))

    def _unwatch(self, service: str) -> None:
        for fd in self._watched.pop(service, ()):
            self._watchers[fd].remove(service)
            if not self._watchers[fd]:
                del self._watchers[fd]
                self._reactor.remove_reader(fd)

    def _readable(self, fd: int) -> None:
        for service in list(self._watchers.get(fd, ())):
            self._called(service)

    def _called(self, service: str) -> None:
        """Somebody waits for it: that is told once, and the service sees to the rest."""
        self._unwatch(service)
        now = seam.monotonic()
        calls = self._called_at.setdefault(service, deque())
        calls.append(now)
        while calls[0] < now - RUNS_SPAN:
            calls.popleft()
        self._post(m.Trigger((service,)))

    # --- For another init -------------------------------------------------------------------------

    def export(self) -> tuple[list[BoundState], list[str], dict[str, list[float]]]:
        """What is bound, whose sockets are looked at, and when those were last called for."""
        from nsinit.runtime.passed import BoundState  # noqa: PLC0415  (to be replaced)

        bound = [
            BoundState(key=key, fd=one.socket.fileno(), spec=one.spec, file=one.file)
            for key, one in self._bound.items()
        ]
        return bound, list(self._watched), {n: list(at) for n, at in self._called_at.items()}

    def adopt(
        self,
        bound: list[BoundState],
        watched: list[str],
        calls: dict[str, list[float]],
        services: Mapping[str, Service],
    ) -> None:
        """Go on with sockets that another has bound."""
        self._services = {name: spec for name, spec in services.items() if spec.sockets}
        for one in bound:
            made = sockets.adopt(one.fd)
            self._bound[one.key] = Bound(made, parse(one.spec.listen), one.spec, one.file)
        self._called_at = {name: deque(at) for name, at in calls.items()}
        for service in watched:
            if service in self._services:
                self._watch(service)

    def key_of(self, bound: Bound) -> str:
        """The name of a socket among all; "" if it is closed."""
        return next((key for key, one in self._bound.items() if one is bound), "")

    def by_key(self, key: str) -> Bound | None:
        """The socket of that name."""
        return self._bound.get(key)

    # --- The end ----------------------------------------------------------------------------------

    def close(self) -> None:
        """Close all, and remove the files that are still ours."""
        for service in list(self._watched):
            self._unwatch(service)
        while self._bound:
            _close(self._bound.popitem()[1])


def _key(service: str, spec: Socket) -> str:
    """Whoever shares a port does so with a socket of its own."""
    return f"{spec.listen} {service}" if spec.reuse_port else spec.listen


def _fixed(spec: Socket) -> Socket:
    """What can't be changed of a socket that is bound."""
    return structs.replace(spec, name=None, lazy=False, accept=False, max_connections=None)


def _close(bound: Bound) -> None:
    bound.socket.close()
    with suppress(OSError):
        if bound.file is not None and bound.file == _identity(bound.endpoint.path):
            seam.unlink(bound.endpoint.path)


def _bind(spec: Socket) -> Bound:
    at = parse(spec.listen)
    backlog = sockets.MANY if spec.backlog is None else spec.backlog
    uid = -1 if spec.user is None else user_id(spec.user)
    gid = -1 if spec.group is None else group_id(spec.group)
    try:
        if at.is_inet:
            made = sockets.listen_inet(
                at.host,
                at.port,
                stream=at.is_stream,
                backlog=backlog,
                reuse_port=spec.reuse_port,
                ipv6_only=spec.ipv6_only,
            )
        else:
            mode = MODE if spec.mode is None else spec.mode
            made = sockets.listen_unix(
                at.path, stream=at.is_stream, backlog=backlog, mode=mode, uid=uid, gid=gid
            )
        file = _identity(at.path) if at.is_file else None
    except OSError as error:
        number = error.errno or errno.EIO
        raise SpawnError(str(at), "listen on", number, hint=_hint(at, error)) from None
    return Bound(made, at, spec, file)


def _hint(at: Endpoint, error: OSError) -> str:
    if isinstance(error, sockets.TakenError) or error.strerror != os.strerror(error.errno or 0):
        return error.strerror or ""
    if error.errno in (errno.EACCES, errno.EPERM):
        if at.is_inet and at.port < _PRIVILEGED:
            return "needs CAP_NET_BIND_SERVICE or a lower net.ipv4.ip_unprivileged_port_start"
        return "init may not write to its directory, or not give it to that owner"
    return _HINTS.get(error.errno or 0, "")


def _identity(path: str) -> tuple[int, int]:
    found = seam.lstat(path)
    return found.st_dev, found.st_ino
