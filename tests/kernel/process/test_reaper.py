"""Reaping, and what a process does before it may have children to look after."""

from __future__ import annotations

import os
import signal

from nsinit.kernel import mask, seam
from nsinit.kernel.namespaces import flags_of
from nsinit.process.reaper import BATCH, drain
from nsinit.process.settle import settle
from tests.kernel.conftest import in_child
from tests.kernel.process.conftest import forked, sleeper, zombie
from tests.support.live import eventually


def test_all_that_ended_is_reaped_when_there_is_room() -> None:
    """Each once, with its status; what runs is left alone."""

    def work() -> bool:
        kept = sleeper()
        pids = [zombie() for _ in range(5)]
        first = drain(3)
        rest = drain()
        os.kill(kept, signal.SIGKILL)
        os.waitid(os.P_PID, kept, os.WEXITED | os.WNOWAIT)
        last = drain()
        return (
            len(first) == 3
            and [end.pid for end in first + rest] == pids
            and [(end.pid, end.status) for end in last] == [(kept, -signal.SIGKILL)]
            and drain() == []
        )

    assert in_child(work)
    assert BATCH == 256


def test_orphans_come_and_no_signal_is_lost_when_a_process_has_settled() -> None:
    """What it was given ignored or open is no trouble of those that it starts."""

    def work() -> list[bool]:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        os.set_inheritable(os.dup2(0, 77), True)
        os.close(0)
        settle()
        settle()
        reader, writer = os.pipe()
        parent = forked(lambda: os.write(writer, b"%d" % sleeper()))
        os.waitpid(parent, 0)
        orphan = int(os.read(reader, 99))
        os.kill(orphan, signal.SIGKILL)
        eventually(lambda: signal.SIGCHLD in signal.sigpending(), "it is told of the end")
        return [
            os.waitpid(orphan, 0)[0] == orphan,
            signal.pthread_sigmask(signal.SIG_BLOCK, ()) >= set(map(signal.Signals, (15, 17, 1))),
            signal.pthread_sigmask(signal.SIG_BLOCK, ()) >= mask.HEARD,
            not os.get_inheritable(77),
            os.path.samestat(os.fstat(0), os.stat("/dev/null")),
        ]

    assert in_child(work) == [True] * 5


def test_nobody_is_asked_to_adopt_when_it_is_process_1() -> None:
    """It gets all orphans anyway."""

    def work() -> list[str]:
        called: list[str] = []
        seam.inject(called.append)
        settle()
        return called

    assert "prctl" in in_child(work)
    assert "prctl" not in in_child(work, flags_of(["pid"]))
