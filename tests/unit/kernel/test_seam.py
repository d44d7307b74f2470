"""Faults that are planned as text, and asked for at the seam."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest

from nsinit.kernel import seam

if TYPE_CHECKING:
    from collections.abc import Iterator


def outcomes(text: str, *calls: str) -> list[int]:
    """What each call of a row comes to: 0, or the errno."""
    plan = seam.Plan(text)
    made = []
    for name in calls:
        try:
            plan(name)
        except OSError as error:
            made.append(error.errno or -1)
        else:
            made.append(0)
    return made


@pytest.mark.parametrize(
    ("text", "calls", "made"),
    [
        ("", ["fork", "kill"], [0, 0]),
        ("kill:EPERM", ["kill", "fork", "kill"], [errno.EPERM, 0, errno.EPERM]),
        ("fork:EAGAIN@2", ["fork"] * 4, [0, errno.EAGAIN, 0, 0]),
        ("fork:EAGAIN@1", ["fork"] * 2, [errno.EAGAIN, 0]),
        ("fork:EAGAIN@2-3", ["fork"] * 4, [0, errno.EAGAIN, errno.EAGAIN, 0]),
        ("fork:EAGAIN@1,fork:ENOMEM@3", ["fork"] * 3, [errno.EAGAIN, 0, errno.ENOMEM]),
        ("fork:EAGAIN@2,write:ENOSPC@1,", ["fork", "write", "fork"], [
            0, errno.ENOSPC, errno.EAGAIN]),
    ],
)  # fmt: skip
def test_calls_fail_when_the_plan_says_so(text: str, calls: list[str], made: list[int]) -> None:
    """By name, with an errno, from the first of them to the last."""
    assert outcomes(text, *calls) == made


@pytest.mark.parametrize("text", ["fork", "fork:", "fork:EWHAT", "fork:EAGAIN@x"])
def test_plan_is_refused_when_it_makes_no_sense(text: str) -> None:
    """A test with a slip in it must not pass."""
    with pytest.raises((AttributeError, ValueError)):
        seam.Plan(text)


@pytest.fixture
def fault() -> Iterator[list[str]]:
    """The names of the calls that went through the seam."""
    seen: list[str] = []
    seam.inject(seen.append)
    yield seen
    seam.inject(None)


def test_calls_are_asked_for_when_a_fault_is_set(fault: list[str]) -> None:
    """By the name of the system call, not of Python's function."""
    double = seam.through("twice", lambda number: number * 2)
    seam.ask("ask")
    assert double(4) == 8
    assert double(number=5) == 10
    assert fault == ["ask", "twice", "twice"]


def test_calls_fail_when_the_fault_raises(fault: list[str]) -> None:
    """The function is not called then."""
    seam.inject(seam.Plan("twice:EIO@2"))
    double = seam.through("twice", fault.append)
    double("first")
    with pytest.raises(OSError, match="Input/output error") as caught:
        double("second")
    assert (caught.value.errno, fault) == (errno.EIO, ["first"])


def test_calls_go_through_when_no_fault_is_set() -> None:
    """Which is always, outside of tests."""
    seam.ask("anything")
    assert seam.through("twice", lambda: 3)() == 3


def test_time_does_not_step_back_when_it_is_read() -> None:
    """Both clocks are seconds."""
    assert seam.monotonic() <= seam.monotonic()
    assert seam.wall() > 1_700_000_000


def test_clock_is_another_when_it_is_set() -> None:
    """It goes on as time does, and is put forward and back when its text says so."""
    now = [50.0]
    clock = seam.Clock("1000,+3600@10,-60@20", lambda: now[0])
    shown = []
    for gone in (0, 9.5, 10, 19, 20, 30):
        now[0] = 50.0 + gone
        shown.append(clock.wall())
    assert shown == [1000, 1009.5, 4610, 4619, 4560, 4570]


def test_clock_tells_when_to_wake_when_it_is_asked() -> None:
    """At the wall time or at the next step, whichever comes first; at once for the past."""
    now = [50.0]
    clock = seam.Clock("1000,+3600@10", lambda: now[0])
    assert [clock.wake_at(1005), clock.wake_at(1015), clock.wake_at(900)] == [55, 60, 50]
    now[0] = 61.0
    assert clock.wake_at(4700) == 61 + 89


def test_wall_is_the_machines_when_no_clock_is_set() -> None:
    """Which is always, outside of tests."""
    assert seam.wake_at(0.0) is None
    try:
        seam.set_clock(seam.Clock("1000"))
        assert 1000 <= seam.wall() < 1100
        assert seam.wake_at(0.0) is not None
    finally:
        seam.set_clock(None)
    assert seam.wall() > 1_700_000_000
