"""Pseudo-terminals of the real kernel."""

from __future__ import annotations

import errno
import os
import signal
import socket

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


def test_slave_is_found_when_only_the_master_is_known() -> None:
    """By no path, and only of what is one."""
    master = os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY)
    slave = terminals.slave_of(master)
    try:
        assert os.ttyname(slave).startswith("/dev/pts/")
        os.write(slave, b"x")
        assert os.read(master, 1) == b"x"
        assert not os.get_inheritable(slave)
    finally:
        os.close(slave)
        os.close(master)
    with open("/dev/null", "rb") as null, pytest.raises(OSError, match="Inappropriate") as caught:
        terminals.slave_of(null.fileno())
    assert caught.value.errno == errno.ENOTTY


def test_descriptor_arrives_when_it_is_sent() -> None:
    """With its note; nobody gets a PIPE when there is no one to take it."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        terminals.send(ours, 0, b"name")
        note, fds, _, _ = socket.recv_fds(theirs, 100, 1)
        assert note == b"name"
        os.close(*fds)
        theirs.close()
        with pytest.raises(BrokenPipeError):
            terminals.send(ours, 0, b"name")
