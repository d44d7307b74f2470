"""`nsinit -- CMD ARG...`: one command, with somebody to reap and to forward signals.

No configuration, no control socket, no event loop: the imports here are paid by every start of a
container, so they are few. The command gets its own session, or, on a terminal, its own foreground
process group; signals go to its group. Init ends with the command's status.
"""

from __future__ import annotations

import errno
import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from nsinit.errors import EXIT_NOT_EXECUTABLE, EXIT_NOT_FOUND

if TYPE_CHECKING:
    from collections.abc import Iterable

# Faults too: sent by somebody they are signals like any, and a real one kills though it is blocked.
_HEARD = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}
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
    while True:
        received = signal.sigwaitinfo(_HEARD)
        if received.si_signo not in _KEPT:
            try:
                os.killpg(child, received.si_signo)
            except (ProcessLookupError, PermissionError):
                with suppress(OSError):  # it has not made its group yet
                    os.kill(child, received.si_signo)
        while True:  # one SIGCHLD stands for many deaths
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            if pid == child:
                code = os.waitstatus_to_exitcode(status)
                return code if code >= 0 else 128 - code


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
