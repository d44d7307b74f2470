"""Probes: whether a service answers by HTTP, accepts a connection, or has made its file.

Each start is answered by exactly one TaskEnded, unless it is cancelled first. The core owns the
time limit; nothing here waits: sockets don't block, hosts are addresses, no answer is kept beyond
its headers. Whatever goes wrong is a failed probe. Knows no asyncio.
"""

from __future__ import annotations

import _socket
import errno
import os
from functools import partial
from typing import TYPE_CHECKING, Final

from nsinit.core import messages as m
from nsinit.kernel import fds, seam
from nsinit.model import probing
from nsinit.runtime.answer import Answer, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from nsinit.core.messages import TaskKind
    from nsinit.model.spec import Health, Http, Ready
    from nsinit.runtime.reactor import Reactor

    Key = tuple[str, int, TaskKind]
    Address = str | bytes | tuple[str, int]
    Tell = Callable[[bool, str], None]

_CHUNK: Final = 16 << 10
_AGAIN: Final = (BlockingIOError, InterruptedError)
# What sits at a socket in the file system; only one kind can be connected to.
_UNIX_KINDS: Final = (_socket.SOCK_STREAM, _socket.SOCK_SEQPACKET, _socket.SOCK_DGRAM)


class Probes:
    """All probes that are under way."""

    def __init__(self, reactor: Reactor, post: Callable[[m.Event], object]) -> None:
        self._reactor = reactor
        self._post = post
        self._under_way: dict[Key, _Probe] = {}

    def start(self, service: str, run: int, task: TaskKind, table: Ready | Health) -> None:
        """Ask once, in the way that the table names; answered by TaskEnded with 0 or 1."""
        self.cancel(service, run, task)
        key = (service, run, task)
        probe = _make(self._reactor, partial(self._tell, key), table)
        self._under_way[key] = probe
        probe.begin()

    def cancel(self, service: str, run: int, task: TaskKind) -> None:
        """Nobody waits for the answer any more."""
        probe = self._under_way.pop((service, run, task), None)
        if probe is not None:
            probe.close()

    def under_way(self) -> list[Key]:
        """What is not answered."""
        return list(self._under_way)

    def _tell(self, key: Key, good: bool, text: str) -> None:
        """The answer; told later, so that a probe that is cancelled meanwhile says nothing."""
        self._under_way[key].close()
        self._reactor.soon(partial(self._told, key, self._under_way[key], good, text))

    def _told(self, key: Key, probe: _Probe, good: bool, text: str) -> None:
        if self._under_way.get(key) is probe:
            del self._under_way[key]
            self._post(m.TaskEnded(*key, 0 if good else 1, text))


def _make(reactor: Reactor, tell: Tell, table: Ready | Health) -> _Probe:
    if table.http is not None:
        return _Request(reactor, tell, table.http)
    if table.tcp is not None:
        text = str(table.tcp)
        return _Connection(reactor, tell, probing.addresses(*probing.parse_address(text)))
    if table.unix is not None:
        return _UnixSocket(reactor, tell, table.unix)
    return _File(reactor, tell, getattr(table, "file", None) or "")


class _Probe:
    """One question; tells once, and holds at most one socket."""

    def __init__(self, reactor: Reactor, tell: Tell) -> None:
        self._reactor = reactor
        self._tell = tell
        self._socket: _socket.socket | None = None

    def begin(self) -> None:
        """Ask; an answer may be there at once."""
        self._guarded(self._ask)

    def close(self) -> None:
        """Let go of the socket."""
        if self._socket is not None:
            fd = self._socket.fileno()
            self._reactor.remove_reader(fd)
            self._reactor.remove_writer(fd)
            self._socket.close()
            self._socket = None

    def _ask(self) -> None:
        raise NotImplementedError

    def _guarded(self, step: Callable[[], object]) -> None:
        try:
            step()
        except _AGAIN:
            return
        except (OSError, ValueError, OverflowError) as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self._tell(False, _words(error))

    def _open(self, family: int, kind: int) -> _socket.socket:
        self.close()
        seam.ask("socket")
        flags = _socket.SOCK_NONBLOCK | _socket.SOCK_CLOEXEC
        self._socket = made = _socket.socket(family, kind | flags)
        if fds.is_nearly_last(made.fileno()):  # the rest is for what matters more than a probe
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return made

    def _connect(self, made: _socket.socket, address: Address) -> None:
        seam.ask("connect")
        made.connect(address)


