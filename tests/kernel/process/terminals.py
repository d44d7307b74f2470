"""Terminals of tests, and children that lead sessions and groups on them."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

from tests.kernel.conftest import in_child
from tests.kernel.process.conftest import forked
from tests.kernel.process.inits import own_terminal
from tests.support.live import eventually

if TYPE_CHECKING:
    from collections.abc import Callable


def leading(slave: int, work: Callable[[], Any], flags: int = 0) -> Any:
    """What that returns in a child that leads a session on the terminal; TTOU is blocked."""

    def begin() -> Any:
        os.setsid()
        own_terminal(slave)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
        return work()

    return in_child(begin, flags)


def in_group(work: Callable[[], Any], *, front: bool = True) -> Any:
    """The same in a child with a group of its own, which has the foreground or not."""

    def begin() -> Any:
        os.setpgid(0, 0)
        if front:
            os.tcsetpgrp(0, os.getpid())
        return work()

    return in_child(begin)


def group_of() -> int:
    """A process that is in a group of its own, and waits."""

    def wait() -> None:
        os.setpgid(0, 0)
        signal.pause()

    pid = forked(wait)
    eventually(lambda: os.getpgid(pid) == pid, "a group")
    return pid
