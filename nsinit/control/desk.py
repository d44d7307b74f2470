"""What handlers of every kind share: the running init, and the services that a call means."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from nsinit.control.routes import Refusal

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Generator
    from typing import Any

    from nsinit.control.reply import Reply
    from nsinit.core.state import CoreState
    from nsinit.core.view import ServiceView
    from nsinit.model.plan import Plan
    from nsinit.runtime.boot import Init
    from nsinit.runtime.driver import Driver
    from nsinit.runtime.turns import Turns

R = TypeVar("R")


class Desk:
    """The part of `Handlers` that its other parts are written against."""

    _init: Init
    _driver: Driver
    _loop: asyncio.AbstractEventLoop

    @property
    def _turns(self) -> Turns:
        return self._init.reactor.turns

    @property
    def _plan(self) -> Plan:
        return self._driver.core.plan

    @property
    def _state(self) -> CoreState:
        return self._driver.core.state

    def _in_turns(
        self, work: Generator[object, None, R], done: Callable[[R], object], reply: Reply
    ) -> None:
        """Do what may take long for an answer, as long as somebody waits for it."""

        def failed(error: Exception) -> None:
            self._init.say.error(f"internal error: cannot answer: {error!r}")
            reply.answer(500, Refusal(500, "internal", f"cannot answer: {error!r}").body())

        reply.on_leave(work.close)
        self._turns.take(work, done, failed)

    if TYPE_CHECKING:

        def _select(self, params: dict[str, Any]) -> list[str]: ...

        def _select_steerable(self, params: dict[str, Any]) -> list[str]: ...

        def _views(self, names: list[str]) -> list[ServiceView]: ...