def _words(error: Exception) -> str:
    number = error.errno if isinstance(error, OSError) else None
    return os.strerror(number).lower() if number else str(error)


class _File(_Probe):
    def __init__(self, reactor: Reactor, tell: Tell, path: str) -> None:
        super().__init__(reactor, tell)
        self._path = path

    def _ask(self) -> None:
        try:
            seam.stat(self._path)
        except FileNotFoundError:
            self._tell(False, f"there is no {self._path}")
        else:
            self._tell(True, "")


class _UnixSocket(_Probe):
    """Connects to a socket in the file system, of whatever kind it is."""

    def __init__(self, reactor: Reactor, tell: Tell, path: str) -> None:
        super().__init__(reactor, tell)
        self._path = path

    def _ask(self) -> None:
        path, others = os.fsencode(self._path), {errno.EPROTOTYPE}
        if path.startswith(b"@"):  # a name for each kind: the others are not even seen
            path = b"\0" + path[1:]
            others.add(errno.ECONNREFUSED)
        for kind in _UNIX_KINDS:
            made = self._open(_socket.AF_UNIX, kind)
            try:
                self._connect(made, path)
            except BlockingIOError:  # unix(7) connects at once or not at all
                self._tell(False, "its queue of connections is full")
                return
            except OSError as error:
                if error.errno not in others or kind == _UNIX_KINDS[-1]:
                    raise
            else:
                self._tell(True, "")
                return


class _Connection(_Probe):
    """Connects to the first of several addresses that lets it."""

    def __init__(
        self, reactor: Reactor, tell: Tell, addresses: tuple[tuple[str, int], ...]
    ) -> None:
        super().__init__(reactor, tell)
        self._left = list(addresses)
        self._failure = ""  # of the first address, which is the usual one

    def _ask(self) -> None:
        host, port = self._left.pop(0)
        made = self._open(_socket.AF_INET6 if ":" in host else _socket.AF_INET, _socket.SOCK_STREAM)
        try:
            self._connect(made, (host, port))
        except _AGAIN:
            self._reactor.add_writer(made.fileno(), partial(self._guarded, self._settle))
        else:
            self._settle()

    def _settle(self) -> None:
        """The connection is there, or it has failed."""
        made = self._socket
        if made is None:
            return
        number = made.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR)
        if number:
            raise OSError(number, os.strerror(number))
        try:
            peer = made.getpeername()
        except OSError as error:
            if error.errno == errno.ENOTCONN:
                return  # called for what an earlier socket of this number was ready for
            raise
        self._reactor.remove_writer(made.fileno())
        # A port of the range for clients that nobody listens on can be given to the probe itself,
        # and TCP lets both ends be one ("simultaneous open").
        if made.getsockname() == peer:
            raise OSError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
        self._connected(made)

    def _connected(self, made: _socket.socket) -> None:  # noqa: ARG002  (a request needs it)
        self._tell(True, "")

    def _fail(self, error: Exception) -> None:
        if self._left:
            self._failure = self._failure or _words(error)
            self.begin()
        elif self._failure:  # what the first address said
            self._tell(False, self._failure)
        else:
            super()._fail(error)


class _Request(_Connection):
    """Sends a request and reads the answer."""

    def __init__(self, reactor: Reactor, tell: Tell, http: Http) -> None:
        super().__init__(reactor, tell, probing.parse_url(http.url).addresses)
        self._http = http
        self._unsent = probing.request(http)
        self._answer = Answer(head=http.method == "HEAD")

    def _connected(self, made: _socket.socket) -> None:
        self._left.clear()  # whatever fails now is this server's failure
        self._reactor.add_reader(made.fileno(), partial(self._guarded, self._read))
        self._reactor.add_writer(made.fileno(), partial(self._guarded, self._write))
        self._write()

    def _write(self) -> None:
        if self._socket is None:
            return
        seam.ask("send")
        self._unsent = self._unsent[self._socket.send(self._unsent, _socket.MSG_NOSIGNAL) :]
        if not self._unsent:
            self._reactor.remove_writer(self._socket.fileno())

    def _read(self) -> None:
        if self._socket is None:
            return
        seam.ask("recv")
        data = self._socket.recv(_CHUNK)
        verdict = self._answer.feed(data) if data else self._answer.end()
        if verdict is not None:
            self._judge(verdict)

    def _judge(self, verdict: Verdict) -> None:
        if not verdict.status:
            self._tell(False, verdict.text)
            return
        good = any(low <= verdict.status <= high for low, high in self._http.status)
        self._tell(good, "" if good else f"it answered {verdict.status}")
