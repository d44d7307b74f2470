"""Work that is given up when it takes too much of the processor's time. setitimer(2).

Python's regular expressions look for signals as they go, so a signal whose handler raises ends a
search that would go on for ever. The signal is open for the time of the work only: elsewhere init
has every signal blocked.
"""

from __future__ import annotations

import signal
import time
from contextlib import suppress

TYPE_CHECKING = False  # as in `seam`
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import TypeVar

    T = TypeVar("T")

_SIGNAL = signal.SIGVTALRM


class TooSlowError(Exception):
    """The work was given up."""


def spent() -> float:
    """How much of the processor's time this thread has had, in seconds."""
    return time.thread_time()


def bounded(seconds: float, work: Callable[[], T]) -> T:
    """What `work` returns; TooSlowError when it has had so much time. In the main thread only."""
    is_running = True
    begun = time.thread_time()

    def give_up(number: int, frame: FrameType | None) -> None:
        del number, frame
        # Else it went off just as the work was done, or somebody has sent the signal.
        if is_running and time.thread_time() - begun >= seconds / 2:
            raise TooSlowError

    before = signal.signal(_SIGNAL, give_up)
    mask = signal.pthread_sigmask(signal.SIG_UNBLOCK, {_SIGNAL})
    try:
        with suppress(OSError):  # a seccomp filter may not let us: the work has no bound then
            signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
        made = work()
        is_running = False
        return made
    finally:
        is_running = False
        with suppress(OSError):
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(_SIGNAL, before)
