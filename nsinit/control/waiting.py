"""Answering a client when services have come where they were to go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from nsinit.control.routes import Refusal
from nsinit.core.state import State
from nsinit.kernel import seam

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Container

    from nsinit.control.reply import Reply
    from nsinit.core.view import ServiceView
    from nsinit.runtime.events import Happening, History

BAD: Final = frozenset({State.FAILED, State.BACKOFF})


class Wait:
    """One client that waits for some services; `done` says when one of them has arrived.

    In one of the states that are `bad` it has arrived where it should not be.
    """

    def __init__(
        self,
        services: list[ServiceView],
        done: Callable[[ServiceView], bool],
        reply: Reply,
        history: History,
        runs: dict[str, int] | None = None,
        bad: Container[State] = BAD,
    ) -> None:
        """`runs` are the numbers of the runs before, to tell a failed one that came since."""
        self._runs = runs or {}
        self._latest = {s.name: s for s in services}
        self._left = {s.name for s in services if not done(s)}
        self._done = done
        self._reply = reply
        self._history = history
        self._bad = bad
        self.until = 0.0  # when it is over at the latest (monotonic s)
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, loop: asyncio.AbstractEventLoop, timeout: float) -> None:
        """Answer now, or when all have arrived, or after `timeout` seconds with those that have."""
        if not self._left:
            self._finish()
            return
        self._history.listeners.append(self._hear)
        self.until = seam.monotonic() + timeout
        self._timer = loop.call_later(timeout, self._finish)
        self._reply.on_leave(self._forget)

    def _hear(self, one: Happening) -> None:
        s = one.service
        if s.name not in self._latest:
            return
        self._latest[s.name] = s
        if self._done(s):
            self._left.discard(s.name)
        else:
            self._left.add(s.name)
        if not self._left:
            self._finish()

    def _forget(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._hear in self._history.listeners:
            self._history.listeners.remove(self._hear)

    def _finish(self) -> None:
        self._forget()
        body: dict[str, Any] = {"results": results(list(self._latest.values()), self._arrived)}
        if self._left:
            names = ", ".join(sorted(self._left))
            refusal = Refusal(504, "timed-out", f"waited too long for {names}")
            self._reply.answer(504, body | refusal.body())
        else:
            self._reply.answer(200, body)

    def _arrived(self, s: ServiceView) -> bool:
        new = s.run > self._runs.get(s.name, s.run)
        spoilt = s.state is State.WAITING and new and s.result not in ("", "success")
        return self._done(s) and s.state not in self._bad and not spoilt


def results(
    services: list[ServiceView], good: Callable[[ServiceView], bool]
) -> list[dict[str, Any]]:
    """What came of a request, service by service."""
    return [{"name": s.name, "ok": good(s), "state": s.state, "reason": s.reason} for s in services]
