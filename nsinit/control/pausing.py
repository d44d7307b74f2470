"""The handlers of `pause` and `unpause`: the processes of services stand still, or go on."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from nsinit.control.desk import Desk
from nsinit.control.routes import Refusal
from nsinit.control.waiting import results
from nsinit.core import messages as m
from nsinit.core.turn import PAUSABLE
from nsinit.kernel import seam

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from nsinit.control.reply import Reply

_LOOK_AGAIN: Final = 0.01  # s: version 1 tells nobody when everything is frozen


class Pausing(Desk):
    """What an operator may ask for."""

    def do_pause(self, params: dict[str, Any], reply: Reply) -> None:
        """Freeze services, and answer when all of their processes are."""
        names = self._select_steerable(params)
        for name in names:
            self._check_pause(name)
        self._driver.post(m.Pause(tuple(names), on=True))
        _Freezing(partial(self._rows, names), self._is_frozen, self._loop, reply).begin(
            params["timeout"]
        )

    def do_unpause(self, params: dict[str, Any], reply: Reply) -> None:
        """Let services go on; one that is not paused does already."""
        names = self._select(params)
        self._driver.post(m.Pause(tuple(names), on=False))
        rows = self._rows(names)
        for row in rows:
            row["ok"] = not row["paused"]
        reply.answer(200, {"results": rows})

    def _check_pause(self, name: str) -> None:
        s = self._state.services[name]
        if s.state not in PAUSABLE:
            raise Refusal(409, "not-running", f"cannot pause {name}: it is {s.state}")
        if not s.pid:
            message = f"cannot pause {name}: it has no main process at the moment"
            raise Refusal(409, "not-running", message)
        groups = self._init.groups
        group = groups.group_of(name) if groups is not None else None
        if group is None:
            hint = 'give the service resources = {}, or kill_mode = "cgroup", and restart it'
            message = f"cannot pause {name}: it has no cgroup of its own"
            raise Refusal(409, "no-cgroup", message, hint)
        from nsinit.cgroups.freezing import can_freeze  # noqa: PLC0415  (few inits have groups)

        if not can_freeze(group):
            hint = "version 1 needs the controller freezer, version 2 Linux 5.2"
            message = f"cannot pause {name}: its cgroup can't be frozen"
            raise Refusal(409, "no-freezer", message, hint)

    def _rows(self, names: list[str]) -> list[dict[str, Any]]:
        known = [name for name in names if name in self._state.services]
        rows = results(self._views(known), lambda _: True)
        for row in rows:
            row["paused"] = self._state.services[row["name"]].paused
        return rows

    def _is_frozen(self, name: str) -> bool:
        groups = self._init.groups
        group = groups.group_of(name) if groups is not None else None
        if group is None:
            return False
        from nsinit.cgroups.freezing import is_frozen  # noqa: PLC0415  (loaded by now)

        return is_frozen(group)


class _Freezing:
    """One client that waits until services stand still."""

    def __init__(
        self,
        look: Callable[[], list[dict[str, Any]]],
        is_frozen: Callable[[str], bool],
        loop: asyncio.AbstractEventLoop,
        reply: Reply,
    ) -> None:
        self._look, self._is_frozen, self._loop, self._reply = look, is_frozen, loop, reply
        self._until = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, timeout: float) -> None:
        """Answer when they do, or after `timeout` seconds."""
        self._until = seam.monotonic() + timeout
        self._reply.on_leave(self._forget)
        self._try()

    def _forget(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _try(self) -> None:
        rows = self._look()
        late = {r["name"] for r in rows if r["paused"] and not self._is_frozen(r["name"])}
        if late and seam.monotonic() < self._until:
            self._timer = self._loop.call_later(_LOOK_AGAIN, self._try)
            return
        for row in rows:
            row["ok"] = row["paused"] and row["name"] not in late
            if not row["paused"]:  # it could not be, has ended, or goes on by another's word
                row["reason"] = row["reason"] or "it goes on"
        body: dict[str, Any] = {"results": rows}
        if late:
            message = f"waited too long for {', '.join(sorted(late))}: a process does not freeze"
            refusal = Refusal(504, "timed-out", message, "nsinit ctl unpause gives it up")
            self._reply.answer(504, body | refusal.body())
        else:
            self._reply.answer(200, body)
