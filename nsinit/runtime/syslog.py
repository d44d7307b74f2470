"""One syslog daemon: messages are sent as far as it takes them, wait, or are dropped and counted.

Loaded only by who has one. Nothing here waits for the daemon. While it is not there, what is
written waits, up to a limit; then whole blocks are dropped, and told when it takes messages again.
A message that was sent in part when a stream broke is sent again from its beginning. What the
kernel took of a stream or datagram that then got lost is nobody's to count.
"""

from __future__ import annotations

import errno
import os
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from nsinit.kernel import calling, seam, sockets
from nsinit.model import addresses
from nsinit.runtime.logstate import NONE, SyslogState
from nsinit.runtime.rfc5424 import Sender, counted, header, terminated

if TYPE_CHECKING:
    import _socket
    from collections.abc import Callable

    from nsinit.model.syslog import SyslogRules
    from nsinit.runtime.handover import Keep
    from nsinit.runtime.reactor import Reactor
    from nsinit.runtime.tally import Tallies, Tally

LIMIT: Final = 1 << 20  # bytes that wait for a slow daemon
_BURST: Final = 1000  # datagrams per turn: a service that writes empty lines makes very many
_FIRST: Final = 0.5  # s until it is called again, doubled each time
_LONGEST: Final = 30.0
_NOBODY: Final = ("", "", "")
_WARNING: Final = 4  # the severity of what nsinit itself says there
_TOO_LONG: Final = frozenset({errno.EMSGSIZE, errno.EINVAL})


