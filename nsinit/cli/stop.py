"""`nsinit stop NAME`: let sandboxes end in order, and wait until nothing of them runs."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from nsinit.client import Client
from nsinit.errors import (
    EXIT_OK,
    ControlError,
    DeniedError,
    TimedOutError,
    UnreachableError,
)
from nsinit.process.alive import runs
from nsinit.sandbox.pausing import thaw_if_paused
from nsinit.sandbox.state import find, wait_until_gone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nsinit.cli.progress import Line
    from nsinit.sandbox.record import Record
    from nsinit.sandbox.state import Found

TIMEOUT = 30.0  # s
_GRACE = 3.0  # s for the answer of an init
_GLANCE = 0.5  # s for that by which it is told how far it is: who hangs holds up the others


def run(*, names: list[str], timeout: float | None, quiet: bool) -> int:
    """Stop them all, side by side; the exit code."""
    timeout = TIMEOUT if timeout is None else timeout
    until = time.monotonic() + timeout
    found = [find(name) for name in dict.fromkeys(names)]
    for one in found:
        thaw_if_paused(one.record)
    line = _line_about(found, timeout, quiet=quiet)
    try:
        for one in found:
            _ask(one.record)
        late = [one for one in found if not _is_gone(one, until, line)]
    except KeyboardInterrupt:
        if line is not None:
            line.give_up(_listed(found) if len(found) == 1 else "each", "nsinit list")
        raise
    finally:
        if line is not None:
            line.close()
    if late:
        listed = _listed(late)
        hint = f"nsinit kill {listed.replace(', ', ' ')}, or a longer --timeout"
        raise TimedOutError(f"waited {timeout:g}s, and these still run: {listed}", hint=hint)
    return EXIT_OK


def _listed(sandboxes: Sequence[Found]) -> str:
    return ", ".join(one.record.name for one in sandboxes)


def _line_about(found: Sequence[Found], timeout: float, *, quiet: bool) -> Line | None:
    """What tells on the terminal how far they are, if somebody sees it."""
    from nsinit.cli.output import is_watched
    from nsinit.cli.progress import DOWN, Line

    if not is_watched(quiet=quiet):
        return None
    line = Line("stopping", DOWN, limit=timeout)
    for one in found:
        prefix = f"{one.record.name}/" if len(found) > 1 else ""
        with suppress(ControlError):  # it is stopped without a word
            if one.record.control:
                line.follow(Client(one.record.control, grace=_GLANCE), prefix=prefix)
    return line


def _is_gone(one: Found, until: float, line: Line | None) -> bool:
    """Whether nothing of it runs any more by then."""
    from nsinit.cli.progress import BEAT

    if line is None:
        return wait_until_gone(one, until - time.monotonic())
    while not wait_until_gone(one, min(BEAT, until - time.monotonic())):
        if time.monotonic() >= until:
            return False
        line.look(0)
    return True


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
