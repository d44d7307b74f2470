"""`nsinit stop NAME`: let sandboxes end in order, and wait until nothing of them runs."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

from nsinit.client import Client
from nsinit.errors import (
    EXIT_OK,
    DeniedError,
    TimedOutError,
    UnreachableError,
)
from nsinit.sandbox.pausing import thaw_if_paused
from nsinit.sandbox.record import runs
from nsinit.sandbox.state import find, wait_until_gone

if TYPE_CHECKING:
    from nsinit.sandbox.record import Record

TIMEOUT = 30.0  # s
_GRACE = 3.0  # s for the answer of an init


def run(*, names: list[str], timeout: float | None) -> int:
    """Stop them all, side by side; the exit code."""
    timeout = TIMEOUT if timeout is None else timeout
    until = time.monotonic() + timeout
    found = [find(name) for name in dict.fromkeys(names)]
    for one in found:
        thaw_if_paused(one.record)
        _ask(one.record)
    late = [one for one in found if not wait_until_gone(one, until - time.monotonic())]
    if late:
        listed = ", ".join(one.record.name for one in late)
        hint = f"nsinit kill {listed.replace(', ', ' ')}, or a longer --timeout"
        raise TimedOutError(f"waited {timeout:g}s, and these still run: {listed}", hint=hint)
    return EXIT_OK


def _ask(record: Record) -> None:
    """By its control socket, else by a signal to init; or to the launcher if there is none yet."""
    if record.control and record.pid:
        try:
            Client(record.control, grace=_GRACE).shutdown()
        except (UnreachableError, TimedOutError):
            pass
        else:
            return
    send(record, signal.SIGTERM)


def send(record: Record, number: int) -> None:
    """Signal its init, or its launcher while there is none; never another that got its pid since.

    DeniedError if that is forbidden, UnreachableError if its pids mean nothing here.
    """
    pid = record.pid or record.launcher
    started = record.started if record.pid else record.launcher_started
    if not pid or not record.countable():
        reason = "its processes can't be seen from here"
        raise UnreachableError(f"cannot signal the sandbox {record.name!r}: {reason}")
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if runs(pid, started):
            signal.pidfd_send_signal(handle, number)
    except PermissionError:
        message = f"cannot signal the sandbox {record.name!r}: it is another user's"
        raise DeniedError(message) from None
    except ProcessLookupError:
        pass
    finally:
        os.close(handle)