class Syslog:
    """Messages to one address; it is called when there is something to say."""

    def __init__(self, address: str, reactor: Reactor, tell: Callable[[str, str], None]) -> None:
        """`tell(level, text)` is told when the daemon is gone, and when it is back."""
        self.address = address
        self.dropped = 0  # bytes, ever
        self._reactor = reactor
        self._tell = tell
        self._socket: _socket.socket | None = None
        self._is_up = False
        self._is_stream = False
        self._waiting: deque[tuple[list[bytes], Tally | None]] = deque()
        self._size = 0
        self._frames: list[int] = []  # the sizes of those of the first that wait, on a stream
        self._bytes = b""  # and they themselves
        self._at = 0  # how many of these were taken
        self._untold = 0
        self._warned = False
        self._pause = _FIRST
        self._due = False  # a call is planned
        self._rules: SyslogRules | None = None  # by which losses are told

    @property
    def unsent(self) -> int:
        """Bytes that wait."""
        return self._size

    def write(self, rules: SyslogRules, made: list[bytes], tally: Tally) -> None:
        """Send messages now or later, or drop them all."""
        size = sum(map(len, made))
        tally.bytes += size
        self._rules = rules
        if self._waiting and self._size + size > LIMIT:
            self._drop(size, tally)
            return
        self._waiting.append((made, tally))
        self._size += size
        if self._is_up:
            if len(self._waiting) == 1:
                self.flush()
        elif self._socket is None and not self._due:
            self._call()

    def _drop(self, size: int, tally: Tally) -> None:
        self._untold += size
        self.dropped += size
        tally.dropped += size

    def _confess(self) -> None:
        """Tell the loss: what had waited has been sent, and nothing was written since."""
        assert self._rules is not None  # noqa: S101  (for the type checker)
        count, self._untold = self._untold, 0
        rules = self._rules._replace(priority=self._rules.priority & ~7 | _WARNING, app_name="")
        sender = Sender(calling.host_name(), "nsinit", "stderr", os.getpid())
        text = f"{count} bytes were dropped here: syslog took no more".encode()
        message = header(rules, sender, seam.wall()) + text
        self._waiting.append(([message], None))
        self._size += len(message)

    # --- Sending ----------------------------------------------------------------------------------

    def flush(self) -> bool:
        """Send what waits, as far as it goes; whether nothing waits any more."""
        if self._socket is None or not self._is_up:
            return not self._waiting
        left = _BURST
        try:
            while self._waiting or self._untold:
                if left <= 0:
                    raise BlockingIOError  # noqa: TRY301  (it is the others' turn)
                if not self._waiting:
                    self._confess()
                if self._is_stream:
                    self._push_stream(self._socket)
                else:
                    left -= self._push_datagrams(self._socket, left)
                self._taken()
        except (BlockingIOError, InterruptedError):
            self._reactor.add_writer(self._socket.fileno(), self.flush)
            return False
        except OSError as error:
            self._lost(error)
            return False
        self._reactor.remove_writer(self._socket.fileno())
        return True

    def _push_stream(self, socket: _socket.socket) -> None:
        made, _ = self._waiting[0]
        if not self._frames:
            self._frame(made)
        view = memoryview(self._bytes)
        while self._at < len(view):
            self._at += calling.send(socket, view[self._at :])
        self._size -= sum(map(len, made))
        self._frames, self._bytes, self._at = [], b"", 0
        self._waiting.popleft()

    def _frame(self, made: list[bytes]) -> None:
        frame = counted if self.address.startswith("tcp:") else terminated
        frames = [frame(message) for message in made]
        self._frames = [len(one) for one in frames]
        self._bytes = b"".join(frames)

    def _push_datagrams(self, socket: _socket.socket, most: int) -> int:
        made, tally = self._waiting[0]
        done = 0
        try:
            for message in made[:most]:
                if not self._send(socket, message) and tally is not None:
                    self._drop(len(message), tally)  # else it was to tell of a loss
                self._size -= len(message)
                done += 1
        finally:
            del made[:done]
        if not made:
            self._waiting.popleft()
        return done

    def _send(self, socket: _socket.socket, message: bytes) -> bool:
        """Send a datagram; whether it could be, in this size and to them."""
        for _ in range(2):
            try:
                calling.send(socket, message)
            except ConnectionRefusedError as error:
                if not self.address.startswith("udp:"):
                    raise
                self._warn(error)  # of an earlier one: this one was not sent yet
            except OSError as error:
                if error.errno in _TOO_LONG:
                    return False
                raise
            else:
                return True
        return False

    def _rewind(self) -> None:
        """What a broken stream has taken of a message is to be sent again."""
        if self._frames:
            made = self._waiting[0][0]
            while self._frames and self._at >= self._frames[0]:
                self._at -= self._frames.pop(0)
                self._size -= len(made.pop(0))
            if not made:
                self._waiting.popleft()
        self._frames, self._bytes, self._at = [], b"", 0

    def _taken(self) -> None:
        """It is there, and well."""
        self._pause = _FIRST
        if self._warned and not self.address.startswith("udp:"):  # which says so for nothing
            self._warned = False
            text = f"syslog at {self.address} takes messages again"
            self._tell("info", f"{text}; {self.dropped} bytes for it were dropped so far")

    def _warn(self, error: OSError) -> None:
        if not self._warned:
            self._warned = True
            text = f"cannot reach syslog at {self.address}: {error.strerror}"
            self._tell("warning", f"{text}; up to {LIMIT >> 20} MiB waits for it")

    # --- The connection ---------------------------------------------------------------------------

    def _call(self) -> None:
        self._due = False
        if self._socket is not None:
            return
        try:
            self._socket, done = self._dial()
        except OSError as error:
            self._lost(error)
            return
        if done:
            self._connected()
        else:
            self._reactor.add_writer(self._socket.fileno(), self._heard)

    def _dial(self) -> tuple[_socket.socket, bool]:
        if self.address.startswith(("/", "@")):
            self._is_stream = False
            try:
                return calling.call_unix(self.address, stream=False)
            except OSError as error:
                if error.errno != errno.EPROTOTYPE:
                    raise
            self._is_stream = True
            return calling.call_unix(self.address, stream=True)
        to = addresses.parse(self.address)
        self._is_stream = to.is_stream
        if to.is_inet:
            return calling.call_inet(to.host, to.port, stream=to.is_stream)
        return calling.call_unix(to.path, stream=to.is_stream)

    def _heard(self) -> None:
        """The other side has answered the call."""
        assert self._socket is not None  # noqa: S101  (for the type checker)
        self._reactor.remove_writer(self._socket.fileno())
        number = calling.outcome(self._socket)
        if number:
            self._lost(OSError(number, os.strerror(number)))
        else:
            self._connected()

    def _connected(self) -> None:
        assert self._socket is not None  # noqa: S101  (for the type checker)
        self._is_up = True
        if self._is_stream:
            self._reactor.add_reader(self._socket.fileno(), self._look)
        self.flush()

    def _look(self) -> None:
        """A daemon has no more to say than that it ends."""
        if self._socket is not None and calling.is_over(self._socket):
            self._lost(OSError(errno.EPIPE, os.strerror(errno.EPIPE)))

    def _lost(self, error: OSError) -> None:
        self.hang_up()
        self._rewind()
        self._warn(error)
        if self._waiting and not self._due:
            self._due = True
            self._reactor.later(self._pause, self._call)
            self._pause = min(self._pause * 2, _LONGEST)

    def hang_up(self) -> None:
        """End the connection; what waits goes on to wait."""
        if self._socket is not None:
            self._reactor.remove_reader(self._socket.fileno())
            self._reactor.remove_writer(self._socket.fileno())
            with suppress(OSError):
                self._socket.close()
        self._socket, self._is_up = None, False

    # --- For another init -------------------------------------------------------------------------

    def export(self, keep: Keep) -> SyslogState:
        """What waits, and the connection if there is one."""
        fd = self._socket.fileno() if self._socket is not None and self._is_up else NONE
        return SyslogState(
            address=self.address,
            fd=keep(fd),
            is_stream=self._is_stream,
            waiting=[(made, *(tally.key if tally else _NOBODY)) for made, tally in self._waiting],
            at=self._at,
            dropped=self.dropped,
            untold=self._untold,
            warned=self._warned,
            rules=self._rules,
        )

    def adopt(self, state: SyslogState, tallies: Tallies) -> None:
        """Go on with another's."""
        self.dropped, self._untold, self._warned = state.dropped, state.untold, state.warned
        self._rules = state.rules
        for made, *key in state.waiting:
            self._waiting.append((made, tallies.of(*key) if any(key) else None))
            self._size += sum(map(len, made))
        if state.fd >= 0:
            self._socket, self._is_up = sockets.adopt(state.fd), True
            self._is_stream, self._at = state.is_stream, state.at
            if self._is_stream:
                self._reactor.add_reader(state.fd, self._look)
                if self._waiting and self._at:
                    self._frame(self._waiting[0][0])
            self._reactor.soon(self.flush)
        elif self._waiting:
            self._due = True
            self._reactor.soon(self._call)
