"""This terminal, handed over to a program elsewhere, and the bytes that pass.

Its modes change at once (TCSANOW): what was written is processed already, and to wait until it is
shown could last for ever.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_PIECE: Final = 1 << 16


def read(fd: int) -> bytes:
    """What has come; nothing at the end, also of a terminal that nobody holds any more (EIO)."""
    try:
        return os.read(fd, _PIECE)
    except OSError:
        return b""


def write(fd: int, data: bytes) -> None:
    """Write all of it, if anybody reads it."""
    with suppress(OSError):
        while data:
            data = data[os.write(fd, data) :]


def window(fd: int) -> tuple[int, int] | None:
    """Rows and columns of a terminal, None of anything else."""
    import termios

    try:
        rows, columns = termios.tcgetwinsize(fd)
    except termios.error:
        return None
    return (rows, columns) if rows and columns else None


@contextmanager
def raw(fd: int) -> Iterator[None]:
    """Every key is read as it is; the terminal is given back as it was, whatever happens."""
    import termios
    import tty

    with _kept(fd) as modes:
        if modes:
            tty.setraw(fd, termios.TCSANOW)
        yield


@contextmanager
def bare(fd: int) -> Iterator[None]:
    """What is written is shown as it is, and keys are not, ^C still interrupts."""
    import termios

    with _kept(fd) as modes:
        if modes and _may_change(fd):
            modes[1] &= ~termios.OPOST
            modes[3] &= ~termios.ECHO
            termios.tcsetattr(fd, termios.TCSANOW, modes)
        yield


def _may_change(fd: int) -> bool:
    """Whether we would not be stopped for it, as who is in the background of its terminal."""
    try:
        return os.tcgetpgrp(fd) == os.getpgrp()
    except OSError:  # it is not ours
        return True


@contextmanager
def _kept(fd: int) -> Iterator[list[Any]]:
    """The modes of a terminal, which come back in the end; nothing of what is none."""
    import termios

    try:
        before = termios.tcgetattr(fd)
    except termios.error:  # a pipe, in a script
        yield []
        return
    try:
        yield [*before]
    finally:
        with suppress(termios.error):  # it has hung up
            if termios.tcgetattr(fd) != before:
                termios.tcsetattr(fd, termios.TCSANOW, before)
