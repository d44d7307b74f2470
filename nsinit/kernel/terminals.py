"""Pseudo-terminals: made, measured, and rung. Sources: pty(7), tty_ioctl(4).

What is written to the master is typed at the terminal; what programs write on it is read there.
"""

from __future__ import annotations

import os
import signal
import termios
from contextlib import suppress
from typing import Final

from nsinit.kernel import seam

MOST: Final = 0xFFFF  # rows or columns of a window


def make(rows: int, columns: int) -> tuple[int, int]:
    """The two ends of a new terminal, the master without waiting; OSError, also without devpts."""
    master, slave = seam.openpty()
    try:
        os.set_blocking(master, False)
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
