"""Signals before anything hears them. Knows no policy.

Without the module `signal`, whose enumerations are loaded before the first service otherwise.
"""

from __future__ import annotations

from nsinit.lean import signal

TYPE_CHECKING = False  # as `typing` has it, which would be loaded before the first service
if TYPE_CHECKING:
    from typing import Final

# Faults too: sent by somebody they are signals like any, and a real one kills though it is blocked.
HEARD: Final = frozenset(map(int, signal.valid_signals())) - {9, 19}  # KILL, STOP


def block_all() -> set[int]:
    """Block everything that can be heard, and return the mask before."""
    return set(map(int, signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)))


def hear_children() -> None:
    """Undo an ignored SIGCHLD: with it the kernel reaps by itself and every status is lost."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def ignored() -> list[int]:
    """The signals that this process ignores, and that its children would ignore."""
    return [n for n in map(int, signal.valid_signals()) if signal.getsignal(n) == signal.SIG_IGN]
