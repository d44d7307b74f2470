"""Long works and short ones, in turns."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from nsinit.runtime.turns import SLICE, Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


class Loop:
    """One turn at a time."""

    def __init__(self) -> None:
        self.due: list[Callable[[], object]] = []
        self.turns = Turns(self.due.append)

    def turn(self) -> None:
        """Call what is due."""
        self.due.pop(0)()

    def run(self) -> None:
        """Until nothing is left."""
        while self.due:
            self.turn()


def spin(seconds: float, step: float = 0.0002) -> Generator[None, None, str]:
    """Work that takes so long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        until = time.monotonic() + step
        while time.monotonic() < until:
            pass
        yield
    return "done"


def raise_it(error: Exception) -> None:
    """Nobody expects one."""
    raise error


def test_short_work_is_done_first_when_a_long_one_was_there_before() -> None:
    """And the loop has its turn in between; what is returned is told."""
    loop, told = Loop(), []
    loop.turns.take(spin(20 * SLICE), lambda text: told.append(f"long {text}"), raise_it)
    loop.turns.take(spin(0.0), lambda text: told.append(f"short {text}"), raise_it)
    loop.turn()
    assert len(loop.due) == 1
    while not told:
        loop.turn()
    assert told == ["short done"]
    loop.run()
    assert told == ["short done", "long done"]


def test_others_go_on_when_a_work_fails_or_nobody_wants_it() -> None:
    """Who waits hears of the failure; what is closed is over without a step more."""
    loop, told = Loop(), []

    def failing() -> Generator[None, None, str]:
        yield
        raise ValueError("no")

    closed = spin(100.0)
    loop.turns.take(failing(), told.append, lambda error: told.append(str(error)))
    loop.turns.take(closed, told.append, raise_it)
    closed.close()
    loop.turns.call_soon(lambda: raise_it(KeyError("reported by the reactor")))
    loop.turns.call_soon(lambda: told.append("last"))
    with pytest.raises(KeyError):
        loop.turn()
    loop.run()
    assert told == ["no", None, "last"]
    loop.turns.call_soon(lambda: told.append("again"))
    loop.run()
    assert told[-1] == "again"
