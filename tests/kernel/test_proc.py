"""Processes as /proc shows them."""

from __future__ import annotations

import os
import signal
import subprocess

from nsinit.kernel import proc, seam
from tests.kernel.conftest import in_child
from tests.support.live import eventually


def test_stat_tells_parent_group_and_session_when_process_lives() -> None:
    """Also of a process whose name has brackets and spaces."""
    with subprocess.Popen(["bash", "-c", "exec -a x sleep 100"], start_new_session=True) as process:
        try:
            found = proc.stat(process.pid)
            assert found is not None
            assert found.parent == os.getpid()
            assert found.group == found.session == process.pid
            assert found.started > 0
        finally:
            process.kill()


def test_name_is_no_trap_when_it_has_brackets() -> None:
    """The comm field may hold anything."""

    def renamed() -> bool:
        with open("/proc/self/comm", "w", encoding="ascii") as file:
            file.write("a) S 1 (b")
        found = proc.stat(os.getpid())
        return found is not None and found.parent == os.getppid()

    assert in_child(renamed)


def test_children_are_listed_when_they_are_zombies_too() -> None:
    """Until they are reaped."""

    def listed() -> bool:
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        before = proc.children()
        end = proc.reap() or (0, 0)
        return before == [pid] and end[:2] == (pid, 0) and proc.children() == []

    assert in_child(listed)


def test_children_are_found_by_scan_when_kernel_lists_none() -> None:
    """Without CONFIG_PROC_CHILDREN every process is looked at."""

    def found() -> bool:
        pid = os.fork()
        if pid == 0:
            signal.pause()

        def no_list(name: str) -> None:
            if name == "open" and not seen:
                seen.append(name)
                raise FileNotFoundError(2, "no such file")

        seen: list[str] = []
        seam.inject(no_list)
        listed = proc.children()
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        return listed == [pid]

    assert in_child(found)


def test_status_is_told_when_child_exits_or_is_killed() -> None:
    """A code, or minus the signal; nothing when nothing has ended."""

    def ends() -> list[int]:
        made = []
        for code in (0, 255, None):
            pid = os.fork()
            if pid == 0:
                if code is None:
                    os.kill(os.getpid(), signal.SIGKILL)
                os._exit(code or 0)
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
            end = proc.reap()
            made.append(end.status if end else 999)
        return [*made, 0 if proc.reap() is None else 1]

    assert in_child(ends) == [0, 255, -9, 0]


def test_pid_is_spared_when_it_belongs_to_another_by_now() -> None:
    """The start time tells; a signal to a recycled pid would hit a stranger."""
    with subprocess.Popen(["sleep", "100"]) as process:
        try:
            found = proc.stat(process.pid)
            assert found is not None
            assert not proc.signal_process(found._replace(started=found.started + 1), 9)
            assert process.poll() is None
            assert proc.signal_process(found, 9)
        finally:
            process.kill()


def test_environment_is_read_when_allowed() -> None:
    """One variable of another process, as bytes."""
    env = {"MARK": "a=b", "OTHER": "x"}
    with subprocess.Popen(["/bin/sleep", "100"], env=env) as process:
        try:
            # Popen returns when the exec has closed its pipe, a moment before there is a new stack.
            eventually(lambda: proc.environment_value(process.pid, b"MARK"), "it has executed")
            assert proc.environment_value(process.pid, b"MARK") == b"a=b"
            assert proc.environment_value(process.pid, b"NONE") is None
        finally:
            process.kill()
    assert proc.environment_value(1 << 30, b"MARK") is None
