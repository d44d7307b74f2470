"""What is said on stderr, whatever that is, and whether anybody reads there."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
from typing import TYPE_CHECKING

import pytest

from nsinit.process.tell import tell, tell_surely
from tests.kernel.conftest import in_child

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable


def _said(fd: int, what: Callable[[], None]) -> None:
    """Say it where stderr is that descriptor."""

    def work() -> None:
        os.dup2(fd, 2)
        what()

    in_child(work)


def test_line_is_written_when_somebody_can_read_it(tmp_path: pathlib.Path) -> None:
    """On a pipe, a file, a socket and a terminal alike."""
    reader, writer = os.pipe()
    _said(writer, lambda: tell("a \udcff"))
    assert os.read(reader, 99) == b"nsinit: a \\udcff\n"
    one, other = socket.socketpair()
    _said(one.fileno(), lambda: tell("b"))
    assert other.recv(99) == b"nsinit: b\n"
    with open(tmp_path / "file", "wb") as file:
        _said(file.fileno(), lambda: tell("c"))
    assert (tmp_path / "file").read_bytes() == b"nsinit: c\n"
    master, slave = os.openpty()
    _said(slave, lambda: tell("d"))
    assert os.read(master, 99) == b"nsinit: d\r\n"
    for fd in (reader, writer, master, slave):
        os.close(fd)
    one.close()
    other.close()


def test_line_is_dropped_when_nobody_reads() -> None:
    """A full pipe does not stop an init, nor does a dead one or none at all."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, b"x" * 4096)
    os.set_blocking(writer, True)
    _said(writer, lambda: tell("lost"))
    os.close(reader)
    _said(writer, lambda: tell("lost"))
    _said(writer, lambda: tell_surely("lost"))
    os.close(writer)

    def closed() -> None:
        os.close(2)
        tell("lost")
        tell_surely("lost")

    in_child(closed)


def test_no_more_is_said_than_a_pipe_takes_when_a_line_is_long() -> None:
    """There is room for PIPE_BUF: with more the write could wait."""
    reader, writer = os.pipe()
    size = fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    _said(writer, lambda: tell("x" * 10_000))
    assert os.read(reader, 99_999) == b"nsinit: " + b"x" * (size - 8)
    _said(writer, lambda: tell_surely("y" * 1000))
    assert os.read(reader, 99_999) == b"nsinit: " + b"y" * 1000 + b"\n"
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (errno.EOPNOTSUPP, b"nsinit: a\n"),
        (errno.ENOSYS, b"nsinit: a\n"),
        (errno.EINVAL, b"nsinit: a\n"),
        (errno.ESPIPE, b"nsinit: a\n"),
        (errno.EAGAIN, b""),
    ],
)
def test_line_is_written_plainly_when_the_kernel_does_not_know_the_flag(
    number: int, text: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But not when it says that it would have to wait."""

    def refuse(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "pwritev", refuse)
    reader, writer = os.pipe()
    _said(writer, lambda: tell("a"))
    os.close(writer)
    assert os.read(reader, 99) == text
    os.close(reader)
