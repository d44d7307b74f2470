"""Timers of both clocks, and a wall clock that the test sets."""

from __future__ import annotations

import errno
import os
import select
import time
from typing import TYPE_CHECKING

import pytest

from nsinit.kernel import libc, seam
from nsinit.kernel.timers import Timer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nsinit.kernel.seam import Fault


@pytest.fixture
def timer() -> Iterator[Callable[[bool], Timer]]:
    """Makes timers, and closes them."""
    made: list[Timer] = []

    def make(calendar: bool) -> Timer:
        made.append(Timer(calendar=calendar))
        return made[-1]

    yield make
    seam.set_clock(None)
    seam.inject(None)
    for one in made:
        os.close(one.fd)


def goes_off(timer: Timer, within: float) -> bool:
    """Whether there is something to read."""
    return bool(select.select([timer.fd], [], [], within)[0])


@pytest.mark.parametrize("calendar", [False, True])
def test_timer_goes_off_when_its_time_has_come(
    timer: Callable[[bool], Timer], calendar: bool
) -> None:
    """Once; at once for a time that is over; not at all when it is disarmed."""
    clock = time.time if calendar else time.monotonic
    one = timer(calendar)
    one.set(clock() + 0.05)
    assert not goes_off(one, 0)
    assert goes_off(one, 5)
    assert clock() > 0
    one.read()
    assert not goes_off(one, 0)
    one.read()
    one.set(0.0)
    assert goes_off(one, 5)
    one.set(clock() + 1000)
    assert not goes_off(one, 0)
    one.set(None)
    assert not goes_off(one, 0.01)


def test_timer_goes_off_when_the_clock_is_put_to_another_time(
    timer: Callable[[bool], Timer],
) -> None:
    """So that whoever waits for it looks at the clock again."""
    seam.set_clock(seam.Clock("1000,+3600@0.05"))
    one = timer(True)
    one.set(5000.0)
    assert goes_off(one, 5)
    one.read()
    assert 4600 <= seam.wall() < 4700


def cancelled(name: str) -> None:
    """A clock that was set since the timer was."""
    if name == "timerfd_settime":
        seam.inject(None)
        raise OSError(errno.ECANCELED, "")


def unknown(name: str) -> None:
    """A kernel that does not tell of steps."""
    if name == "timerfd_settime":
        seam.inject(None)
        raise OSError(errno.EINVAL, "")


@pytest.mark.parametrize(("fault", "at_once"), [(cancelled, True), (unknown, False)])
def test_timer_is_armed_when_the_kernel_has_its_own_mind(
    timer: Callable[[bool], Timer], fault: Fault, at_once: bool
) -> None:
    """A step that came in between is looked at; where none is told of, it looks now and then."""
    one = timer(True)
    seam.inject(fault)
    one.set(time.time() + 3600)
    assert goes_off(one, 0.2) is at_once


def test_timer_tells_its_error_when_there_can_be_none() -> None:
    """As any system call."""
    with pytest.raises(OSError, match="timerfd_create") as caught:
        libc.timerfd_create(-1)
    assert caught.value.errno == errno.EINVAL
