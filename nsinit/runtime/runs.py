"""The runs of services as processes: started, signalled, reaped, and what is left of them found.

Carries out the core's actions on processes and posts what came of each. A failure is an event.
"""

from __future__ import annotations

import errno
import os
import signal
from functools import partial
from typing import TYPE_CHECKING

from nsinit.core import messages as m
from nsinit.errors import SpawnError
from nsinit.kernel import proc, seam
from nsinit.process import reaper
from nsinit.process.daemons import find_daemon
from nsinit.process.oom import OomCounter
from nsinit.process.program import prepare
from nsinit.process.spawner import Child
from nsinit.runtime.tasks import Tasks

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from nsinit.kernel.proc import End
    from nsinit.model.spec import Config, Service
    from nsinit.process.program import Program, Surroundings
    from nsinit.process.spawner import Spawner
    from nsinit.process.strays import Strays
    from nsinit.runtime.logs import Ends, Logs
    from nsinit.runtime.notify import Notify
    from nsinit.runtime.reactor import Reactor
    from nsinit.runtime.readiness import Readiness

_LOOKS, _LOOK_AGAIN = 20, 0.05  # times and s: whether a foreign main process is left to us
_NO_FDS = frozenset({errno.EMFILE, errno.ENFILE})


class _Main:
    """A main process that is not reaped yet; `failure` is what the report of its exec said."""

    __slots__ = ("child", "failure", "run", "service")

    def __init__(self, service: str, run: int, child: Child) -> None:
        self.service = service
        self.run = run
        self.child = child
        self.failure: SpawnError | None = None


