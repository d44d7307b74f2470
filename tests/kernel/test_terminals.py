"""Pseudo-terminals of the real kernel."""

from __future__ import annotations

import errno
import os
import signal

import pytest

from nsinit.kernel import seam, terminals


def test_terminal_has_its_size_when_made() -> None:
    """And another when that is told; neither end is inherited, and the master never waits."""
    master, slave = terminals.make(24, 80)
    try:
        assert os.get_terminal_size(slave) == (80, 24)
        assert terminals.size_of(master) == (24, 80)
        terminals.resize(master, 50, 132)
        assert os.get_terminal_size(slave) == (132, 50)
        assert not os.get_inheritable(master)
        assert not os.get_inheritable(slave)
        with pytest.raises(BlockingIOError):
            os.read(master, 1)
        terminals.ring(master)  # nobody is there
    finally:
        os.close(slave)
        os.close(master)


def test_size_is_unknown_when_it_is_no_terminal() -> None:
    """Also of a terminal without a window."""
    reader, writer = os.pipe()
    assert terminals.size_of(reader) is None
    with pytest.raises(OSError, match="Inappropriate ioctl") as caught:
        terminals.resize(writer, 1, 1)
    assert caught.value.errno == errno.ENOTTY
    os.close(reader)
    os.close(writer)
    master, slave = os.openpty()
    assert terminals.size_of(master) is None
    os.close(slave)
    os.close(master)


def test_nothing_stays_open_when_the_size_cannot_be_set() -> None:
    """The error is told."""
    before = sorted(os.listdir("/proc/self/fd"))
    seam.inject(seam.Plan("ioctl:EIO"))
    try:
        with pytest.raises(OSError, match="Input/output"):
            terminals.make(24, 80)
    finally:
        seam.inject(None)
    assert sorted(os.listdir("/proc/self/fd")) == before


def test_foreground_is_rung_when_asked() -> None:
    """Whatever leads the session on it."""
    master, slave = terminals.make(24, 80)
    pid = os.fork()
    if pid == 0:
        try:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGWINCH})
            os.setsid()
            os.close(os.open(os.ttyname(slave), os.O_RDWR))  # takes it
            os.write(slave, b"x")
            got = signal.sigtimedwait({signal.SIGWINCH}, 20)
            os._exit(0 if got else 1)
        finally:
            os._exit(2)
    os.set_blocking(master, True)
    assert os.read(master, 1) == b"x"
    terminals.ring(master)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    os.close(slave)
    os.close(master)
