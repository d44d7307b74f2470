"""`nsinit ctl exec`: run a command beside a service, on this terminal or a new one.

With -t a pseudo-terminal is made here and its other end given to the command; this process copies
between the two, in raw mode, and hands on the size of its window. Without -t the command has this
process's own stdin, stdout and stderr; signals are handed on.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Protocol

from nsinit.cli.output import as_json, say
from nsinit.cli.raw import raw, read, write
from nsinit.errors import ControlError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nsinit.client import CommandRun

_HANDED_ON: Final = (
    signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2,
)  # fmt: skip
_SILENCE: Final = 0.2  # s after which a terminal whose command has ended has nothing more to show


class Starter(Protocol):
    """A client of init, or who does without one."""

    def start_command(
        self, row: str, params: Mapping[str, Any], fds: Sequence[int] = (0, 1, 2)
    ) -> CommandRun:
        """Start what a row of the command table means; ControlError."""


def run(client: Starter, row: str, given: dict[str, Any], *, as_text: bool = True) -> int:
    """Run it to its end; its exit code, 128 + n for signal n, 126 or 127 if it can't be run.

    `row` is that of the command table: "exec" in the place of a service, "enter" in that of init.
    """
    given.setdefault("term", os.environ.get("TERM"))
    try:
        start = _in_terminal if given.get("terminal") else _plainly
        status = start(client, row, given)
    except ControlError as error:
        answer = error.answer if isinstance(error.answer, dict) else {}
        if "exit_code" in answer:
            error.exit_code = int(answer["exit_code"])
        raise
    if not as_text:  # stdout is the command's
        told = {"exit_code": status} if status >= 0 else {"exit_signal": -status}
        say(as_json(told), sys.stderr)
    return status if status >= 0 else 128 - status


def _plainly(client: Starter, row: str, given: dict[str, Any]) -> int:
    command = client.start_command(row, given)
    for number in _HANDED_ON:
        if signal.getsignal(number) != signal.SIG_IGN:  # nohup, a background job
            signal.signal(number, lambda n, _: command.signal(n))
    return command.wait()


# --- With a terminal ------------------------------------------------------------------------------


def _in_terminal(client: Starter, row: str, given: dict[str, Any]) -> int:
    import pty

    ours, theirs = pty.openpty()
    os.set_blocking(ours, False)
    _copy_window(ours)
    command = client.start_command(row, given, (theirs, theirs, theirs))
    os.close(theirs)
    signal.signal(signal.SIGWINCH, lambda *_: _copy_window(ours))
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, lambda n, _: command.signal(n))
    with raw(0):
        return _copy(ours, command)


def _copy(terminal: int, command: CommandRun) -> int:
    """Between this terminal and the command's, until the command has ended and all is shown.

    What is typed waits while the command does not read it; what it writes never waits for that.
    """
    status: int | None = None
    typed, listening, shown = b"", True, False
    while status is None or not shown:
        sources = [0] if listening and not typed and status is None else []
        sources += [] if shown else [terminal]
        sources += [command.fileno()] if status is None else []
        sinks = [terminal] if typed and status is None else []
        readable, writable, _ = select.select(
            sources, sinks, [], None if status is None else _SILENCE
        )
        if 0 in readable:
            typed = read(0)
            listening = bool(typed)
            typed = typed or b"\x04"  # the end of input, as a terminal says it
        if writable:
            typed = typed[_write_some(terminal, typed) :]
        if terminal in readable:
            data = read(terminal)
            shown = not data
            write(1, data)
        if status is None and command.fileno() in readable:
            status = command.poll()
        elif status is not None and not readable:
            shown = True  # though somebody may still hold the terminal
    return status


def _write_some(fd: int, data: bytes) -> int:
    try:
        return os.write(fd, data)
    except BlockingIOError:
        return 0
    except OSError:
        return len(data)  # nobody reads it any more


def _copy_window(terminal: int) -> None:
    """Give the terminal the size of ours, if ours has one."""
    import fcntl
    import termios

    with suppress(OSError):
        size = fcntl.ioctl(0, termios.TIOCGWINSZ, bytes(8))
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, size)