class Runs:
    """All processes that nsinit started, and those that they left to it."""

    def __init__(
        self,
        config: Config,
        around: Surroundings,
        *,
        reactor: Reactor,
        spawner: Spawner,
        strays: Strays,
        logs: Logs,
        notify: Notify,
    ) -> None:
        self.services = dict(config.services)
        self.own = {"pre_start": config.init.pre_start, "post_stop": config.init.post_stop}
        self.around = around
        self.variables: dict[str, str] = {}  # that every service gets from init
        self.orphans_reaped = 0
        self.post: Callable[..., None] = lambda *_: None
        self.pass_on: Callable[[str, Program], None] = lambda *_: None  # open descriptors
        self.hosts: dict[str, Callable[[int], None]] = {}  # who starts runs without a main process
        self.on_update: Callable[[Config], object] = lambda _: None
        self.is_guest: Callable[[int], bool] = lambda _: False  # whether a host knows what ended
        self._reactor = reactor
        self._spawner = spawner
        self._strays = strays
        self._logs = logs
        self._notify = notify
        logs.start = self.help
        self._mains: dict[int, _Main] = {}
        self.tasks = Tasks(self, reactor, spawner, strays, logs)
        self._helpers: dict[int, Callable[[int], None]] = {}  # init's own children
        self._readiness: Readiness | None = None  # loaded when one is asked for
        self._dead: set[int] = set()  # reaped, and not told yet
        self._oom: OomCounter | None = None
        self._killed: set[str] = set()  # services that init itself has sent a KILL
        self._coming: dict[str, Service] = {}  # what services are once their present run is over
        self._sweeping: dict[str, int] = {}  # services whose last processes are awaited, with run

    # --- Starting ---------------------------------------------------------------------------------

    def spawn(self, service: str, run: int, *, notify: bool) -> None:
        """Start a run; `notify` gives it a socket to say that it is ready."""
        if service in self.hosts:
            self._host(service, run)
            return
        try:
            child = self._start(service, run, notify=notify)
        except SpawnError as error:
            self.post(_spawn_failed(service, run, error))
            return
        self._mains[child.pid] = _Main(service, run, child)
        self._strays.began(child.pid, service)
        self.post(m.Spawned(service, run, child.pid))
        if child.report is None:
            self.post(m.Execed(service, run))
        else:
            self._reactor.add_reader(child.report, partial(self._hear_exec, child.pid))

    def help(self, program: Program, ended: Callable[[int], None]) -> int:
        """Run a program for init itself; its pid. `ended` is told its code, -n for signal n."""
        child = self._spawner.spawn(program)
        self._helpers[child.pid] = ended
        return child.pid

    def _host(self, service: str, run: int) -> None:
        try:
            self.hosts[service](run)
        except SpawnError as error:
            self.post(_spawn_failed(service, run, error))
        else:
            self.post(m.Spawned(service, run, 0), m.Execed(service, run))

    def prepare(self, service: str, run: int, *, notify: bool = False) -> tuple[Program, Ends]:
        """What a run of a service is to execute, and the ends to close after that; SpawnError."""
        spec = self.services[service]
        program = prepare(spec, self.around, self.own_variables(service))
        self.pass_on(service, program)
        ends = self._open_ends(service, run, program, notify=notify)
        program.fds.update({0: self._logs.null, 1: ends.stdout, 2: ends.stderr})
        return program, ends

    def _start(self, service: str, run: int, *, notify: bool) -> Child:
        program, ends = self.prepare(service, run, notify=notify)
        told_by: dict[int, int] = {}
        try:
            told_by = self._listen(service, run)
            program.fds.update(told_by)
            return self._spawner.spawn(program)
        finally:
            for fd in (*ends.ours, *told_by.values()):
                os.close(fd)

    def _listen(self, service: str, run: int) -> dict[int, int]:
        """Wait for a line or a newline that means ready; the descriptors that the run gets."""
        ready = self.services[service].ready
        if ready is None or (ready.fd is None and ready.log is None):
            return {}
        if self._readiness is None:
            from nsinit.runtime.readiness import Readiness  # noqa: PLC0415  (few need it)

            self._readiness = Readiness(self._reactor, self._logs, self.post)
        try:
            return self._readiness.open(service, run, ready)
        except OSError as error:
            raise _no_pipes(service, error) from None

    def drain_told(self, service: str, run: int) -> None:
        """Hear what a run has told of itself so far: it may be ready just in time."""
        self._notify.drain(service)
        if self._readiness is not None:
            self._logs.drain((service, run, ""))
            self._readiness.drain(service, run)

    def spawn_guest(self, service: str, program: Program) -> Child:
        """Start a process of a run that has no main one; `is_guest` hears of its end."""
        child = self._spawner.spawn(program)
        self._strays.joined(child.pid, service)
        return child

    def own_variables(self, service: str) -> dict[str, str]:
        """What a service, or a hook of init's own (""), is told by init itself."""
        if not service:
            return self.variables
        replica = service.rpartition("@")[2] if "@" in service else "1"
        return {"NSINIT_SERVICE": service, "NSINIT_REPLICA": replica, **self.variables}

    def watch_memory(self) -> None:
        """From now on a KILL by the kernel for lack of memory is told from one by hand."""
        self._oom = OomCounter()

    def _open_ends(self, service: str, run: int, program: Program, *, notify: bool) -> Ends:
        owner = program.identity[0] if program.identity is not None else None
        try:
            if notify:
                program.env["NOTIFY_SOCKET"] = self._notify.open(service, run, owner)
                if watchdog := self.services[service].watchdog:
                    program.env["WATCHDOG_USEC"] = str(round(watchdog * 1_000_000))
            return self._logs.open((service, run, ""), self.services[service].log, owner)
        except OSError as error:
            raise _no_pipes(service, error) from None

    def _hear_exec(self, pid: int) -> None:
        """A forked child tells how its exec went; if badly, its end is about to follow."""
        main = self._mains[pid]
        try:
            main.failure = main.child.outcome()
        except BlockingIOError:
            return
        self._forget_report(main)
        if main.failure is None:
            self.post(m.Execed(main.service, main.run))

    def _forget_report(self, main: _Main) -> None:
        if main.child.report is not None:
            self._reactor.remove_reader(main.child.report)
            os.close(main.child.report)
            main.child = main.child._replace(report=None)

    # --- Daemons ----------------------------------------------------------------------------------

    def find_main(self, service: str, run: int) -> None:
        """The parent of a daemon has ended: look for the daemon."""
        found = find_daemon(service, self.services[service].pid_file, self._strays)
        if found.pid:
            self.adopt_main(service, run, found.pid)
            self.post(m.MainFound(service, run, found.pid))
        else:
            self.post(m.MainMissing(service, run, found.why, hopeless=found.hopeless))

    def adopt_main(self, service: str, run: int, pid: int) -> None:
        """Another process of the service is its main one from now on."""
        for old, main in list(self._mains.items()):
            if (main.service, main.run) == (service, run):
                self._forget_report(main)
                del self._mains[old]
        self._mains[pid] = _Main(service, run, Child(pid, ""))
        self._strays.began(pid, service)
        self._watch(pid)

    def _watch(self, pid: int) -> None:
        """Hear of the end of a process that is another's child, whose status init never sees."""
        found = proc.stat(pid)
        if found is None or found.parent == os.getpid():
            return
        try:
            handle = seam.pidfd_open(pid)
        except OSError:
            return

        def ended() -> None:
            self._reactor.remove_reader(handle)
            os.close(handle)
            self._await_status(pid, _LOOKS)

        self._reactor.add_reader(handle, ended)

    def _await_status(self, pid: int, looks: int) -> None:
        """Its parent may end too and leave it to init; else its status is taken for a success."""
        self.reap()
        if pid not in self._mains:
            return
        if looks and proc.stat(pid) is not None:
            self._reactor.later(_LOOK_AGAIN, partial(self._await_status, pid, looks - 1))
            return
        main = self._mains.pop(pid)
        self._strays.ended(pid)
        self.post(m.Exited(main.service, main.run, 0))

    # --- Signals ----------------------------------------------------------------------------------

    def signal(self, action: m.Signal, pid: int) -> None:
        """Send what the core wants sent; `pid` is the main process, 0 if it has ended."""
        if action.number == signal.SIGKILL:
            self._killed.add(action.service)
        if action.scope == "all":
            self._strays.signal_all(action.service, action.number)
        elif pid and action.scope == "group":
            self._strays.signal_group(pid, action.number)
        elif pid:
            self._strays.signal_main(pid, action.number)

    # --- Ends -------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """What was seen of processes before is not to be relied upon any more."""
        self._strays.refresh()

    def reap(self) -> None:
        """Post what has ended; a storm of ends is taken in turns with everything else."""
        ends = reaper.drain()
        if not ends:
            return
        self._strays.refresh()
        self._hear_last_words({end.pid for end in ends})
        events = [event for event in map(self._end, ends) if event is not None]
        for service, run in list(self._sweeping.items()):
            if not self._strays.left(service):
                del self._sweeping[service]
                events.append(m.Emptied(service, run))
        self.post(*events)
        if len(ends) == reaper.BATCH:
            self._reactor.soon(self.reap)

    def _hear_last_words(self, dead: set[int]) -> None:
        """A parent may have named the process that goes on for it, and have ended then."""
        self._dead = dead
        for main in [main for pid, main in self._mains.items() if pid in dead]:
            self._notify.drain(main.service)
        self._dead = set()

    def has_ended(self, pid: int) -> bool:
        """Whether a main process has been reaped, which the core does not know yet."""
        return pid in self._dead

    def _end(self, end: End) -> m.Event | None:
        self._strays.ended(end.pid)
        main = self._mains.pop(end.pid, None)
        if main is None:
            return self._end_of_another(end)
        if main.child.report is not None:  # it ended before we heard how its exec went
            try:
                main.failure = main.child.outcome()
            except OSError:
                main.failure = None
            self._forget_report(main)
        self._logs.drain((main.service, main.run, ""))
        if (failed := main.failure) is not None:
            return _spawn_failed(main.service, main.run, failed)
        return m.Exited(main.service, main.run, end.status, oom=self._is_oom(main, end.status))

    def _end_of_another(self, end: End) -> m.Event | None:
        """A task, a helper of init's own, or an orphan has ended."""
        was_task, event = self.tasks.ended(end)
        helper = self._helpers.pop(end.pid, None)
        if helper is not None:
            self._reactor.soon(partial(helper, end.status))
        elif not was_task and self.is_guest(end.pid):
            self._strays.left_session(end.pid)
        elif not was_task:
            self.orphans_reaped += 1
        return event

    def _is_oom(self, main: _Main, status: int) -> bool:
        by_us = main.service in self._killed
        self._killed.discard(main.service)
        return status == -signal.SIGKILL and bool(self._oom and self._oom.rose()) and not by_us

    def sweep(self, service: str, run: int) -> None:
        """Look for what a run left behind."""
        left = self._strays.left(service)
        if left:
            self._sweeping[service] = run
            self.post(m.Lingering(service, run, left))
        else:
            self.post(m.Emptied(service, run))

    def release(self, service: str, run: int) -> None:
        """The run is over."""
        self._sweeping.pop(service, None)
        self._killed.discard(service)
        self._strays.forget(service)
        self._logs.finish((service, run, ""))
        if self._readiness is not None:
            self._readiness.close(service, run)
        if service in self._coming:
            self.services[service] = self._coming.pop(service)

    def update(self, config: Config, unfinished: Container[str]) -> None:
        """Go by another configuration; what is `unfinished` ends as it began."""
        for name, spec in config.services.items():
            if name in unfinished:
                self._coming[name] = spec
            else:
                self._coming.pop(name, None)
                self.services[name] = spec
        self.own = {"pre_start": config.init.pre_start, "post_stop": config.init.post_stop}
        self.on_update(config)

    def owner(self, pid: int) -> str | None:
        """The service that a process belongs to, if it is one of ours."""
        main = self._mains.get(pid)
        if main is not None:
            return main.service
        found = self._strays.look().get(pid)
        return found[1] if found else None

    def reopen_logs(self) -> int | None:
        """Open every log file by its name again; how many were, None if there is none."""
        return self._logs.reopen()

    # --- Orphans of nobody ------------------------------------------------------------------------

    def strangers(self) -> list[int]:
        """Children of init that no service is known to have made, and what operators run."""
        return self._strays.strangers() + self.tasks.helper_pids()


def _no_pipes(service: str, error: OSError) -> SpawnError:
    hint = "raise the limit on open files" if error.errno in _NO_FDS else ""
    return SpawnError(service, "make pipes for", error.errno or errno.EIO, hint=hint)


def _spawn_failed(service: str, run: int, error: SpawnError) -> m.SpawnFailed:
    """The event for the core, in text that every encoding knows: a path may hold any bytes."""
    text = str(error).encode("utf-8", "backslashreplace").decode()
    return m.SpawnFailed(service, run, error.stage, error.errno, text)
