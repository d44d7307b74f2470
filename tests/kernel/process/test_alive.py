"""Whether what somebody wrote down of a process still holds."""

from __future__ import annotations

import os
import pathlib
from typing import TYPE_CHECKING

import pytest

from nsinit.process import alive
from tests.kernel.process.conftest import kill, sleeper, zombie

if TYPE_CHECKING:
    from collections.abc import Callable


def _line(pid: int, started: int) -> str:
    return alive.format_owner("web", pid, started, alive.own_pids(), alive.boot_id())


def test_process_runs_when_pid_and_start_are_its_own() -> None:
    """Another start time means that another process got the pid."""
    pid = sleeper()
    started = alive.start_time(pid)
    assert started > 0
    assert alive.runs(pid, started)
    assert not alive.runs(pid, started + 1)
    assert alive.owner_runs(_line(pid, started))
    kill(pid)
    assert not alive.runs(pid, started)
    assert not alive.owner_runs(_line(pid, started))
    assert not alive.owner_runs(_line(os.getpid(), started + 1))
    assert alive.start_time(pid) == 0


def test_process_does_not_run_when_it_is_a_zombie() -> None:
    """It has a start time, and nothing else any more."""
    pid = zombie()
    started = alive.start_time(pid)
    assert started > 0
    assert not alive.runs(pid, started)
    os.waitpid(pid, 0)


@pytest.mark.parametrize("pid", [0, -1])
def test_nothing_runs_when_there_is_no_such_pid(pid: int) -> None:
    """What stands for "none" is nobody's process."""
    assert not alive.runs(pid, 0)


def test_owner_may_run_when_its_pids_are_those_of_another_namespace() -> None:
    """They can't be looked up here; a pid of another boot is nobody's."""
    there = alive.own_pids() + 1
    assert alive.owner_runs(alive.format_owner("web", 1, 1, there, alive.boot_id()))
    assert not alive.owner_runs(alive.format_owner("web", 1, 1, there, "another boot"))
    assert not alive.owner_runs(alive.format_owner("web", 1, 1, there, "another"))


@pytest.mark.parametrize("more", [" more", " ", None])
def test_nothing_is_owned_when_the_line_has_other_words(more: str | None) -> None:
    """Whatever somebody wrote there; space at its end does not matter."""
    line = _line(os.getpid(), alive.start_time(os.getpid()))
    found = line.rpartition(" ")[0] if more is None else line + more
    assert alive.owner_runs(found) == (more == " ")


@pytest.mark.parametrize("at", [1, 2, 3])
def test_nothing_is_owned_when_a_number_is_none(at: int) -> None:
    """Though the others are right."""
    words = _line(os.getpid(), alive.start_time(os.getpid())).split()
    assert alive.owner_runs(" ".join(words))
    words[at] = f"-{words[at]}"
    assert not alive.owner_runs(" ".join(words))


def test_boot_and_namespace_are_those_of_the_kernel_when_asked() -> None:
    """As /proc has them."""
    assert alive.boot_id() == pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    found = alive.start_time(1)
    assert alive.runs(1, found) == (found > 0)  # it may be hidden
    assert os.readlink("/proc/self/ns/pid") == f"pid:[{alive.own_pids()}]"


def test_nothing_is_known_when_proc_can_not_be_read(failing: Callable[[str], None]) -> None:
    """Neither is an error: there is another answer for each."""
    failing("open:ENOENT,stat:ENOENT")
    assert alive.boot_id() == ""
    assert alive.own_pids() == 0
