"""Actions that could not be carried out are tried again for as long as they are still wanted.

The core decides once. A signal, a timer or a sweep that an error of init has swallowed would leave
its service as it is for ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nsinit.core import messages as m

if TYPE_CHECKING:
    from collections.abc import Callable

    from nsinit.core.supervisor import Supervisor
    from nsinit.runtime.reactor import Reactor

Repeatable = m.Arm | m.Signal | m.Freeze | m.Sweep | m.Release | m.FindMain | m.Finish
_FIRST: Final = 0.2  # s until the next try; it doubles while anything fails
_LAST: Final = 10.0


class Again:
    """Those actions."""

    def __init__(
        self, core: Supervisor, reactor: Reactor, carry_out: Callable[[m.Action], object]
    ) -> None:
        """`carry_out` adds what fails once more."""
        self._core = core
        self._reactor = reactor
        self._carry_out = carry_out
        self._failed: list[Repeatable] = []
        self._pause = _FIRST

    def add(self, action: m.Action) -> None:
        """One has failed; a spawn and a task have answers of their own, and words are words."""
        if isinstance(action, Repeatable):
            self._failed.append(action)
            if len(self._failed) == 1:
                self._reactor.later(self._pause, self._try)

    def _try(self) -> None:
        failed, self._failed = self._failed, []
        self._pause = min(self._pause * 2, _LAST)
        for action in failed:
            if self._is_wanted(action):
                self._carry_out(action)
        if not self._failed:
            self._pause = _FIRST

    def _is_wanted(self, action: Repeatable) -> bool:
        if isinstance(action, m.Finish | m.Release):
            return True
        state = self._core.state
        if isinstance(action, m.Arm) and not action.service:
            at = state.shutdown_at if action.timer == "shutdown" else state.hook_at
            return at == action.at
        service = state.services.get(action.service)
        if service is None or service.run != action.run:
            return False
        return not isinstance(action, m.Arm) or service.timers.get(action.timer) == action.at
