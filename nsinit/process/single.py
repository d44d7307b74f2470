"""`nsinit -- CMD ARG...`: one command, with somebody to reap and to forward signals.

No configuration, no control socket, no event loop: the imports here are paid by every start of a
container, so they are few. The command gets its own session, or, on a terminal, its own foreground
process group; signals go to its group. When it ends, what it left behind gets TERM, a bounded wait
and KILL, in whatever session it is. Init ends with the command's status.
"""

from __future__ import annotations

import errno
import os
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from nsinit.errors import EXIT_NOT_EXECUTABLE, EXIT_NOT_FOUND

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

# Faults too: sent by somebody they are signals like any, and a real one kills though it is blocked.
_HEARD = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}
STRAGGLERS = 3.0  # s between TERM and KILL for what the command left behind
_KEPT = {signal.SIGCHLD, signal.SIGTTIN, signal.SIGTTOU}  # for init itself


def run(argv: list[str], env: dict[str, str], mask: Iterable[int]) -> int:
    """Run the command, with `mask` blocked, to its end; the exit code to end with.

    The caller has blocked all signals already; `mask` is what was blocked before.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ignored, every status would be lost
    if os.getpid() != 1:
        from nsinit.kernel.proc import become_subreaper  # noqa: PLC0415  (ctypes)

        become_subreaper()
    on_terminal = _foreground_is_ours()
    try:
        child = os.fork()
    except OSError as error:
        _tell(f"cannot fork for {argv[0]}: {error.strerror}")
        return EXIT_NOT_EXECUTABLE
    if child == 0:
        _become(argv, env, mask, on_terminal=on_terminal)
    return _look_after(child)


def _look_after(child: int) -> int:
    """Forward signals and reap until the command ends; its exit code."""
    while True:
        received = signal.sigwaitinfo(_HEARD)
        if received.si_signo not in _KEPT:
            _send(os.killpg, child, received.si_signo)
        for pid, status in _reap():
            if pid == child:
                code = os.waitstatus_to_exitcode(status)
                _end_stragglers()
                return code if code >= 0 else 128 - code


def _end_stragglers() -> None:
    """TERM to whatever the command left behind, in whatever session; KILL to what stays.

    Only what descends from us: as PID 1 that is everybody, else those whom we adopted.
    """
    until = time.monotonic() + STRAGGLERS
    number = signal.SIGTERM
    while True:
        _signal_all(number)
        left = until - time.monotonic()
        while (reaped := list(_reap())) or left > 0:
            if not reaped and _has_no_child():
                return
            left = until - time.monotonic()
            received = signal.sigtimedwait(_HEARD, max(0.0, left))
            if received is not None and received.si_signo in (signal.SIGTERM, signal.SIGINT):
                until = left = 0.0  # whoever asks again does not want to wait
        if number == signal.SIGKILL:
            return
        number, until = signal.SIGKILL, time.monotonic() + 1.0


def _signal_all(number: int) -> None:
    if os.getpid() == 1:
        _send(os.kill, -1, number)
        return
    from nsinit.kernel.proc import descendants  # noqa: PLC0415  (ctypes; a subreaper has it)

    for pid in descendants():
        _send(os.kill, pid, number)


def _has_no_child() -> bool:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return True
    return False


def _reap() -> Iterator[tuple[int, int]]:
    """Every child that has ended; one SIGCHLD stands for many deaths."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        yield pid, status


def _send(function: Callable[[int, int], None], pid: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        function(pid, number)


def _foreground_is_ours() -> bool:
    """Whether stdin is our terminal and we have it to give away."""
    try:
        return os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        return False


def _become(
    argv: list[str],
    env: dict[str, str],
    mask: Iterable[int],
    *,
    on_terminal: bool,
) -> NoReturn:
    """In the child: group, terminal, dispositions, mask last, then the command."""
    number = errno.EIO
    try:
        if on_terminal:
            os.setpgid(0, 0)
            with suppress(OSError):
                os.tcsetpgrp(0, os.getpid())  # TTOU is blocked meanwhile
        else:
            os.setsid()
        for one in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, our caller did not
            signal.signal(one, signal.SIG_DFL)
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # no KeyboardInterrupt before the exec
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        number = _exec(argv, env)
    finally:
        _tell(f"cannot execute {argv[0]}: {os.strerror(number)}")
        os._exit(EXIT_NOT_FOUND if number == errno.ENOENT else EXIT_NOT_EXECUTABLE)


def _exec(argv: list[str], env: dict[str, str]) -> int:
    """As execvp(3), which also gives files without a magic number to the shell; the errno."""
    try:
        os.execvpe(argv[0], argv, env)
    except OSError as error:
        if error.errno != errno.ENOEXEC:
            return error.errno or errno.EIO
    try:
        os.execvpe("/bin/sh", ["/bin/sh", *argv], env)
    except OSError as error:
        return error.errno or errno.EIO


def _tell(text: str) -> None:
    with suppress(OSError):
        os.write(2, f"nsinit: {text}\n".encode("utf-8", "backslashreplace"))
