"""The main processes of all runs until they are reaped; and how another init is told of them."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from msgspec import structs

from nsinit.core import messages as m
from nsinit.errors import SpawnError
from nsinit.kernel import proc, seam
from nsinit.process.spawner import Child
from nsinit.runtime.tasks import adopt_child, export_child

if TYPE_CHECKING:
    from collections.abc import Callable

    from nsinit.process.strays import Strays
    from nsinit.runtime.handover import Keep, MainState
    from nsinit.runtime.reactor import Reactor

_LOOKS, _LOOK_AGAIN = 20, 0.05  # times and s: whether a foreign main process is left to us


class Main:
    """A main process that is not reaped yet; `failure` is what the report of its exec said.

    `watch` is a descriptor that tells the end of one that is another's child.
    """

    __slots__ = ("child", "failure", "run", "service", "watch")

    def __init__(self, service: str, run: int, child: Child) -> None:
        self.service = service
        self.run = run
        self.child = child
        self.failure: SpawnError | None = None
        self.watch = -1

    def export(self, pid: int, keep: Keep) -> MainState:
        """For another init, as process `pid`."""
        from nsinit.runtime.handover import Failure, MainState  # noqa: PLC0415  (loaded by then)

        failed = self.failure
        return MainState(
            service=self.service,
            run=self.run,
            child=structs.replace(export_child(self.child, keep), pid=pid),
            failure=Failure(str(failed), failed.stage, failed.errno) if failed else None,
            watch=keep(self.watch),
        )


class Mains(dict[int, Main]):
    """Main processes by pid."""

    def __init__(
        self,
        reactor: Reactor,
        strays: Strays,
        reap: Callable[[], object],
        post: Callable[[m.Event], object],
    ) -> None:
        super().__init__()
        self._reactor = reactor
        self._strays = strays
        self._reap = reap
        self._post = post

    def of(self, service: str) -> int:
        """The pid of a service's main process, 0 if there is none."""
        return next((pid for pid, main in self.items() if main.service == service), 0)

    def began(self, service: str, run: int, child: Child) -> None:
        """A run has a process; what became of its exec may be heard later."""
        self[child.pid] = Main(service, run, child)
        self._strays.began(child.pid, service)

    def hear_report(self, pid: int) -> None:
        """Wait for the word of a forked child on how its exec went."""
        report = self[pid].child.report
        if report is not None:
            self._reactor.add_reader(report, partial(self._hear_exec, pid))

    def _hear_exec(self, pid: int) -> None:
        """If it went badly, the end of the child is about to follow."""
        main = self[pid]
        try:
            main.failure = main.child.outcome()
        except BlockingIOError:
            return
        self.forget_report(main)
        if main.failure is None:
            self._post(m.Execed(main.service, main.run))

    def forget_report(self, main: Main) -> None:
        """It has said all, or nobody listens any more."""
        if main.child.report is not None:
            self._reactor.remove_reader(main.child.report)
            os.close(main.child.report)
            main.child = main.child._replace(report=None)

    # --- Daemons ----------------------------------------------------------------------------------

    def replace(self, service: str, run: int, pid: int) -> None:
        """Another process of the service is its main one from now on."""
        for old, main in list(self.items()):
            if (main.service, main.run) == (service, run):
                self.forget_report(main)
                del self[old]
        self[pid] = Main(service, run, Child(pid, ""))
        self._strays.became(pid, service)
        self._watch(pid)

    def _watch(self, pid: int) -> None:
        """Hear of the end of a process that is another's child, whose status init never sees."""
        found = proc.stat(pid)
        if found is None or found.parent == os.getpid():
            return
        try:
            self[pid].watch = seam.pidfd_open(pid)
        except OSError:
            return
        self._hear_end_of(pid)

    def _hear_end_of(self, pid: int) -> None:
        main = self[pid]
        handle = main.watch

        def ended() -> None:
            self._reactor.remove_reader(handle)
            os.close(handle)
            main.watch = -1
            self._await_status(pid, _LOOKS)

        self._reactor.add_reader(handle, ended)

    def _await_status(self, pid: int, looks: int) -> None:
        """Its parent may end too and leave it to init; else its status is taken for a success."""
        self._reap()
        if pid not in self:
            return
        if looks and proc.stat(pid) is not None:
            self._reactor.later(_LOOK_AGAIN, partial(self._await_status, pid, looks - 1))
            return
        main = self.pop(pid)
        self._strays.ended(pid)
        self._post(m.Exited(main.service, main.run, 0))

    # --- For another init -------------------------------------------------------------------------

    def export(self, keep: Keep) -> list[MainState]:
        """All of them."""
        return [main.export(pid, keep) for pid, main in self.items()]

    def adopt(self, states: list[MainState]) -> None:
        """Wait for those that another started."""
        for state in states:
            pid = state.child.pid
            main = self[pid] = Main(state.service, state.run, adopt_child(state.child))
            main.watch = state.watch
            if (failed := state.failure) is not None:
                main.failure = SpawnError("", failed.stage, failed.errno)
                main.failure.message = failed.text
            self.hear_report(pid)
            if main.watch >= 0:
                self._hear_end_of(pid)
            elif (found := proc.stat(pid)) is None or found.parent != os.getpid():
                self._reactor.soon(partial(self._await_status, pid, _LOOKS))
