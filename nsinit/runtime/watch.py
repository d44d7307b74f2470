"""Restarting or reloading services when their files change. Loaded only by who asks for it.

What changes within `debounce` of the last change is one change; a stream of them is acted on after
ten times that. A service that was stopped stays so, and one that waits will read the new files
anyway; one that has failed or waits for its next try is tried at once.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from nsinit.core import messages as m
from nsinit.core.state import ACTIVE, State
from nsinit.kernel import seam
from nsinit.kernel.inotify import Inotify
from nsinit.kernel.timers import Timer
from nsinit.runtime.trees import Root, Trees

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nsinit.core.supervisor import Supervisor
    from nsinit.model.spec import Service, Watch
    from nsinit.runtime.driver import Driver
    from nsinit.runtime.events import EventLog
    from nsinit.runtime.reactor import Reactor

_PATIENCE: Final = 10  # times the debounce
_TOGETHER: Final = 0.02  # s: what is nearly due for one is due for all that watch the same


_COUNTED: Final = 1000  # files that changed together


class _Change:
    """What has changed for one service, and not been acted on."""

    __slots__ = ("at", "first", "path", "paths")

    def __init__(self, path: str, now: float) -> None:
        self.path = path
        self.first = now
        self.paths: set[str] = set()  # as many as are worth counting
        self.at = now


class Watches:
    """The watched files of all services."""

    def __init__(self, reactor: Reactor, driver: Driver, say: EventLog, directory: str) -> None:
        """Relative paths are under a service's working_dir, or else under `directory`."""
        self._reactor = reactor
        self._driver = driver
        self._say = say
        self._directory = directory
        self._specs: dict[str, tuple[Watch, str]] = {}
        self._changes: dict[str, _Change] = {}
        self._kernel: Inotify | None = None
        self._trees: Trees | None = None
        self._timer: Timer | None = None

    def configure(self, services: Mapping[str, Service]) -> None:
        """Watch for these from now on; what has not changed goes on as it is."""
        wanted = {
            name: (spec.watch, os.path.join(self._directory, spec.working_dir or ""))
            for name, spec in services.items()
            if spec.watch is not None
        }
        for name in list(self._specs):
            if wanted.get(name) != self._specs[name]:
                del self._specs[name]
                self._changes.pop(name, None)
                if self._trees is not None:
                    self._trees.forget(name)
        for name, (watch, base) in wanted.items():
            if name not in self._specs:
                self._specs[name] = (watch, base)
                self._add(name, watch, base)

    def _add(self, name: str, watch: Watch, base: str) -> None:
        trees = self._trees or self._begin(name)
        if trees is not None:
            for path in watch.paths:
                trees.add(Root(name, os.path.normpath(os.path.join(base, path)), watch.exclude))

    def _begin(self, name: str) -> Trees | None:
        try:
            self._kernel = Inotify()
            self._timer = Timer()
        except OSError as error:
            hint = "is the limit fs.inotify.max_user_instances reached?"
            self._say.error(f"{name}: cannot watch files: {error.strerror} ({hint})")
            return None
        self._trees = Trees(self._kernel, self._reactor, self._note, self._say.warning)
        self._reactor.add_reader(self._kernel.fd, self._hear)
        self._reactor.add_reader(self._timer.fd, self._on_timer)
        return self._trees

    # --- Changes ----------------------------------------------------------------------------------

    def _hear(self) -> None:
        assert self._kernel is not None  # noqa: S101  (for the type checker)
        assert self._trees is not None  # noqa: S101
        self._trees.hear(self._kernel.read())

    def _note(self, name: str, path: str) -> None:
        """A change: act on it when no other has followed for a while."""
        now = seam.monotonic()
        change = self._changes.setdefault(name, _Change(path, now))
        span = float(self._specs[name][0].debounce)
        if len(change.paths) < _COUNTED:
            change.paths.add(path)
        change.at = min(now + span, change.first + _PATIENCE * span)
        self._set()

    def _set(self) -> None:
        if self._timer is not None:
            times = (change.at for change in self._changes.values())
            self._timer.set(min(times, default=None))

    def _on_timer(self) -> None:
        assert self._timer is not None  # noqa: S101
        self._timer.read()
        self._hear()  # what has happened meanwhile belongs to it
        now = seam.monotonic()
        due = {name: one for name, one in self._changes.items() if one.at <= now + _TOGETHER}
        restarted: dict[str, None] = {}
        for name, change in due.items():
            del self._changes[name]
            restarted |= dict.fromkeys(self._act(name, change))
        self._set()
        if restarted:
            self._driver.post(m.Restart(tuple(restarted)))

    def _act(self, name: str, change: _Change) -> list[str]:
        """Reload a service, or tell which ones are to restart: replicas do so in turn."""
        core, watch = self._driver.core, self._specs[name][0]
        s = core.state.services.get(name)
        if s is None or not s.want or core.state.phase != "up" or s.state is State.WAITING:
            return []
        others = len(change.paths) - 1
        more = f" and {others} more" if others else ""
        if watch.action == "reload" and s.state is not State.RUNNING:
            return []
        why = f"{change.path}{more} changed"
        self._say.info(f"{name}: {watch.action}, as {why}")
        self._driver.history.note("watch", name, s.run, reason=why, action=watch.action)
        if watch.action == "restart":
            return [name, *(_above(core, name) if watch.cascade else ())]
        self._driver.post(m.Reload((name,)))
        return []


def _above(core: Supervisor, name: str) -> list[str]:
    """The services with processes that need this one, directly or not."""
    made: list[str] = []
    todo = [name]
    while todo:
        below = todo.pop()
        for other in core.plan.services[below].dependents:
            rules = core.plan.services.get(other)  # some may have left
            if rules and below in rules.needs and other not in made and other != name:
                todo.append(other)
                if core.state.services[other].state in ACTIVE:
                    made.append(other)
    return made
