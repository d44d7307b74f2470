"""Which process a daemon is once its parent has ended: by its pid file, or as the only one left."""

from __future__ import annotations

import errno
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from nsinit.kernel import libc, proc, seam
from nsinit.process.daemons import Found, find_daemon
from nsinit.process.strays import Strays
from tests.kernel.conftest import in_child
from tests.kernel.process.conftest import forked, lead, sleeper, zombie
from tests.support.live import eventually

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable


def _daemons(strays: Strays, count: int, service: str = "web") -> list[int]:
    """Processes that a main process of the service has left behind; it is reaped."""
    script = "for n in $(seq 1 $0); do sleep 60 & done"
    pid = os.posix_spawn("/bin/sh", ["sh", "-c", script, str(count)], os.environ, setsid=True)
    strays.began(pid, service)
    os.waitpid(pid, 0)
    strays.ended(pid)
    strays.refresh()
    return sorted(proc.children() or ())


def _alone(work: Callable[[Strays], object]) -> object:
    """Done in a child that adopts what is orphaned; whatever is left ends with it."""

    def begin() -> object:
        libc.become_subreaper()
        try:
            return work(Strays())
        finally:
            for pid in proc.descendants():
                os.kill(pid, signal.SIGKILL)

    return in_child(begin)


def test_daemon_is_found_when_it_is_the_only_one_left() -> None:
    """It needs no pid file."""

    def work(strays: Strays) -> bool:
        (pid,) = _daemons(strays, 1)
        return find_daemon("web", None, strays) == Found(pid)

    assert _alone(work)


def test_daemon_is_not_guessed_when_there_are_two() -> None:
    """Only a pid file could tell which: waiting does not help."""
    why = "it left 2 processes: pid_file must tell which"

    def work(strays: Strays) -> Found:
        _daemons(strays, 2)
        return find_daemon("web", None, strays)

    assert _alone(work) == Found(0, why, hopeless=True)


def test_there_is_no_hope_when_nothing_is_left() -> None:
    """Other services' processes and zombies are no daemons of it."""

    def work(strays: Strays) -> Found:
        pid = zombie()
        strays.began(pid, "web")
        _daemons(strays, 1, "other")
        return find_daemon("web", None, strays)

    assert _alone(work) == Found(0, "it left no process", hopeless=True)


def test_waiting_may_help_when_an_orphan_is_of_unknown_origin() -> None:
    """In the midst of an exec nothing can be told of a process; a dead one is no hope."""

    def work(strays: Strays) -> list[Found]:
        dead = zombie()
        made = [find_daemon("web", None, strays)]
        stranger = sleeper()
        made.append(find_daemon("web", None, strays))
        for pid in (dead, stranger):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        made.append(find_daemon("web", "/nowhere", strays))
        return made

    nothing = Found(0, "it left no process", hopeless=True)
    assert _alone(work) == [nothing, Found(0, "for its daemon"), nothing]


class _Group:
    """The cgroup of one service, with one process in it."""

    def __init__(self, pid: int) -> None:
        self._pid = pid

    def owners(self) -> dict[int, str]:
        return {self._pid: "web"}

    def tidy(self, living: object) -> None:
        pass


def test_waiting_helps_when_the_daemon_still_has_a_parent() -> None:
    """It is an orphan only once that has ended."""

    def work(strays: Strays) -> list[Found]:
        parent = forked(lambda: lead(sleeper))
        eventually(lambda: len(proc.descendants()) == 2, "both are there")
        child = next(pid for pid in proc.descendants() if pid != parent)
        groups: Any = _Group(child)
        strays.groups = groups
        early = find_daemon("web", None, strays)
        os.kill(parent, signal.SIGKILL)
        os.waitpid(parent, 0)
        late = find_daemon("web", None, strays)
        return [early, late._replace(pid=late.pid - child)]

    assert _alone(work) == [Found(0, "for its daemon"), Found(0)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"%d\n", True),
        (b"  %d", True),
        (b"%d\n" + b" " * 100, True),
        (b"", None),
        (b"x%d", None),
        (b"-%d", None),
        (b" " * 40 + b"%d", None),  # longer than any that makes sense
        (b"%d %d", None),
        (b"1", False),
    ],
)
def test_daemon_is_that_of_its_file_when_it_is_one_of_ours(
    tmp_path: pathlib.Path, text: bytes, found: bool | None
) -> None:
    """A file that has no number yet is waited for, as one that names somebody else."""
    path = tmp_path / "pid"

    def work(strays: Strays) -> Found:
        pid, _ = _daemons(strays, 2)
        path.write_bytes(text.replace(b"%d", b"%d" % pid))
        answer = find_daemon("web", str(path), strays)
        return answer._replace(pid=answer.pid - pid) if answer.pid else answer

    if found is True:
        assert _alone(work) == Found(0)
    elif found is None:
        assert _alone(work) == Found(0, f"for its pid file {path}")
    else:
        assert _alone(work) == Found(0, f"{path} names 1, which is no process of it")


@pytest.mark.parametrize("kind", ["missing", "fifo", "directory", "unreadable"])
def test_nothing_blocks_when_the_pid_file_is_none(tmp_path: pathlib.Path, kind: str) -> None:
    """It may become one."""
    path = tmp_path / "pid"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    elif kind == "unreadable":
        path.write_text("1")

    def work(strays: Strays) -> bool:
        _daemons(strays, 1)
        strays.look()
        before = os.listdir("/proc/self/fd")
        if kind == "unreadable":
            seam.inject(_refuse_file())
        answer = find_daemon("web", str(path), strays)
        after = os.listdir("/proc/self/fd")
        return answer == Found(0, f"for its pid file {path}") and before == after

    assert _alone(work)


def _refuse_file() -> Callable[[str], None]:
    """Lets the read of a pid file fail, before which its path was looked at; not that of /proc."""
    calls: list[str] = []

    def fault(name: str) -> None:
        calls.append(name)
        if name == "read" and "stat" in calls[-3:-1]:
            raise OSError(errno.EIO, "no")

    return fault
