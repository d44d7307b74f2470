"""Signals by descriptor."""

from __future__ import annotations

import os
import signal

import pytest

from nsinit.kernel import mask, signals
from tests.kernel.conftest import in_child


def _read(send: list[int]) -> list[tuple[int, int, int]]:
    mask.block_all()
    reader = signals.SignalReader()
    for number in send:
        os.kill(os.getpid(), number)
    return [(one.number, one.code, one.pid - os.getpid()) for one in reader.read()]


def test_signals_are_read_with_their_sender_when_blocked() -> None:
    """Number, code and pid; nothing else happens."""
    sent = [signal.SIGTERM, signal.SIGUSR1, signal.SIGSEGV, signal.SIGINT]
    got = in_child(lambda: _read([int(n) for n in sent]))
    assert sorted(got) == sorted((int(n), 0, 0) for n in sent)


def test_standard_signals_coalesce_and_real_time_ones_queue_when_pending() -> None:
    """One TERM of three, but three of a real-time signal."""
    got = in_child(lambda: _read([15, 15, 15, 40, 40, 40]))
    assert [number for number, *_ in got] == [15, 40, 40, 40]


@pytest.mark.parametrize("number", sorted({int(n) for n in signal.valid_signals()} - {9, 19}))
def test_every_signal_is_heard_when_it_can_be(number: int) -> None:
    """All but KILL and STOP; one at a time, since CONT and the stopping ones undo each other."""
    assert [got for got, *_ in in_child(lambda: _read([number]))] == [number]


def test_many_are_read_when_more_are_pending_than_one_read_takes() -> None:
    """A batch is no limit."""
    assert len(in_child(lambda: _read([40] * 200))) == 200


def test_children_are_heard_when_caller_ignored_them() -> None:
    """A SIGCHLD ignored by the caller would make the kernel reap by itself."""

    def status() -> int:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        mask.hear_children()
        pid = os.fork()
        if pid == 0:
            os._exit(9)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    assert in_child(status) == 9
