"""What init does last: orphans get TERM and then KILL, the last lines get out, its sockets go.

Each of it whatever comes of the others, or the exit code would be lost with the rest.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from nsinit.kernel import seam
from nsinit.runtime import directory
from nsinit.runtime.stragglers import end_stragglers

if TYPE_CHECKING:
    from collections.abc import Callable

    from nsinit.runtime.boot import Init

_FLUSH: Final = 0.5  # s for a slow reader of stdout to take the last lines


def leave(init: Init) -> None:
    """Nothing runs any more that init has started."""
    deadline = init.driver.core.state.deadline
    parts: list[Callable[[], object]] = [
        init.logs.outputs.stop_helpers,
        partial(end_stragglers, init.reactor, init.say, deadline),
        partial(init.reactor.turn, 0),  # whoever waits for the end of a helper hears of it
        *([init.intake.close] if init.intake is not None else []),
        init.say.settle,
        partial(_flush, init),
        init.logs.outputs.give_up,
        init.notify.close,
        *([init.passing.close] if init.passing is not None else []),
        *([init.groups.close] if init.groups is not None else []),
        partial(directory.remove, init.listener, inside=not init.given.own_root),
    ]
    for part in parts:
        init.guard(part, "not all is left in order")


def _flush(init: Init) -> None:
    until = seam.monotonic() + _FLUSH
    while not init.logs.outputs.flush() and seam.monotonic() < until:
        init.reactor.turn(0.05)
