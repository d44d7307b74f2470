"""One hook of a bundle: started, fed with the state, and waited for.

Whoever calls has signals blocked; one that means the end ends the hook, and stays pending.
"""

from __future__ import annotations

import errno
import os
import select
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self

from nsinit.bundles.hooks import variables
from nsinit.kernel import libc, memory, seam
from nsinit.kernel.spawn import Attributes, Block, posix_spawn, strings
from nsinit.units import format_signal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nsinit.bundles.hooks import Hook

_LEAST: Final = 4096  # bytes that a pipe takes at once if it takes any, PIPE_BUF of pipe(7)
ENDING: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)


def run_hook(hook: Hook, state: bytes, given: Mapping[str, str], directory: str) -> None:
    """Run it in that directory to its end. OSError that says why it failed.

    The last that it has written goes to our stderr then: stdout is the container's.
    """
    ignored = [n for n in signal.valid_signals() if signal.getsignal(n) == signal.SIG_IGN]
    argv = Block([os.fsencode(word) for word in hook.args])
    env = Block(strings(variables(hook, given)))
    here = seam.open_fd(".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    source = stdin_of(state)
    with Output() as output:
        try:
            seam.chdir(directory)
            fds = {0: source, 1: output.fd, 2: output.fd}
            pid = posix_spawn(hook.path, argv, env, fds, Attributes(ignored))
        finally:
            seam.fchdir(here)
            os.close(here)
            os.close(source)
        if why := await_end(pid, hook.timeout):
            raise OSError(errno.ECANCELED, why)


class Output:
    """What a hook writes, kept in memory: who reads our stderr may be waiting for us meanwhile."""

    def __init__(self) -> None:
        self.fd = memory.unsealed("output")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        size = seam.fstat(self.fd).st_size
        tell(memory.read_at(self.fd, _LEAST, max(0, size - _LEAST)))
        os.close(self.fd)


def tell(text: bytes) -> None:
    """Write so few bytes to stderr that it takes them at once, or none."""
    poll = select.poll()
    poll.register(2, select.POLLOUT)
    if text and any(event & select.POLLOUT for _, event in poll.poll(0)):
        with suppress(OSError):
            seam.write(2, text[-_LEAST:])


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
                seam.killpg(pid, signal.SIGKILL)
    finally:
        os.close(ending)
        os.close(pidfd)
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if why or not code:
        return why
    return f"it was killed by {format_signal(-code)}" if code < 0 else f"it ended with code {code}"
