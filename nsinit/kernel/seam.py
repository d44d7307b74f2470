"""The one seam between nsinit and the kernel, which can be told to fail.

Every system call that nsinit makes by itself goes through `call.NAME` or `nsinit.kernel.libc`; both
ask `fault` first, when one is set. So a test says "the third fork fails with EAGAIN" to a real
nsinit, and nothing has to be replaced by a mock. Time comes through here too, so that a clock step
can be injected. Imports no other module of nsinit.
"""

from __future__ import annotations

import errno as errno_module
import os
import signal
import time

TYPE_CHECKING = False  # as `typing` has it, which every start of a container would have to load
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import ParamSpec, TypeVar

    Fault = Callable[[str], None]
    P = ParamSpec("P")
    R = TypeVar("R")

_fault: Fault | None = None
_wall_offset = 0.0


def inject(fault: Fault | None) -> None:
    """Call `fault(name)` before every system call; it raises OSError to make the call fail."""
    global _fault  # noqa: PLW0603  (the seam is one per process)
    _fault = fault


def ask(name: str) -> None:
    """Fail the call of that name, if a fault says so."""
    if _fault is not None:
        _fault(name)


def through(name: str, function: Callable[P, R]) -> Callable[P, R]:
    """A function of the standard library, behind the seam."""

    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        if _fault is not None:
            _fault(name)
        return function(*args, **kwargs)

    return call


def monotonic() -> float:
    """Seconds that never step; for every decision."""
    return time.monotonic()


def wall() -> float:
    """Seconds since the epoch; for people and calendars only."""
    return time.time() + _wall_offset


def list_directory(path: str) -> list[str]:
    """The names in a directory."""
    ask("open")
    return os.listdir(path)


class Plan:
    """Faults as text, for a whole process: "fork:EAGAIN@3-5,write:ENOSPC@2,kill:EPERM".

    A name, an errno, and which calls of that name fail, counted from 1; without it all do.
    """

    def __init__(self, text: str) -> None:
        self._rows: list[tuple[str, int, int, int]] = []
        self._counts: dict[str, int] = {}
        for item in filter(None, text.split(",")):
            name, _, rest = item.partition(":")
            word, _, span = rest.partition("@")
            first, _, last = span.partition("-")
            number = getattr(errno_module, word)
            low = int(first) if first else 1
            high = int(last) if last else (low if first else 1 << 60)
            self._rows.append((name, number, low, high))

    def __call__(self, name: str) -> None:
        """Count the call, and raise the error that was planned for it."""
        count = self._counts[name] = self._counts.get(name, 0) + 1
        for planned, number, low, high in self._rows:
            if planned == name and low <= count <= high:
                raise OSError(number, os.strerror(number))


# --- The system calls of the standard library -----------------------------------------------------

chdir = through("chdir", os.chdir)
chmod = through("chmod", os.chmod)
chown = through("chown", os.chown)
close = through("close", os.close)
dup2 = through("dup2", os.dup2)
execve = through("execve", os.execve)
fchmod = through("fchmod", os.fchmod)
fchown = through("fchown", os.fchown)
fork = through("fork", os.fork)
fstat = through("stat", os.fstat)
kill = through("kill", os.kill)
killpg = through("kill", os.killpg)
lstat = through("stat", os.lstat)
mkdir = through("mkdir", os.mkdir)
open_fd = through("open", os.open)
pidfd_open = through("pidfd_open", os.pidfd_open)
pidfd_send_signal = through("pidfd_send_signal", signal.pidfd_send_signal)
pipe = through("pipe", os.pipe2)
read = through("read", os.read)
readv = through("read", os.readv)
rename = through("rename", os.rename)
rmdir = through("rmdir", os.rmdir)
setgroups = through("setgroups", os.setgroups)
setpriority = through("setpriority", os.setpriority)
setresgid = through("setresgid", os.setresgid)
setresuid = through("setresuid", os.setresuid)
setsid = through("setsid", os.setsid)
stat = through("stat", os.stat)
unlink = through("unlink", os.unlink)
waitid = through("waitid", os.waitid)
write = through("write", os.write)
