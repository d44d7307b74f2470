"""The handlers of what looks after services beyond start and stop."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from nsinit.control.desk import Desk
from nsinit.control.routes import Refusal
from nsinit.control.waiting import Wait, results
from nsinit.core import messages as m
from nsinit.core.state import State
from nsinit.core.upkeep import RELOADED
from nsinit.kernel import seam

if TYPE_CHECKING:
    from collections.abc import Callable

    from nsinit.control.carry import Going
    from nsinit.control.reply import Reply
    from nsinit.core.view import ServiceView
    from nsinit.runtime.events import Happening, History


class Care(Desk):
    """What an operator may ask for."""

    stopped_by: dict[str, tuple[int, float]]

    # --- Reload -----------------------------------------------------------------------------------

    def do_reload(self, params: dict[str, Any], reply: Reply) -> None:
        """Let services read their configuration again."""
        names = self._select_steerable(params)
        for name in names:
            self._check_reload(name)
        wait = _Reload(self._views(names), reply, self._init.history)
        self._init.history.listeners.append(wait.listen)
        try:
            self._driver.post(m.Reload(tuple(names)))
        finally:
            self._init.history.listeners.remove(wait.listen)
        wait.settle(self._views(names))
        if params["no_wait"]:
            reply.answer(200, {"results": results(self._views(names), lambda _: True)})
        else:
            wait.begin(self._loop, params["timeout"])

    def _check_reload(self, name: str) -> None:
        rules, s = self._plan.services[name], self._state.services[name]
        if "reload" not in rules.tasks and not rules.reload_signal:
            hint = "nsinit ctl restart reads everything again"
            message = f"cannot reload {name}: it has neither reload_command nor reload_signal"
            raise Refusal(409, "no-reload", message, hint)
        if s.state is not State.RUNNING:
            raise Refusal(409, "not-running", f"cannot reload {name}: it is {s.state}")
        self._refuse_paused("reload", name)

    def _refuse_paused(self, verb: str, name: str) -> None:
        """What is done in the group of a paused service would stand still as well."""
        if self._state.services[name].paused:
            message = f"cannot {verb} {name}: it is paused"
            raise Refusal(409, "paused", message, f"nsinit ctl unpause {name}")

    # --- Reset and pin ----------------------------------------------------------------------------

    def do_reset(self, params: dict[str, Any], reply: Reply) -> None:
        """Forget the failures of services."""
        names = self._select(params)
        self._driver.post(m.Reset(tuple(names)))
        reply.answer(200, {"results": results(self._views(names), lambda _: True)})

    def do_pin(self, params: dict[str, Any], reply: Reply) -> None:
        """Keep services as they are."""
        self._set_pin(params, reply, on=True)

    def do_unpin(self, params: dict[str, Any], reply: Reply) -> None:
        """Let services be steered again."""
        self._set_pin(params, reply, on=False)

    def _set_pin(self, params: dict[str, Any], reply: Reply, *, on: bool) -> None:
        names = self._select(params)
        self._driver.post(m.Pin(tuple(names), on))
        rows = results(self._views(names), lambda _: True)
        for row in rows:
            row["pinned"] = self._state.services[row["name"]].pinned or None
        reply.answer(200, {"results": rows})

    def _before_steering(self, verb: str, params: dict[str, Any], reply: Reply) -> None:
        """Refuse to move what is pinned, and note who stops what."""
        names = self._select(params)
        pinned = [name for name in names if self._state.services[name].pinned]
        if pinned:
            verbs = "are" if len(pinned) > 1 else "is"
            message = f"cannot {verb} what is pinned: {', '.join(pinned)} {verbs}"
            raise Refusal(409, "pinned", message, f"nsinit ctl unpin {' '.join(pinned)}")
        if verb == "stop":
            who = (reply.peer.uid, seam.wall())
            for name in names:
                if self._state.services[name].want:
                    self.stopped_by[name] = who

    # --- Commands beside services -----------------------------------------------------------------

    def do_exec(self, params: dict[str, Any], reply: Reply) -> None:
        """Run a command in the place of a service."""
        from nsinit.control.execution import Execution  # noqa: PLC0415  (few inits are asked to)

        found = self._select({"names": [params["name"]]})
        if len(found) != 1:
            message = f"name: {params['name']} is not one service but {', '.join(found)}"
            raise Refusal(400, "bad-parameter", message)
        _refuse_null_bytes(params)
        self._refuse_paused("exec in", found[0])
        Execution(self._init, self._loop, params | {"name": found[0]}, reply).begin()

    def do_enter(self, params: dict[str, Any], reply: Reply) -> None:
        """Run a command in the place of init itself."""
        from nsinit.control.execution import Execution  # noqa: PLC0415  (the same)

        _refuse_null_bytes(params)
        Execution(self._init, self._loop, params, reply).begin()

    def do_screen(self, params: dict[str, Any], reply: Reply) -> None:
        """Show the terminal of a service."""
        self._attach(params, reply, types=False)

    def do_terminal(self, params: dict[str, Any], reply: Reply) -> None:
        """Show the terminal of a service, and type on it."""
        self._attach(params, reply, types=True)

    def _attach(self, params: dict[str, Any], reply: Reply, *, types: bool) -> None:
        from nsinit.control.attachment import attach  # noqa: PLC0415  (as above)

        found = self._select({"names": [params["name"]]})
        if len(found) != 1:
            message = f"{params['name']} is not one service but {', '.join(found)}"
            raise Refusal(409, "not-one", message)
        attach(self._init, params | {"name": found[0]}, reply, types=types)

    def _attach_again(self, name: str, going: Going, reply: Reply) -> Callable[[], object]:
        """Go on with a client of the init before this one."""
        from nsinit.control.attachment import Attachment  # noqa: PLC0415  (as above)

        made = Attachment(
            self._init,
            (service := going.names[0]),
            going.runs.get(service, 0),
            reply,
            types=name == "terminal",
            past=iter(()),
        )
        made.hold(going)
        return partial(made.go_on, going)


def _refuse_null_bytes(params: dict[str, Any]) -> None:
    words = [*(params["command"] or ()), params["term"] or ""]
    if any("\0" in word for word in words):
        raise Refusal(400, "bad-parameter", "command: no word of it can hold a null byte")


class _Reload(Wait):
    """Waits until services have reloaded; what reload_command came to is the reason.

    It has to listen before it is asked: a command that can't be run fails at once.
    """

    def __init__(self, services: list[ServiceView], reply: Reply, history: History) -> None:
        self._outcomes: dict[str, str] = {}
        super().__init__(services, lambda _: False, reply, history)
        self._done = self._is_done

    def listen(self, one: Happening) -> None:
        """Something happened while the reload was begun."""
        s = one.service
        if s.name in self._left and self._is_done(s):
            self._latest[s.name] = s

    def settle(self, services: list[ServiceView]) -> None:
        """The reload has begun; those that had a signal, and do not say more, are done."""
        for s in services:
            if not s.reloading:
                self._outcomes.setdefault(s.name, RELOADED)
        self._left -= self._outcomes.keys()

    def _is_done(self, s: ServiceView) -> bool:
        if not s.reloading or s.state is not State.RUNNING:
            self._outcomes.setdefault(s.name, s.reason)
        return s.name in self._outcomes

    def _arrived(self, s: ServiceView) -> bool:
        return self._outcomes.get(s.name) == RELOADED
