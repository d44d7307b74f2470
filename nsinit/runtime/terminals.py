"""The terminal that init makes for a run of a service: its two ends, and who watches and types.

The master is read like the pipe of any service, by `Logs`, which passes every piece through
`heard`. What is typed is written without waiting: what a service does not read waits here, and
whoever typed it is asked to stop until it is gone. Init keeps the other end open as well, so that
a program may close its terminal and open it again, as login(1) does, before somebody opens it.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from nsinit.errors import SpawnError
from nsinit.kernel import seam, terminals

if TYPE_CHECKING:
    from collections.abc import Callable

    from nsinit.model.spec import Service
    from nsinit.process.program import Program
    from nsinit.runtime.handover import Keep
    from nsinit.runtime.logs import Logs
    from nsinit.runtime.logstate import TerminalState
    from nsinit.runtime.reactor import Reactor
    from nsinit.runtime.stream import Ends, Key

ROWS: Final = 24
COLUMNS: Final = 80
TERM: Final = "xterm"  # what docker gives to whoever has a terminal and no TERM
_HINTS: Final = dict.fromkeys((errno.EMFILE, errno.ENFILE), "raise the limit on open files")
_HINT: Final = "is there a devpts at /dev/pts, and a /dev/ptmx?"
_PIECE: Final = 4096  # bytes: a terminal takes about as much at once


class Terminal:
    """One terminal; `slave` is what the service is born with."""

    def __init__(self, master: int, slave: int, reactor: Reactor) -> None:
        self.master = master
        self.slave = slave
        self.listeners: list[Callable[[bytes], object]] = []  # of its output, as it is
        self.on_end: list[Callable[[], object]] = []
        self._reactor = reactor
        self._held = b""  # a carriage return whose newline may come
        self._typed = b""  # and not taken yet
        self._waiting: list[Callable[[], object]] = []

    @classmethod
    def make(cls, reactor: Reactor, owner: int | None) -> Terminal:
        """A new one, which belongs to the user of that id; OSError."""
        master, slave = terminals.make(ROWS, COLUMNS)
        if owner is not None:
            with suppress(OSError):  # without CAP_CHOWN only its name stays closed to the user
                seam.fchown(slave, owner, -1)
        return cls(master, slave, reactor)

    def heard(self, data: bytes) -> bytes:
        """Tell the output to whoever watches; the same with the newlines of a log.

        A terminal makes a carriage return and a newline of each newline.
        """
        for listener in list(self.listeners):
            listener(data)
        data = self._held + data
        self._held = b"\r" if data.endswith(b"\r") else b""
        return data[: len(data) - len(self._held)].replace(b"\r\n", b"\n")

    def unfinished(self, rest: bytes) -> bytes:
        """The line that has not ended, such as a prompt; `rest` is what the log has of it."""
        return rest + self._held

    # --- What is typed ----------------------------------------------------------------------------

    def type(self, data: bytes, when_taken: Callable[[], object]) -> bool:
        """Type; False if that has to wait for the service: no more until `when_taken` is called."""
        if self._typed:
            self._typed += data
        else:
            self._typed = data
            self._write()
            if not self._typed:
                return True
            self._reactor.add_writer(self.master, self._write_on)
        self._waiting.append(when_taken)
        return False

    def _write(self) -> None:
        try:
            while self._typed:
                self._typed = self._typed[seam.write(self.master, self._typed[:_PIECE]) :]
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._typed = b""  # nobody will read it

    def _write_on(self) -> None:
        self._write()
        if not self._typed:
            self._reactor.remove_writer(self.master)
            waiting, self._waiting = self._waiting, []
            for when_taken in waiting:
                when_taken()

    def resize(self, rows: int, columns: int, *, anew: bool) -> None:
        """Say how large the window is. `anew`: a client has come, who needs all drawn."""
        if anew and terminals.size_of(self.master) == (rows, columns):
            terminals.ring(self.master)
            return
        with suppress(OSError):
            terminals.resize(self.master, rows, columns)

    def forget(self, listener: Callable[[bytes], object], end: Callable[[], object]) -> None:
        """A client has gone; what it has typed stays typed."""
        self.listeners.remove(listener)
        self.on_end.remove(end)

    # --- Its end ----------------------------------------------------------------------------------

    def close(self) -> None:
        """The run is over; the master is closed by whoever reads it, after this."""
        if self._typed:
            self._typed = b""
            self._reactor.remove_writer(self.master)
        os.close(self.slave)
        ends, self.on_end, self._waiting, self.listeners = self.on_end, [], [], []
        for end in ends:
            end()

    def export(self, keep: Keep) -> TerminalState:
        """For another init; the master is known to the stream."""
        from nsinit.runtime.logstate import TerminalState  # noqa: PLC0415  (loaded by then)

        return TerminalState(slave=keep(self.slave), held=self._held, typed=self._typed)

    @classmethod
    def adopt(cls, master: int, state: TerminalState, reactor: Reactor) -> Terminal:
        """Go on with another's."""
        made = cls(master, state.slave, reactor)
        made._held, made._typed = state.held, state.typed
        if state.typed:
            reactor.add_writer(master, made._write_on)
        return made


def give(key: Key, spec: Service, program: Program, logs: Logs) -> Ends:
    """Make one for a run, and tell its program what to go by; SpawnError."""
    owner = program.identity[0] if program.identity is not None else None
    try:
        ends = logs.open_terminal(key, spec.log, owner)
    except OSError as error:
        number = error.errno or errno.EIO
        hint = _HINTS.get(number, _HINT)
        raise SpawnError(key[0], "make a terminal for", number, hint=hint) from None
    program.env.setdefault("TERM", TERM)
    return ends
