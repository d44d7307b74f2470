"""What handlers of every kind share: the running init, and the services that a call means."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from typing import Any

    from nsinit.core.state import CoreState
    from nsinit.core.view import ServiceView
    from nsinit.model.plan import Plan
    from nsinit.runtime.boot import Init
    from nsinit.runtime.driver import Driver


class Desk:
    """The part of `Handlers` that its other parts are written against."""

    _init: Init
    _driver: Driver
    _loop: asyncio.AbstractEventLoop

    @property
    def _plan(self) -> Plan:
        return self._driver.core.plan

    @property
    def _state(self) -> CoreState:
        return self._driver.core.state

    if TYPE_CHECKING:

        def _select(self, params: dict[str, Any]) -> list[str]: ...

        def _select_steerable(self, params: dict[str, Any]) -> list[str]: ...

        def _views(self, names: list[str]) -> list[ServiceView]: ...
