"""What may take long is done in turns: some milliseconds of it at once, then everything else.

One queue for all of it. A step is a function that takes about a millisecond at most and puts itself
at the end of the queue while it has more to do, so that a long work holds up neither init nor a
short one. Knows no asyncio; the reactor calls.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from nsinit.kernel import seam

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Protocol

    class Soon(Protocol):
        """Whoever calls back a little later: this queue, or an event loop."""

        def call_soon(self, callback: Callable[[], object]) -> object:
            """Call back, after what is due now."""


R = TypeVar("R")

SLICE: Final = 0.003  # s that are spent in one turn of the loop
_STEP: Final = 0.001  # s of one work, until it is the turn of another


class Turns:
    """The queue."""

    def __init__(self, soon: Callable[[Callable[[], object]], object]) -> None:
        """`soon` calls back in the next turn of the loop."""
        self._soon = soon
        self._steps: deque[Callable[[], object]] = deque()
        self._called = False

    def call_soon(self, callback: Callable[[], object]) -> None:
        """Take a step when it is its turn."""
        self._steps.append(callback)
        self._call()

    def take(
        self,
        work: Generator[object, None, R],
        done: Callable[[R], object],
        failed: Callable[[Exception], object],
    ) -> None:
        """Go through a work, and tell what it returns, or what it raises.

        Whoever does not want it any more closes it; `done` is told None then.
        """
        self.call_soon(partial(self._go_on, work, done, failed))

    def _go_on(
        self,
        work: Generator[object, None, R],
        done: Callable[[R], object],
        failed: Callable[[Exception], object],
    ) -> None:
        until = seam.monotonic() + _STEP
        try:
            while seam.monotonic() < until:
                next(work)
        except StopIteration as end:
            done(end.value)
        except Exception as error:  # noqa: BLE001  (whoever waits has to hear of it)
            failed(error)
        else:
            self.take(work, done, failed)

    def _call(self) -> None:
        if not self._called:
            self._called = True
            self._soon(self._turn)

    def _turn(self) -> None:
        self._called = False
        until = seam.monotonic() + SLICE
        try:
            while self._steps:
                self._steps.popleft()()
                if seam.monotonic() >= until:
                    break
        finally:  # one that has raised, which the reactor tells, holds up no other
            if self._steps:
                self._call()
