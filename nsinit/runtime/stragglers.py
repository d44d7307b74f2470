"""The very end of an init: orphans that are left get TERM and, a moment later, KILL."""

from __future__ import annotations

import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from nsinit.kernel import proc, seam

if TYPE_CHECKING:
    from nsinit.runtime.events import EventLog
    from nsinit.runtime.reactor import Reactor

_GRACE: Final = 1.0  # s between TERM and KILL
_LEAST: Final = 0.3  # s of that when the shutdown has used up its time


def end_stragglers(reactor: Reactor, say: EventLog, deadline: float) -> None:
    """TERM to every process that is left below us, then KILL, in what the budget still has.

    `deadline` is that of the shutdown (monotonic s), 0 if it has none.
    """
    grace = _GRACE
    if proc.children() is None:
        say.error("what is left of services can't be found and ended: /proc can't be read")
    if deadline:
        grace = min(grace, max(_LEAST, deadline - seam.monotonic()))
    for number, wait in ((signal.SIGTERM, grace), (signal.SIGKILL, _LEAST)):
        until = seam.monotonic() + wait
        told: set[int] = set()
        while proc.children():
            for pid in set(proc.descendants()) - told:
                told.add(pid)
                with suppress(OSError):
                    seam.kill(pid, number)
            if seam.monotonic() >= until:
                break
            reactor.turn(max(0.0, until - seam.monotonic()))
