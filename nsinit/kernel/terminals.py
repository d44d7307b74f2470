"""Pseudo-terminals: made, measured, and rung. Sources: pty(7), tty_ioctl(4).

What is written to the master is typed at the terminal; what programs write on it is read there.
"""

from __future__ import annotations

import _socket
import fcntl
import os
import signal
import struct
import termios
from array import array
from contextlib import suppress
from typing import Final

from nsinit.kernel import seam

MOST: Final = 0xFFFF  # rows or columns of a window
_TIOCSPTLCK: Final = 0x4004_5431  # asm-generic/ioctls.h
_TIOCGPTPEER: Final = 0x5441


def make(rows: int, columns: int) -> tuple[int, int]:
    """The two ends of a new terminal, the master without waiting; OSError, also without devpts."""
    master, slave = seam.openpty()
    try:
        seam.set_blocking(master, False)
        resize(master, rows, columns)
    except OSError:
        os.close(master)
        os.close(slave)
        raise
    return master, slave


def resize(fd: int, rows: int, columns: int) -> None:
    """Tell how large its window is; its foreground group gets a WINCH if that is news."""
    seam.ask("ioctl")
    try:
        termios.tcsetwinsize(fd, (rows, columns))
    except termios.error as error:  # no OSError
        raise OSError(*error.args) from None


def size_of(fd: int) -> tuple[int, int] | None:
    """Rows and columns of its window; None of what is no terminal or has none."""
    try:
        rows, columns = termios.tcgetwinsize(fd)
    except termios.error:
        return None
    return (rows, columns) if rows and columns else None


def ring(master: int) -> None:
    """Have its foreground draw everything again: a WINCH although the size is the same."""
    with suppress(OSError):
        group = os.tcgetpgrp(master)
        if group > 1:  # 0 is outside of our pid namespace
            seam.killpg(group, signal.SIGWINCH)


def slave_of(master: int) -> int:
    """The other end of what was opened as a ptmx, ready for use; by no path (ioctl_tty(2)).

    ENOTTY if it is none.
    """
    seam.ask("ioctl")
    fcntl.ioctl(master, _TIOCSPTLCK, struct.pack("i", 0))
    return fcntl.ioctl(master, _TIOCGPTPEER, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)


def send(to: _socket.socket, fd: int, note: bytes) -> None:
    """Pass a descriptor over a unix socket (SCM_RIGHTS, unix(7)), with a few bytes beside it."""
    seam.ask("sendmsg")
    rights = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS, array("i", [fd]))
    to.sendmsg([note], [rights], _socket.MSG_NOSIGNAL)
