"""One hook of a bundle: started, fed with the state, and waited for.

Whoever calls has signals blocked; one that means the end ends the hook, and stays pending.
"""

from __future__ import annotations

import errno
import os
import select
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from nsinit.bundles.hooks import variables
from nsinit.kernel import libc, memory, seam
from nsinit.kernel.spawn import Attributes, Block, posix_spawn, strings
from nsinit.units import format_signal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nsinit.bundles.hooks import Hook

ENDING: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)


def run_hook(hook: Hook, state: bytes, given: Mapping[str, str], directory: str) -> None:
    """Run it in that directory to its end. OSError that says why it failed.

    What it writes goes to our stderr: stdout is the container's.
    """
    ignored = [n for n in signal.valid_signals() if signal.getsignal(n) == signal.SIG_IGN]
    argv = Block([os.fsencode(word) for word in hook.args])
    env = Block(strings(variables(hook, given)))
    here = seam.open_fd(".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    source = stdin_of(state)
    try:
        seam.chdir(directory)
        pid = posix_spawn(hook.path, argv, env, {0: source, 1: 2}, Attributes(ignored))
    finally:
        os.fchdir(here)
        os.close(here)
        os.close(source)
    if why := await_end(pid, hook.timeout):
        raise OSError(errno.ECANCELED, why)


def stdin_of(state: bytes) -> int:
    """A file that has the state, to be read from its beginning."""
    fd = memory.sealed("state", [state])
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def await_end(pid: int, timeout: float | None) -> str:
    """Wait for the leader of a session to end well; why it did not, or nothing.

    After `timeout` seconds, or a signal that means the end, its whole group is killed.
    """
    until = None if timeout is None else seam.monotonic() + timeout
    why = ""
    ending = libc.signalfd(sum(1 << (number - 1) for number in ENDING))
    pidfd = seam.pidfd_open(pid)
    try:
        poll = select.poll()
        for fd in (ending, pidfd):
            poll.register(fd, select.POLLIN)
        left = None if until is None else max(0.0, until - seam.monotonic()) * 1000
        ready = {fd for fd, _ in poll.poll(left)}
        if pidfd not in ready:
            why = f"it took longer than {timeout} s" if not ready else "it was interrupted"
            with suppress(OSError):
                os.killpg(pid, signal.SIGKILL)
    finally:
        os.close(ending)
        os.close(pidfd)
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if why or not code:
        return why
    return f"it was killed by {format_signal(-code)}" if code < 0 else f"it ended with code {code}"
