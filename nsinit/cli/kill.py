"""`nsinit kill NAME`: a signal for the init of sandboxes."""

from __future__ import annotations

import signal
import time
from typing import Final

from nsinit.cli.stop import send
from nsinit.errors import EXIT_OK, TimedOutError, UsageError
from nsinit.sandbox.pausing import thaw_if_paused
from nsinit.sandbox.state import find, wait_until_gone
from nsinit.units import parse_signal

_KILL: Final = signal.SIGKILL
_PATIENCE: Final = 10.0  # s for the kernel to take everything apart


def run(*, names: list[str], signal: str | None) -> int:
    """Send it to all, and wait for their end if it is KILL; the exit code."""
    number = _number(signal)
    found = [find(name) for name in dict.fromkeys(names)]
    for one in found:
        send(one.record, number)
        if number == _KILL:
            thaw_if_paused(one.record)  # in version 1 what is frozen does not die
    if number != _KILL:
        return EXIT_OK
    until = time.monotonic() + _PATIENCE
    for one in found:
        if not wait_until_gone(one, until - time.monotonic()):
            raise TimedOutError(f"killed {one.record.name!r}, and it is not gone yet")
    return EXIT_OK


def _number(text: str | None) -> int:
    if text is None:
        return _KILL
    try:
        return parse_signal(text)
    except ValueError as error:
        raise UsageError(f"cannot send {text!r}: {error}", hint="such as TERM, USR2, 15") from None
