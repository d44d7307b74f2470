"""Processes of a sandbox: numbered anew, seen from outside, never the host's /proc."""

from __future__ import annotations

import os
import pathlib
import signal
from typing import TYPE_CHECKING

import pytest

from tests.support.live import descendants, eventually, is_alive, status_field
from tests.support.namespaces import different, inner_pids, mountinfo, service, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.boxes import Box

PS = "ps -eo pid=,ppid=,args="


@pytest.mark.row(11, 12, 62)
def test_process_has_two_numbers_when_sandboxed(box: Callable[..., Box]) -> None:
    """Init is 1 and its service 2 inside; outside both are processes of the host like any other."""
    made = box(f"[sandbox]\n{service('echo $$; ps -o ppid= -p $$')}").start()
    assert wait_for(made) == ["2", "1"]
    assert made.process is not None
    init, sleeper = descendants(made.process.pid)
    assert (inner_pids(init)[-1], inner_pids(sleeper)[-1]) == (1, 2)
    assert inner_pids(init)[0] == init == made.pid
    assert "pid" in different(init)
    assert status_field(sleeper, "PPid") == str(init)
    os.kill(sleeper, signal.SIGTERM)
    eventually(lambda: not is_alive(sleeper), "a signal of the host reaches it")


@pytest.mark.row(12, 15, 16)
def test_only_the_sandbox_is_seen_when_proc_is_read(box: Callable[..., Box]) -> None:
    """PID 1 with PPID 0, and what it has started; equal pids exist twice."""
    one = box(f"[sandbox]\n{service(PS)}").start()
    two = box(f"[sandbox]\n{service(f'{PS}; ls /proc')}").start()
    for made in (one, two):
        rows = [
            line.split(maxsplit=2) for line in wait_for(made) if line[:1].isdigit() and " " in line
        ]
        assert rows[0][:2] == ["1", "0"]
        assert "nsinit" in rows[0][2]
        assert [row[:2] for row in rows[1:]] == [["2", "1"], [rows[-1][0], "2"]]
    assert {"1", "2"} <= set(wait_for(two))


@pytest.mark.row(13)
def test_orphan_is_adopted_and_reaped_when_its_parent_did_not_wait(box: Callable[..., Box]) -> None:
    """Its parent is process 1 then, and no zombie is left."""
    script = '(sh -c "while [ \\$(ps -o ppid= -p \\$\\$) != 1 ]; do :; done; echo adopted" &)'
    made = box(f"[sandbox]\n{service(script)}").start()
    wait_for(made, "adopted")
    assert made.process is not None
    launcher = made.process.pid
    eventually(lambda: len(descendants(launcher)) == 2, "init and sleep are left")
    states = [status_field(pid, "State")[0] for pid in descendants(launcher)]
    assert "Z" not in states


@pytest.mark.row(14)
def test_old_proc_is_refused_when_the_pid_namespace_is_new(box: Callable[..., Box]) -> None:
    """It would show the host's processes; whoever shares the pid namespace may see them."""
    refused = box(f'[sandbox]\nnamespaces = {{mount = "shared"}}\n{service(PS)}').run()
    assert refused.returncode == 78
    assert "a new pid namespace needs its own /proc" in refused.stderr
    made = box(f'[sandbox]\nnamespaces = {{pid = "shared"}}\n{service(f"echo $$; {PS}")}').start()
    lines = wait_for(made)
    assert int(lines[0]) in descendants(made.process.pid if made.process else 0)
    assert str(os.getpid()) in [line.split()[0] for line in lines]
    assert "pid" not in different(made.pid)


@pytest.mark.row(17)
def test_proc_of_the_host_is_as_before_when_the_sandbox_has_ended(box: Callable[..., Box]) -> None:
    """Its mounts are private: nothing of them shows outside, during and after."""
    before = mountinfo()
    made = box(f"[sandbox]\n{service('cat /proc/self/mountinfo')}").start()
    lines = wait_for(made)
    assert not [line for line in lines if " shared:" in line]
    assert len([line for line in lines if " /proc rw" in line and " - proc " in line]) >= 1
    assert mountinfo() == before
    assert made.stop() == 0
    assert mountinfo() == before
    assert pathlib.Path(f"/proc/{os.getpid()}/stat").exists()


@pytest.mark.row(62)
def test_sandbox_ends_when_the_host_kills_its_init(box: Callable[..., Box]) -> None:
    """Seen and managed from there: the kernel ends the rest, the launcher says 137."""
    made = box(f"[sandbox]\n{service('true')}").start()
    wait_for(made)
    below = descendants(made.pid)
    assert below
    os.kill(made.pid, signal.SIGKILL)
    assert made.wait() == 137
    eventually(lambda: not any(is_alive(pid) for pid in below), "all are gone")


@pytest.mark.row(62, 64)
def test_nothing_is_left_when_init_is_killed_in_a_shared_pid_namespace(
    box: Callable[..., Box],
) -> None:
    """The kernel does not end the others then: their launcher adopts them, and kills them."""
    script = "(setsid sh -c 'sleep 1001 & exec sleep 1002' &)"
    made = box(f'[sandbox]\nnamespaces = {{pid = "shared"}}\n{service(script)}').start()
    wait_for(made)
    assert made.process is not None
    launcher = made.process.pid
    eventually(lambda: len(set(descendants(launcher))) == 4, "init, its service, and two strays")
    below = descendants(launcher)
    os.kill(made.pid, signal.SIGKILL)
    assert made.wait() == 137
    assert not any(is_alive(pid) for pid in below)
