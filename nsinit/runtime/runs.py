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
from nsinit.process import reaper
from nsinit.process.daemons import find_daemon
from nsinit.process.oom import Blame
from nsinit.process.program import prepare
from nsinit.process.spawner import Child, Spawner
from nsinit.process.variables import own_variables
from nsinit.runtime.mains import Mains
from nsinit.runtime.stdio import Stdio
from nsinit.runtime.tasks import Tasks
from nsinit.runtime.telling import Whole

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from nsinit.kernel.proc import End
    from nsinit.model.spec import Config, Service
    from nsinit.process.program import Program, Surroundings
    from nsinit.process.strays import Strays
    from nsinit.runtime.handover import Keep, RunsState
    from nsinit.runtime.headstart.begin import Beginning
    from nsinit.runtime.logs import Logs
    from nsinit.runtime.notify import Notify
    from nsinit.runtime.reactor import Reactor
    from nsinit.runtime.readiness import Readiness
    from nsinit.runtime.stream import Ends, Key

_NO_FDS = frozenset({errno.EMFILE, errno.ENFILE})


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
        self.stdio = Stdio()
        self.begun: Beginning | None = None
        self.orphans_reaped = 0
        self.post: Callable[..., None] = lambda *_: None
        self.pass_on: Callable[[str, Program], None] = lambda *_: None  # open descriptors
        self.hosts: dict[str, Callable[[int], None]] = {}  # who starts runs without a main process
        self.on_update: Callable[[Config], object] = lambda _: None
        self.on_end: Callable[[str, int, End], object] = lambda *_: None
        self.on_orphan: Callable[[int], object] = lambda _: None  # told how many there were so far
        self.is_guest: Callable[[int], bool] = lambda _: False  # whether a host knows what ended
        self._reactor = reactor
        self._spawner, self._strays, self._logs = spawner, strays, logs
        self._notify = notify
        logs.outputs.start = self.help
        tell = lambda event: self.post(event)  # noqa: E731, PLW0108  (the driver sets it later)
        self._mains = Mains(reactor, strays, self.reap, tell)
        self.tasks = Tasks(self, reactor, spawner, strays, logs)
        self._helpers: dict[int, Callable[[int], None]] = {}  # init's own children
        self._readiness: Readiness | None = None  # loaded when one is asked for
        self._dead: set[int] = set()  # reaped, and not told yet
        self._blame = Blame(strays)
        self.watch_memory = self._blame.watch
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
        self._mains.began(service, run, child)
        self._logs.born((service, run, ""), child.pid)
        self._blame.began(service)
        self.post(m.Spawned(service, run, child.pid))
        if child.report is None:
            self.post(m.Execed(service, run))
        else:
            self._mains.hear_report(child.pid)

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

    def prepare(
        self, service: str, run: int, *, notify: bool = False, alone: bool = False
    ) -> tuple[Program, Ends]:
        """What is to be executed, by one process `alone` or more; ends to close; SpawnError."""
        spec = self.services[service]
        own = self.own_variables(service)
        if notify:
            try:
                own["NOTIFY_SOCKET"] = self._notify.path(service)
            except OSError as error:
                raise _no_pipes(service, error) from None
        program = prepare(spec, self.around, own)
        self.pass_on(service, program)
        ends = self._open_ends((service, run, ""), program, notify=notify, alone=alone)
        program.fds.update(ends.standard(self._logs.null))
        return self.stdio.give(service, program), ends

    def _start(self, service: str, run: int, *, notify: bool) -> Child:
        if self.begun is not None and (begun := self.begun.claim(service, run)) is not None:
            begun.lead(partial(self._logs.open, (service, run, ""), self.services[service].log))
            return Child(begun.pid, begun.path)
        program, ends = self.prepare(service, run, notify=notify, alone=True)
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
        try:
            return self._listener().open(service, run, ready)
        except OSError as error:
            raise _no_pipes(service, error) from None

    def _listener(self) -> Readiness:
        if self._readiness is None:
            from nsinit.runtime.readiness import Readiness  # noqa: PLC0415  (few need it)

            self._readiness = Readiness(self._reactor, self._logs, self.post)
        return self._readiness

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
        return own_variables(service, self.variables) if service else self.variables

    def _open_ends(self, key: Key, program: Program, *, notify: bool, alone: bool) -> Ends:
        owner = program.identity[0] if program.identity is not None else None
        spec = self.services[key[0]]
        try:
            if notify:
                program.env["NOTIFY_SOCKET"] = self._notify.open(*key[:2], owner)
                if watchdog := spec.watchdog:
                    program.env["WATCHDOG_USEC"] = str(round(watchdog * 1_000_000))
            return self._logs.open_for(key, spec, program, alone=alone)
        except OSError as error:
            raise _no_pipes(key[0], error) from None

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
        self._mains.replace(service, run, pid)
        self._logs.born((service, run, ""), pid)

    # --- Signals ----------------------------------------------------------------------------------

    def signal(self, action: m.Signal, pid: int) -> None:
        """Send what the core wants sent; `pid` is the main process, 0 if it has ended."""
        if action.number == signal.SIGKILL:
            self._blame.sent_kill(action.service)
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
        """Post what has ended, whatever else goes wrong; a storm in turns with everything else."""
        ends: list[End] = []
        whole = Whole()
        whole.do(reaper.drain, reaper.BATCH, ends)
        if ends:
            whole.do(self._strays.refresh)
            whole.do(self._hear_last_words, {end.pid for end in ends})
            events = [event for end in ends if (event := self._end(end, whole)) is not None]
            whole.do(self._look_for_empty, events)
            self.post(*events)
            if len(ends) == reaper.BATCH:
                self._reactor.soon(self.reap)
        whole.end()

    def _look_for_empty(self, events: list[m.Event]) -> None:
        gone = [service for service in self._sweeping if not self._strays.left(service)]
        events.extend(m.Emptied(service, self._sweeping.pop(service)) for service in gone)

    def _hear_last_words(self, dead: set[int]) -> None:
        """A parent may have named the process that goes on for it, and have ended then."""
        self._dead = dead
        for pid in dead:
            if (main := self._mains.get(pid)) is not None:
                self._notify.drain(main.service)
        self._dead = set()

    def has_ended(self, pid: int) -> bool:
        """Whether a main process has been reaped, which the core does not know yet."""
        return pid in self._dead

    def _end(self, end: End, whole: Whole) -> m.Event | None:
        whole.do(self._strays.ended, end.pid)
        if (main := self._mains.pop(end.pid, None)) is None:
            return whole.do(self._end_of_another, end)
        if main.child.report is not None:  # it ended before we heard how its exec went
            main.failure = whole.do(main.child.last_outcome)
            whole.do(self._mains.forget_report, main)
            if main.failure is None:
                self.post(m.Execed(main.service, main.run))
        whole.do(self._logs.drain, (main.service, main.run, ""))
        whole.do(self.on_end, main.service, main.run, end)
        if (failed := main.failure) is not None:
            return _spawn_failed(main.service, main.run, failed)
        oom, text = whole.do(self._blame.judge, main.service, end.status) or (False, "")
        return m.Exited(main.service, main.run, end.status, oom=oom, text=text)

    def _end_of_another(self, end: End) -> m.Event | None:
        """A task, a helper of init's own, or an orphan has ended."""
        was_task, event = self.tasks.ended(end)
        if (helper := self._helpers.pop(end.pid, None)) is not None:
            self._reactor.soon(partial(helper, end.status))
        elif not was_task and self.is_guest(end.pid):
            self._strays.left_session(end.pid)
        elif not was_task:
            self.orphans_reaped += 1
            self.on_orphan(self.orphans_reaped)
        return event

    def freeze(self, action: m.Freeze) -> None:
        """Freeze or thaw what there is of a run."""
        if text := self._strays.freeze(action.service, on=action.on):
            self.post(m.PauseFailed(action.service, action.run, text))

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
        self._blame.over(service)
        empty = self.services[service].kill_mode != "process" and not self._strays.left(None)
        self._strays.forget(service)
        self._logs.finish((service, run, ""), empty=empty)
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

    def beside(self, service: str) -> int:
        """The main process to run something beside; 0 if there is none, or nothing of its own."""
        return self._mains.of(service) if self.services[service].has_space else 0

    def owner(self, pid: int) -> str | None:
        """The service that a process belongs to, if it is one of ours."""
        main = self._mains.get(pid)
        return main.service if main is not None else self._strays.owner(pid)

    def reopen_logs(self) -> int | None:
        """Open every log file by its name again; how many were, None if there is none."""
        return self._logs.outputs.reopen()

    # --- For another init -------------------------------------------------------------------------

    def export(self, keep: Keep) -> RunsState:
        """All processes of services; what init runs for itself is told by who asked for it."""
        from nsinit.runtime import handover as h  # noqa: PLC0415  (loaded by then)

        left, sessions, members = self._strays.export()
        killed, last, seen = self._blame.export()
        return h.RunsState(
            services=self.services,
            coming=self._coming,
            own=self.own,
            mains=self._mains.export(keep),
            tasks=self.tasks.export(keep),
            probes=self.tasks.export_probes(),
            unready=self._readiness.export(keep) if self._readiness is not None else [],
            killed=killed,
            sweeping=self._sweeping,
            orphans_reaped=self.orphans_reaped,
            oom_kills=last,
            oom_seen=seen,
            strays=h.StraysState(mains=left, sessions=sessions, members=members),
        )

    def adopt(self, state: RunsState) -> None:
        """Look after the processes that another started."""
        self.services, self.own = dict(state.services), dict(state.own)
        self._coming, self._sweeping = dict(state.coming), dict(state.sweeping)
        self._blame.adopt(state.killed, state.oom_kills, state.oom_seen)
        self.orphans_reaped = state.orphans_reaped
        self._strays.adopt(state.strays.mains, state.strays.sessions, state.strays.members)
        self.tasks.adopt(state.tasks, state.probes)
        if state.unready:
            self._listener().adopt(state.unready, self.services)
        self._mains.adopt(state.mains)

    def watch_helper(self, pid: int, ended: Callable[[int], None]) -> None:
        """Tell the end of a process that `help` of another init has started."""
        self._helpers[pid] = ended


def _no_pipes(service: str, error: OSError) -> SpawnError:
    hint = "raise the limit on open files" if error.errno in _NO_FDS else ""
    return SpawnError(service, "make pipes for", error.errno or errno.EIO, hint=hint)


def _spawn_failed(service: str, run: int, error: SpawnError) -> m.SpawnFailed:
    """The event for the core, in text that every encoding knows: a path may hold any bytes."""
    text = str(error).encode("utf-8", "backslashreplace").decode()
    return m.SpawnFailed(service, run, error.stage, error.errno, text)
