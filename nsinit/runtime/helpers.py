"""Commands that an operator runs in the place of a service: its environment, user and directory.

Or in the place of init itself, where none of the services needs to run. They are no part of a run:
a stop or a restart leaves them alone, the end of init does not.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from msgspec import structs

from nsinit.process.program import in_place_of_init, on_descriptors, prepare

if TYPE_CHECKING:
    from collections.abc import Callable

    from nsinit.errors import SpawnError
    from nsinit.kernel.proc import End
    from nsinit.model.spec import Service
    from nsinit.process.program import Surroundings
    from nsinit.process.spawner import Child, Spawner
    from nsinit.process.strays import Strays
    from nsinit.runtime.runs import Runs

    Ended = Callable[[int, SpawnError | None], object]


class Helper(NamedTuple):
    """A command to run: beside whom, and on which descriptors, of a terminal if that is said."""

    service: str  # "" is init itself
    command: tuple[str, ...]  # empty: a shell
    fds: list[int]
    variables: dict[str, str]
    terminal: bool = False
    user: str | None = None  # of one in the place of init


class Helpers:
    """All of these that run now."""

    def __init__(self, runs: Runs, spawner: Spawner, strays: Strays) -> None:
        self._runs = runs
        self._spawner = spawner
        self._strays = strays
        self._running: dict[int, tuple[Child, Ended]] = {}

    def start(self, helper: Helper, ended: Ended) -> int:
        """Start a command in the place of its service; its pid. SpawnError if it can't be.

        `ended` is told its status, with the reason if it never ran.
        """
        beside = self._runs.beside(helper.service) if helper.service else 0
        program = prepare(*self._place(helper), beside)
        program = on_descriptors(program, helper.fds, terminal=helper.terminal)
        child = self._spawner.spawn(program)
        self._running[child.pid] = (child, ended)
        if helper.service:
            self._strays.began(child.pid, helper.service)
        return child.pid

    def _place(self, helper: Helper) -> tuple[Service, Surroundings, dict[str, str]]:
        """What it takes over: that of a service, or that of init."""
        around = self._runs.around
        if helper.service:
            spec = self._runs.services[helper.service]
            spec = structs.replace(spec, command=helper.command, pass_fds=[])
            return spec, around, {**self._runs.own_variables(helper.service), **helper.variables}
        spec = in_place_of_init(helper.command, helper.user, around)
        return spec, around, {**self._runs.variables, **helper.variables}

    def ended(self, end: End) -> bool:
        """Whether a process that was reaped is one of them; then its starter is told."""
        child, tell = self._running.pop(end.pid, (None, None))
        if child is None or tell is None:
            return False
        failed = None
        if child.report is not None:
            with suppress(OSError):
                failed = child.outcome()
            os.close(child.report)
        with suppress(Exception):  # one client's trouble must not cost the other ends
            tell(end.status, failed)
        return True

    def pids(self) -> list[int]:
        """Those that run now."""
        return list(self._running)
