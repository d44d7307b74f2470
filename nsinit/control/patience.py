"""How long a client may take for what it does: one timer, armed only while something is due."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable


class Patience:
    """Gives up on one client, and says on what."""

    def __init__(self, loop: asyncio.AbstractEventLoop, give_up: Callable[[str], object]) -> None:
        self._loop = loop
        self._give_up = give_up
        self._what = ""
        self._timer: asyncio.TimerHandle | None = None

    def wait(self, what: str, seconds: float | None) -> None:
        """So long for this, counted from when it was first waited for; None: for ever."""
        if what == self._what:
            return
        self.end()
        if seconds is not None:
            self._what = what
            self._timer = self._loop.call_later(seconds, self._over)

    def end(self) -> None:
        """Nothing is waited for."""
        self._what = ""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _over(self) -> None:
        what, self._what, self._timer = self._what, "", None
        self._give_up(what)
