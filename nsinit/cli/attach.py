"""`nsinit ctl attach` to one service that has a terminal: this terminal becomes that one.

What is typed goes to the service, byte by byte, ^C and ^Z too; a sequence of keys leaves it. Init
sends what the service shows. Of the signals that this process gets, WINCH is passed on as a size
and those that end it do so after the terminal is as it was.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
from typing import TYPE_CHECKING, Any, Final

from nsinit.cli.output import complain, say
from nsinit.cli.raw import bare, raw, read, window, write
from nsinit.errors import DeniedError, UsageError

if TYPE_CHECKING:
    from nsinit.attached import Attached
    from nsinit.client import Client

KEYS: Final = "ctrl-p,ctrl-q"  # as docker has it
_ENDS: Final = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)
_AHEAD: Final = 256 << 10  # bytes that wait for a service that does not read


def run(client: Client, given: dict[str, Any], keys: bytes) -> int:
    """Be the terminal of a service until its run ends: its exit code, 128 + n for signal n.

    0 after the keys that leave it. ControlError with "no-terminal" if it has none.
    """
    (name,), types = given["names"], not given.get("no_stdin")
    lines = given.get("lines", 10)
    try:
        attached = client.attach_to(name, lines=lines, types=types)
    except DeniedError as error:
        if not types:
            raise
        attached = client.attach_to(name, lines=lines, types=False)
        complain("you can only look on", error.message)
        types = False
    is_terminal = os.isatty(0)
    sizes = types and window(0)
    if sizes:
        attached.resize(*sizes)
    try:
        end = _Session(attached, keys if is_terminal else b"", types=types).run()
    finally:
        attached.close()
    return _tell(name, end, attached.status, aloud=is_terminal)


def _tell(name: str, end: str | int, status: int | None, *, aloud: bool) -> int:
    """Say how it ended; the exit code."""
    if isinstance(end, int):
        return 128 + end
    if end == "left":
        say(f"\nnsinit: {name} goes on without this terminal", sys.stderr)
        return 0
    if status is None:
        return 0
    if aloud:
        how = f"code {status}" if status >= 0 else f"signal {-status}"
        say(f"nsinit: {name} has ended with {how}", sys.stderr)
    return status if status >= 0 else 128 - status


class _StoppedError(Exception):
    """A signal that ends us has come."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class _Session:
    """What passes between this terminal and the other one."""

    def __init__(self, attached: Attached, keys: bytes, *, types: bool) -> None:
        self._attached = attached
        self._keys = Keys(keys)
        self._listening = types
        self._types = types
        self._over = False

    def run(self) -> str | int:
        """Until "left" by its keys, "ended" with the run, or the number of a signal."""
        woken, waker = socket.socketpair()
        woken.setblocking(False)
        waker.setblocking(False)
        handlers = {n: signal.getsignal(n) for n in (*_ENDS, signal.SIGWINCH)}
        for number, handler in handlers.items():
            if handler != signal.SIG_IGN:  # nohup, a background job
                signal.signal(number, self._stop)
        before = signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        try:
            with raw(0) if self._types and os.isatty(0) else bare(1):
                try:
                    return self._copy(woken)
                finally:
                    self._over = True
        except _StoppedError as stopped:
            return stopped.number
        finally:  # the terminal is as it was
            signal.set_wakeup_fd(before)
            for number, handler in handlers.items():
                signal.signal(number, handler)
            woken.close()
            waker.close()

    def _stop(self, number: int, _: object) -> None:
        """Stop once, also in the middle of a write to whoever does not read."""
        if number != signal.SIGWINCH and not self._over:
            self._over = True
            raise _StoppedError(number)

    def _copy(self, woken: socket.socket) -> str | int:
        attached = self._attached
        while (shown := attached.read()) is not None:
            write(1, shown)
            sources: list[Any] = [woken, attached]
            if self._listening and attached.unsent < _AHEAD:
                sources.append(0)
            sinks = [attached] if attached.unsent else []
            readable, writable, _ = select.select(sources, sinks, [])
            if woken in readable and signal.SIGWINCH in woken.recv(64) and self._types:
                self._resize()
            if 0 in readable and self._typed(read(0)):
                return "left"
            if writable:
                attached.flush()
        return "ended"

    def _resize(self) -> None:
        size = window(0)
        if size:
            self._attached.resize(*size)

    def _typed(self, data: bytes) -> bool:
        """Pass keys on; whether they were those that leave."""
        self._listening = bool(data)  # at its end the rest is shown all the same
        data, leaves = self._keys.filter(data)
        self._attached.type(data)
        return leaves


class Keys:
    """Finds a sequence of keys among those that are typed, also when they come one by one."""

    def __init__(self, sequence: bytes) -> None:
        self._sequence = sequence
        self._held = b""  # its beginning, which may turn out to be something else

    def filter(self, data: bytes) -> tuple[bytes, bool]:
        """What of it is to be passed on now; whether the sequence was complete."""
        if not self._sequence:
            return data, False
        data = self._held + data
        at = data.find(self._sequence)
        if at >= 0:
            return data[:at], True
        most = min(len(self._sequence) - 1, len(data))
        size = next(n for n in range(most, -1, -1) if data.endswith(self._sequence[:n]))
        self._held = data[len(data) - size :]
        return data[: len(data) - size], False


def parse_keys(text: str) -> bytes:
    """The bytes of "ctrl-p,ctrl-q", of letters, or of nothing; UsageError."""
    made = b""
    for word in text.split(",") if text else []:
        key = word.removeprefix("ctrl-")
        if len(key) != 1 or not key.isascii() or not key.isprintable():
            raise UsageError(
                f"cannot use the key {word!r}", hint="such as ctrl-p,ctrl-q or ctrl-x,d"
            )
        if key == word:
            made += key.encode()
        elif "@" <= key.upper() <= "_":
            made += bytes((ord(key.upper()) & 0x1F,))
        else:
            raise UsageError(
                f"there is no key {word!r}", hint="ctrl- goes with a to z and @ [ \\ ] ^ _"
            )
    return made
