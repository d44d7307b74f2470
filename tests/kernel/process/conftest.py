"""The process side by itself: real forks, files and signals, and calls of the kernel that fail."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from nsinit.errors import SpawnError
from nsinit.kernel import proc, seam
from nsinit.process.program import Program
from nsinit.process.spawner import Spawner
from tests.support.live import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def failing() -> Iterator[Callable[[str], None]]:
    """Lets calls of this process fail as a plan says: "open:ENOENT@2"."""
    yield lambda plan: seam.inject(seam.Plan(plan))
    seam.inject(None)


def signals(mask: str) -> int:
    """Those of a row of proc_pid_status(5) but for 32 and 33, which are the C library's own.

    Its posix_spawn(3) ignores them in what it starts, so they are if somebody above was born by it.
    """
    return int(mask, 16) & ~(0b11 << 31)


def forked(work: Callable[[], object]) -> int:
    """A child that does the work and ends; its pid."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return pid


def lead(first: Callable[[], object] = lambda: None) -> None:
    """Lead a session, and wait for the end."""
    os.setsid()
    first()
    signal.pause()


def sleeper() -> int:
    """A child that does nothing until it is killed, and hears every signal as usual."""
    pid = os.posix_spawn("/bin/sleep", ["sleep", "60"], os.environ, setsid=True)
    eventually(lambda: (found := proc.stat(pid)) is not None and found.session == pid, "a session")
    return pid


def kill(*pids: int) -> None:
    """End children for certain."""
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def put(owner: object, name: str, value: object) -> None:
    """Let something be another thing, in a child: that ends, so it is not put back."""
    setattr(owner, name, value)


def zombie() -> int:
    """A child that has ended and is not reaped."""
    pid = forked(lambda: None)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    return pid


@pytest.fixture
def descriptors() -> Callable[[], list[str]]:
    """What this process has open at the moment."""
    return lambda: sorted(os.listdir("/proc/self/fd"))


@pytest.fixture
def pty() -> Iterator[tuple[int, int]]:
    """A terminal: what types and reads, and what programs have."""
    master, slave = os.openpty()
    yield master, slave
    for fd in (master, slave):
        with contextlib.suppress(OSError):
            os.close(fd)


# --- Programs ------------------------------------------------------------------------------------

PATH = "/usr/bin:/bin"
# What sends a program by the fork road, and changes nothing else.
FULL: dict[str, Any] = {"own_pid": ["MY_PID"]}


def program(*argv: str, **more: Any) -> Program:
    """One with the usual variables."""
    env = {"PATH": PATH, "LANG": "C"} | more.pop("env", {})
    return Program(argv=argv, env=env, **{key: _copied(value) for key, value in more.items()})


def _copied(value: Any) -> Any:
    return value.copy() if isinstance(value, dict | list) else value


def start(made: Program, spawner: Spawner | None = None) -> tuple[int, str]:
    """Run it to its end: how it ended, and what it wrote to its stdout."""
    reader, writer = os.pipe()
    made.fds[1] = writer
    try:
        child = (spawner or Spawner()).spawn(made)
    except BaseException:
        os.close(reader)
        raise
    finally:
        os.close(writer)
    with os.fdopen(reader, encoding="utf-8", errors="surrogateescape") as file:
        said = file.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child.pid, 0)[1])
    if child.report is not None:
        error = child.outcome()
        os.close(child.report)
        if error is not None:
            raise error
    else:
        assert child.outcome() is None
    return status, said


def refused(made: Program, spawner: Spawner | None = None) -> SpawnError:
    """Why it could not be run."""
    with pytest.raises(SpawnError) as caught:
        start(made, spawner)
    return caught.value
