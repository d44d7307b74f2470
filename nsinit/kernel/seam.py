"""The one seam between nsinit and the kernel, which can be told to fail.

Every system call that nsinit makes by itself goes through `call.NAME` or `nsinit.kernel.libc`; both
ask `fault` first, when one is set. So a test says "the third fork fails with EAGAIN" to a real
nsinit, and nothing has to be replaced by a mock. Time comes through here too, so that a clock step
can be injected.
"""

from __future__ import annotations

import builtins
import errno as errno_module
import os
import time

from nsinit.lean import signal

TYPE_CHECKING = False  # as `typing` has it, which every start of a container would have to load
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import ParamSpec, TypeVar

    Fault = Callable[[str], None]
    P = ParamSpec("P")
    R = TypeVar("R")

_fault: Fault | None = None
_clock: Clock | None = None


def inject(fault: Fault | None) -> None:
    """Call `fault(name)` before every system call; it raises OSError to make the call fail."""
    global _fault  # noqa: PLW0603  (the seam is one per process)
    _fault = fault


def follow(faults: str) -> None:
    """Let calls fail as a plan says, or as a board does whose file is "@PATH"."""
    if faults.startswith("@"):
        from nsinit.kernel.board import Board  # noqa: PLC0415  (for tests of init only)

        inject(Board(faults[1:]))
    else:
        inject(Plan(faults))


def ask(name: str) -> None:
    """Fail the call of that name, if a fault says so."""
    if _fault is not None:
        _fault(name)


def ask_about(callback: object) -> None:
    """Fail before a callback, if a fault says so for its `title`."""
    if _fault is not None:
        _fault(title(callback))


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
    return time.time() if _clock is None else _clock.wall()


def set_clock(clock: Clock | None) -> None:
    """Let the wall clock be another one."""
    global _clock  # noqa: PLW0603  (as above)
    _clock = clock


def wake_at(wall_at: float) -> float | None:
    """The monotonic instant of a wall time by the clock that was set; None if there is none."""
    return None if _clock is None else _clock.wake_at(wall_at)


class Clock:
    """A wall clock as text: "1764000000,+3600@2.5,-60@4".

    When it begins (s since the epoch), and steps: by how much (s), and how long (s) after that.
    """

    def __init__(self, text: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        begin, *steps = text.split(",")
        self._monotonic = monotonic
        self._began = monotonic()
        self._begin = float(begin)
        rows = (step.partition("@") for step in steps)
        self._steps = sorted((float(after), float(by)) for by, _, after in rows)

    def wall(self) -> float:
        """What it shows now."""
        gone = self._monotonic() - self._began
        return self._begin + gone + sum(by for after, by in self._steps if after <= gone)

    def wake_at(self, wall_at: float) -> float:
        """The monotonic instant when it shows that, or is put to another time, if that is first."""
        now, gone = self._monotonic(), self._monotonic() - self._began
        then = now + max(0.0, wall_at - self.wall())
        return min([then, *(self._began + after for after, _ in self._steps if after > gone)])


def list_directory(path: str | int) -> list[str]:
    """The names in a directory, or in an open one."""
    ask("open")
    return os.listdir(path)


def list_subdirectories(path: str) -> list[str]:
    """The names of the directories in one; symbolic links are none."""
    ask("open")
    with os.scandir(path) as entries:
        return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]


class Plan:
    """Faults as text, for a whole process: "fork:EAGAIN@3-5,write:ENOSPC@2,kill:EPERM".

    A name, what happens (an errno, or an exception such as MemoryError), and which calls of that
    name fail, counted from 1; without it all do. The name "*" means calls of every name.
    """

    def __init__(self, text: str) -> None:
        self._rows: list[tuple[str, str, int, int]] = []
        self._counts: dict[str, int] = {}
        for item in filter(None, text.split(",")):
            name, _, rest = item.partition(":")
            word, _, span = rest.partition("@")
            first, _, last = span.partition("-")
            low = int(first) if first else 1
            high = int(last) if last else (low if first else 1 << 60)
            _raised(word)  # a slip in it is told at once
            self._rows.append((name, word, low, high))

    def __call__(self, name: str) -> None:
        """Count the call, and raise what was planned for it."""
        for one in (name, "*"):
            count = self._counts[one] = self._counts.get(one, 0) + 1
            self.strike(one, count)

    def strike(self, name: str, count: int) -> None:
        """Raise what was planned for the call of that name that has this number."""
        for planned, word, low, high in self._rows:
            if planned == name and low <= count <= high:
                raise _raised(word)


def _raised(word: str) -> BaseException:
    """The error of an errno, or the exception of that name."""
    if hasattr(errno_module, word):
        number: int = getattr(errno_module, word)
        return OSError(number, os.strerror(number))
    kind = getattr(builtins, word)
    if not issubclass(kind, BaseException):
        raise ValueError(word)
    made: BaseException = kind("injected")
    return made


def title(callback: object) -> str:
    """What a callback is called in a plan: Reactor._run_next, say."""
    while (inner := getattr(callback, "func", None)) is not None:
        callback = inner
    return str(getattr(callback, "__qualname__", type(callback).__qualname__))


# --- The system calls of the standard library -----------------------------------------------------

chdir = through("chdir", os.chdir)
chmod = through("chmod", os.chmod)
chown = through("chown", os.chown)
chroot = through("chroot", os.chroot)
close = through("close", os.close)
dup2 = through("dup2", os.dup2)
execve = through("execve", os.execve)
fchmod = through("fchmod", os.fchmod)
fchown = through("fchown", os.fchown)
fchdir = through("chdir", os.fchdir)
fork = through("fork", os.fork)
fstat = through("stat", os.fstat)
ftruncate = through("ftruncate", os.ftruncate)
kill = through("kill", os.kill)
killpg = through("kill", os.killpg)
link = through("link", os.link)
lstat = through("stat", os.lstat)
mkdir = through("mkdir", os.mkdir)
mknod = through("mknod", os.mknod)
open_fd = through("open", os.open)
openpty = through("openpty", os.openpty)
pidfd_open = through("pidfd_open", os.pidfd_open)
pidfd_send_signal = through("pidfd_send_signal", signal.pidfd_send_signal)
pipe = through("pipe", os.pipe2)
pread = through("read", os.pread)
pwrite = through("write", os.pwrite)
random = through("getrandom", os.urandom)
read = through("read", os.read)
readlink = through("readlink", os.readlink)
readv = through("read", os.readv)
rename = through("rename", os.rename)
rmdir = through("rmdir", os.rmdir)
set_blocking = through("fcntl", os.set_blocking)
set_inheritable = through("fcntl", os.set_inheritable)
setgroups = through("setgroups", os.setgroups)
setpriority = through("setpriority", os.setpriority)
setresgid = through("setresgid", os.setresgid)
setresuid = through("setresuid", os.setresuid)
setsid = through("setsid", os.setsid)
setxattr = through("setxattr", os.setxattr)
stat = through("stat", os.stat)
symlink = through("symlink", os.symlink)
unlink = through("unlink", os.unlink)
utime = through("utime", os.utime)
wait4 = through("waitid", os.wait4)
waitid = through("waitid", os.waitid)
write = through("write", os.write)
