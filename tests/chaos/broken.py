"""nsinit with one thing broken on purpose, to show that a check can fail.

broken.py FAULT run FILE
"""

from __future__ import annotations

import os
import runpy
import sys
from itertools import count
from typing import TYPE_CHECKING, Any

from msgspec import structs

from nsinit.control import eventfeed, handlers, shapes
from nsinit.core import policy, service
from nsinit.core.view import view_service
from nsinit.kernel import seam
from nsinit.process.strays import Strays
from nsinit.runtime.boot import Init
from nsinit.runtime.runs import Runs

if TYPE_CHECKING:
    from collections.abc import Callable

    from nsinit.core.view import ServiceView

_kept: list[object] = []
_put = setattr  # what is put there is not what its type says


def _leave_strays() -> None:
    """What a service leaves behind is never found."""
    _put(Strays, "left", lambda *_: 0)
    _put(Strays, "signal_all", lambda *_: None)


def _spawn_twice() -> None:
    """Each run has two processes."""
    start = Runs._start

    def twice(self: Runs, name: str, run: int, *, notify: bool) -> Any:  # a child
        start(self, name, run, notify=notify)
        return start(self, name, run, notify=notify)

    _put(Runs, "_start", twice)


def _lose_events() -> None:
    """Each twentieth event is told to nobody."""
    render = shapes.event_row
    _put(eventfeed.Rows, "__call__", lambda _, one: render(one) if one.number % 20 else b"")


def _lie() -> None:
    """Statuses name another process."""

    def other(*arguments: Any) -> ServiceView:
        seen = view_service(*arguments)
        return structs.replace(seen, pid=seen.pid + 1) if seen.pid else seen

    _put(handlers, "view_service", other)


def _leak_descriptors() -> None:
    """Each run leaves one."""
    release = Runs.release

    def leaking(self: Runs, name: str, run: int) -> None:
        release(self, name, run)
        os.open("/dev/null", os.O_RDONLY)

    _put(Runs, "release", leaking)


def _leak_memory() -> None:
    """Each run leaves a MiB."""
    release = Runs.release

    def leaking(self: Runs, name: str, run: int) -> None:
        release(self, name, run)
        _kept.append(bytearray(b"x") * (1 << 20))

    _put(Runs, "release", leaking)


def _leave_zombies() -> None:
    """Nobody reaps what is no service."""
    wait4, start = seam.wait4, Runs._start
    known: set[int] = set()

    def remember(self: Runs, name: str, run: int, *, notify: bool) -> Any:  # a child
        child = start(self, name, run, notify=notify)
        known.add(child.pid)
        return child

    def of_services(_: int, how: int) -> Any:  # as wait4(2)
        for pid in known:
            found = wait4(pid, how)
            if found[0]:
                known.discard(pid)
                return found
        return 0, 0, None

    _put(seam, "wait4", of_services)
    _put(Runs, "_start", remember)


def _restart_nothing() -> None:
    """What has ended is forgotten."""
    _put(policy, "restarts", lambda *_, **__: False)


def _stop_nothing() -> None:
    """Who is told to stop is not."""
    _put(service, "stop", lambda *_, **__: None)


def _end_wrongly() -> None:
    """The exit code is another."""
    live = Init.live
    _put(Init, "live", lambda self: live(self) + 1)


def _die() -> None:
    """Init ends in the middle of its life."""
    spawn, number = Runs.spawn, count()

    def deadly(self: Runs, name: str, run: int, *, notify: bool) -> None:
        if next(number) > 12:
            os._exit(3)
        spawn(self, name, run, notify=notify)

    _put(Runs, "spawn", deadly)


def _take_anything() -> None:
    """A wrong configuration is taken for the one before."""
    from nsinit.runtime.updater import Updater

    update = Updater.update

    def taken(self: Updater, *, dry_run: bool = False) -> Any:  # a difference
        try:
            return update(self, dry_run=dry_run)
        except Exception:  # noqa: BLE001  (whatever is wrong with it)
            return self._go_by(self._loaded, {}, dry_run=True)

    _put(Updater, "update", taken)


FAULTS: dict[str, Callable[[], None]] = {
    "leave-strays": _leave_strays,
    "spawn-twice": _spawn_twice,
    "lose-events": _lose_events,
    "lie": _lie,
    "leak-descriptors": _leak_descriptors,
    "leak-memory": _leak_memory,
    "leave-zombies": _leave_zombies,
    "restart-nothing": _restart_nothing,
    "stop-nothing": _stop_nothing,
    "end-wrongly": _end_wrongly,
    "die": _die,
    "take-anything": _take_anything,
    "nothing": lambda: None,
}

if __name__ == "__main__":
    FAULTS[sys.argv.pop(1)]()
    runpy.run_module("nsinit", run_name="__main__", alter_sys=True)
