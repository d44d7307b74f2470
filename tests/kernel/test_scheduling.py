"""Priorities and CPUs of a real process, by our own wrappers; each in a child of its own."""

from __future__ import annotations

import errno
import os
import pathlib
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from nsinit.kernel import scheduling
from tests.kernel.conftest import in_child
from tests.support.live import have

if TYPE_CHECKING:
    from collections.abc import Callable

ONE = min(os.sched_getaffinity(0))
NOT_THERE = 8000


def _as_nobody(function: Callable[[], Any]) -> Callable[[], Any]:
    """In a child without any privilege; the errno, or 0."""

    def run() -> int:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setresgid(4321, 4321, 4321)
            os.setresuid(4321, 4321, 4321)
        try:
            function()
        except OSError as error:
            return error.errno or 0
        return 0

    return run


def test_nice_is_set_when_it_is_raised() -> None:
    """The value itself, whatever it was before."""

    def run() -> int:
        scheduling.set_nice(3)
        scheduling.set_nice(7)
        return os.getpriority(os.PRIO_PROCESS, 0)

    assert in_child(run) == 7


@pytest.mark.skipif(not have("ionice"), reason="needs ionice of util-linux")
@pytest.mark.parametrize(
    ("value", "told"), [((2, 6), "best-effort: prio 6"), ((3, 0), "idle"), ((2, 0), "prio 0")]
)
def test_io_priority_is_set_when_it_is_no_privilege(value: tuple[int, int], told: str) -> None:
    """As another program sees it."""

    def run() -> str:
        scheduling.set_io_priority(*value)
        return subprocess.run(["ionice"], capture_output=True, text=True, check=True).stdout

    assert told in in_child(run)


def test_io_priority_names_the_machine_when_its_number_is_not_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No other call is made by mistake."""
    monkeypatch.setattr(scheduling, "_NR_IOPRIO_SET", {})
    with pytest.raises(OSError, match=os.uname().machine) as caught:
        scheduling.set_io_priority(2, 4)
    assert caught.value.errno == errno.ENOSYS


@pytest.mark.parametrize("policy", [os.SCHED_BATCH, os.SCHED_IDLE, os.SCHED_OTHER])
def test_scheduler_is_set_when_it_is_no_privilege(policy: int) -> None:
    """Batch, idle and back."""

    def run() -> int:
        scheduling.set_scheduler(policy, 0)
        return os.sched_getscheduler(0)

    assert in_child(run) == policy


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: a real-time scheduler")
def test_scheduler_is_set_when_it_is_real_time() -> None:
    """With its priority."""

    def run() -> tuple[int, int]:
        scheduling.set_scheduler(os.SCHED_RR, 3)
        return os.sched_getscheduler(0), os.sched_getparam(0).sched_priority

    assert in_child(run) == (os.SCHED_RR, 3)


def test_cpus_are_set_when_they_are_there() -> None:
    """And nothing else is left."""

    def run() -> set[int]:
        scheduling.set_cpus([ONE])
        return os.sched_getaffinity(0)

    assert in_child(run) == {ONE}


@pytest.mark.parametrize("cpus", [[NOT_THERE], [ONE, NOT_THERE]])
def test_cpus_are_refused_when_one_is_not_there(cpus: list[int]) -> None:
    """Also when the kernel would quietly leave it out."""
    assert in_child(_as_nobody(lambda: scheduling.set_cpus(cpus))) == errno.EINVAL


def test_all_cpus_are_told_when_the_caller_is_bound_to_one() -> None:
    """And it is bound as before afterwards."""

    def run() -> tuple[set[int], set[int]]:
        os.sched_setaffinity(0, {ONE})
        return scheduling.allowed_cpus(), os.sched_getaffinity(0)

    allowed, bound = in_child(run)
    assert allowed >= os.sched_getaffinity(0)
    assert bound == {ONE}


def test_oom_score_is_set_when_it_is_raised() -> None:
    """The kernel shows it."""

    def run() -> str:
        scheduling.set_oom_score_adj(777)
        return pathlib.Path("/proc/self/oom_score_adj").read_text()

    assert in_child(run) == "777\n"


@pytest.mark.parametrize(
    ("act", "number"),
    [
        (lambda: scheduling.set_nice(-5), errno.EACCES),
        (lambda: scheduling.set_io_priority(1, 0), errno.EPERM),
        (lambda: scheduling.set_scheduler(os.SCHED_FIFO, 5), errno.EPERM),
        (lambda: scheduling.set_oom_score_adj(-5), errno.EACCES),
    ],
    ids=["nice", "ioprio", "scheduler", "oom"],
)
def test_errno_is_told_when_privilege_is_missing(act: Callable[[], None], number: int) -> None:
    """Nothing is skipped in silence."""
    assert in_child(_as_nobody(act)) == number
