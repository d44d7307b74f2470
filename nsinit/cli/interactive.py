"""A command in a sandbox that is typed on a terminal gets a terminal of its own.

    launcher, on the terminal of the caller      init, in the sandbox
    ---------------------------------------      --------------------
                      <------------------------- the end of a new pseudo-terminal
    copies between the two, in raw mode          the other end is its stdin, stdout and stderr,
    hands on the size of the window              and the controlling terminal of the command

It is made by init, so that it is one of the sandbox's own /dev/pts. The caller's own terminal is
never given away: whoever has it could type commands into it (TIOCSTI, ioctl_tty(2)).
"""

from __future__ import annotations

import _socket
import fcntl
import os
import signal
import termios
import tty
from array import array
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from msgspec import structs

from nsinit.model.spec import Log
from nsinit.model.types import Sinks
from nsinit.runtime.stdio import Stdio

if TYPE_CHECKING:
    from collections.abc import Callable

    from nsinit.model.load import Loaded
    from nsinit.runtime.boot import Given

MAIN: Final = "main"
_PIECE: Final = 1 << 14
_PIECES: Final = 16
_FD: Final = array("i").itemsize


def is_wanted(given: Given) -> bool:
    """Whether a command was typed on a terminal that is ours now, and nothing else is said of it.

    A pipeline, a background job and a service with a log or a terminal of its own are not meant.
    """
    spec = given.loaded.config.services.get(MAIN)
    bundle = given.loaded.bundle
    typed = bool(given.command) if bundle is None else bundle.terminal
    if not typed or spec is None or spec.log != Log() or spec.tty is not None:
        return False
    try:
        return os.isatty(0) and os.isatty(1) and os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        return False


def on_terminal(given: Given) -> Given:
    """An init whose main service has init's terminal; it tells only what goes wrong."""

    def changed(loaded: Loaded) -> Loaded:
        config = loaded.config
        spec = structs.replace(config.services[MAIN], log=Log(to=Sinks(("inherit",))))
        log = config.init.log
        if log.level == "info":
            log = structs.replace(log, level="warning")
        config = structs.replace(
            config,
            init=structs.replace(config.init, log=log),
            services={**config.services, MAIN: spec},
        )
        return structs.replace(loaded, config=config)

    load = given.load
    return given._replace(
        loaded=changed(given.loaded), load=lambda: changed(load()), stdio=Stdio(MAIN)
    )


class Terminal:
    """The way between the caller's terminal and the command's."""

    def __init__(self) -> None:
        self.watched: dict[int, Callable[[], object]] = {}
        self._ours, self._theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
        self._master = -1
        self._typed = b""
        self._before: list[Any] | None = None
        self._resized = -1

    # --- In init ----------------------------------------------------------------------------------

    def make(self) -> bool:
        """Make the terminal and be on it; whether there is one."""
        self._ours.close()
        try:
            master, slave = os.openpty()
        except OSError as error:
            os.write(2, f"nsinit: cannot make a terminal: {error.strerror}\n".encode())
            self._theirs.close()
            return False
        rights = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS, array("i", [master]))
        self._theirs.sendmsg([b"\0"], [rights])
        self._theirs.close()
        os.close(master)
        self.take(slave)
        return True

    @property
    def socket(self) -> _socket.socket:
        """By which the launcher gets a terminal that somebody else makes in init."""
        return self._theirs

    def take(self, slave: int) -> None:
        """Be on the terminal that it is an end of."""
        for fd in (0, 1, 2):
            os.dup2(slave, fd)
        os.close(slave)

    # --- In the launcher --------------------------------------------------------------------------

    def begin(self) -> None:
        """Get the terminal from init, and begin to copy."""
        self._theirs.close()
        _, ancillary, _, _ = self._ours.recvmsg(
            1, _socket.CMSG_SPACE(_FD), _socket.MSG_CMSG_CLOEXEC
        )
        self._ours.close()
        for _, _, data in ancillary:
            self._master = array("i", data[:_FD])[0]
        if self._master < 0:
            return
        os.set_blocking(self._master, False)
        self._copy_window()
        self._before = termios.tcgetattr(0)
        tty.setraw(0)
        self._resized = _window_signals()
        self.watched |= {
            0: self._read_keys,
            self._master: self._show,
            self._resized: self._copy_window,
        }

    def end(self) -> None:
        """Show what is left, and give the caller's terminal back as it was."""
        if self._before is not None:
            self._show()
            with suppress(termios.error):
                termios.tcsetattr(0, termios.TCSADRAIN, self._before)

    def _read_keys(self) -> None:
        try:
            typed = os.read(0, _PIECE)
        except OSError:
            typed = b""
        if not typed:  # the terminal is gone, or taken from us
            self.watched.pop(0, None)
        self._typed += typed
        self._pass_on()

    def _pass_on(self) -> None:
        """What the command does not take yet waits, and so does who types it."""
        try:
            self._typed = self._typed[os.write(self._master, self._typed) :]
        except BlockingIOError:
            self.watched.pop(0, None)
            return
        except OSError:
            self._typed = b""

    def _show(self) -> None:
        try:
            for _ in range(_PIECES):
                data = os.read(self._master, _PIECE)
                while data:
                    data = data[os.write(1, data) :]
                if self._typed:
                    self._pass_on()
                    if not self._typed:
                        self.watched.setdefault(0, self._read_keys)
        except BlockingIOError:
            return
        except OSError:  # EIO: nobody has the other end, or ours is gone
            self.watched.pop(self._master, None)

    def _copy_window(self) -> None:
        with suppress(OSError):
            os.read(self._resized, 1024)
        with suppress(OSError):
            size = fcntl.ioctl(0, termios.TIOCGWINSZ, bytes(8))
            fcntl.ioctl(self._master, termios.TIOCSWINSZ, size)


def _window_signals() -> int:
    """A descriptor that can be read when the window has got another size."""
    from nsinit.kernel import libc

    return libc.signalfd(1 << (signal.SIGWINCH - 1))
