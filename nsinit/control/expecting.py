"""Answering a client that waits until services are in a state it names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from nsinit.control.waiting import Wait
from nsinit.core.state import AT_REST, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from nsinit.control.reply import Reply
    from nsinit.core.view import ServiceView
    from nsinit.runtime.events import History


class Goal(NamedTuple):
    """What is waited for; `hopeless` is when it won't come by itself any more."""

    reached: Callable[[ServiceView], bool]
    hopeless: Callable[[ServiceView], bool] = lambda _: False


def _is_ready(s: ServiceView) -> bool:
    return s.state is State.RUNNING or (s.type == "oneshot" and s.state is State.EXITED)


def _has_failed(s: ServiceView) -> bool:
    return s.state is State.FAILED


GOALS: Final = {
    "ready": Goal(_is_ready, _has_failed),
    "running": Goal(lambda s: s.state is State.RUNNING, _has_failed),
    "stopped": Goal(lambda s: s.state in AT_REST),
    "exited": Goal(lambda s: s.state in (State.EXITED, State.FAILED)),
}


class Expect(Wait):
    """Answers when every service has reached the goal, or can't any more."""

    def __init__(
        self, services: list[ServiceView], goal: Goal, reply: Reply, history: History
    ) -> None:
        super().__init__(services, lambda s: goal.reached(s) or goal.hopeless(s), reply, history)
        self._goal = goal

    def _arrived(self, s: ServiceView) -> bool:
        return self._goal.reached(s)
