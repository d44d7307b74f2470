"""A kernel that only the core meets: it spawns, kills and times, and it likes to be late."""

from __future__ import annotations

import errno
from dataclasses import dataclass, field

from nsinit.core import messages as m
from nsinit.core.state import State
from nsinit.core.supervisor import Supervisor
from nsinit.model.plan import Plan  # noqa: TC001  (dataclass)

TRANSIENT, HOPELESS = errno.EAGAIN, errno.ENOENT


@dataclass
class Process:
    """One run of a service: its main process and how many others it left behind."""

    run: int
    main: bool = True
    strays: int = 0
    stubborn: bool = False  # ends only by KILL
    watched: bool = False  # init has asked to be told when nothing is left

    @property
    def alive(self) -> bool:
        return self.main or self.strays > 0


@dataclass
class FakeKernel:
    """Carries out actions, and holds back events until the test delivers them."""

    plan: Plan
    now: float = 1000.0
    jitter: float = 0.5
    outcomes: list[str] = field(default_factory=list)  # of the coming spawns; then "ok"
    processes: dict[str, Process] = field(default_factory=dict)
    pending: list[m.AnyRunEvent] = field(default_factory=list)
    timers: dict[tuple[str, str], m.Fired] = field(default_factory=dict)
    cancelled: list[m.Fired] = field(default_factory=list)
    actions: list[m.Action] = field(default_factory=list)
    in_a_row: dict[str, int] = field(default_factory=dict)  # spawns that nobody asked for
    finished: int | None = None

    def __post_init__(self) -> None:
        self.core = Supervisor(self.plan, strict=True)

    # --- Events in, actions out -------------------------------------------------------------------

    def post(self, event: m.Event) -> list[m.Action]:
        """Let the core handle one event, and carry out what it wants, in order."""
        made: list[m.Action] = []
        queue = [event]
        while queue:
            event = queue.pop(0)
            self._count(event)
            if isinstance(event, m.Fired):
                key = (event.service, event.timer)
                if self.timers.get(key) == event:
                    del self.timers[key]
            actions = self.core.handle(event, self.now, self.jitter)
            for action in actions:
                queue += self._carry_out(action)
            made += actions
            self.check()
        self.actions += made
        return made

    def _count(self, event: m.Event) -> None:
        """A request, or a run that was up for long, begins a new row of restarts."""
        if isinstance(event, m.Boot | m.Start | m.Restart | m.Trigger):
            self.in_a_row.clear()
        elif isinstance(event, m.Exited):
            s = self.core.state.services[event.service]
            lasted = self.now - s.ready_at if s.ready_at is not None else 0.0
            if s.run == event.run and lasted >= self.plan.services[event.service].reset_after:
                self.in_a_row[event.service] = 0

    def _carry_out(self, action: m.Action) -> list[m.Event]:
        match action:
            case m.Spawn(service, run):
                return self._spawn(service, run)
            case m.Signal(service, run, number, scope):
                self._signal(service, run, number, scope)
            case m.Sweep(service, run):
                return self._sweep(service, run)
            case m.Arm(service, run, timer, at):
                self._drop(service, timer)
                self.timers[service, timer] = m.Fired(service, run, timer, at)
            case m.Disarm(service, run, timer):
                self._drop(service, timer)
            case m.Finish(code):
                assert self.finished is None, "init can end only once"
                self.finished = code
            case m.Noted():
                raise AssertionError(action)
        return []

    def _drop(self, service: str, timer: str) -> None:
        old = self.timers.pop((service, timer), None)
        if old is not None:
            self.cancelled.append(old)

    def _spawn(self, service: str, run: int) -> list[m.Event]:
        old = self.processes.get(service)
        leaves_strays = self.plan.services[service].kill_mode == "process"
        assert old is None or not (old.main if leaves_strays else old.alive), "two live instances"
        s = self.core.state.services[service]
        assert s.want or s.asked == "stop", "spawned though nobody wants it"
        self.in_a_row[service] = self.in_a_row.get(service, 0) + 1
        limit = self.plan.services[service].restart_limit
        assert limit < 0 or self.in_a_row[service] <= limit + 1, "more restarts than allowed"
        self._check_needs(service)
        outcome = self.outcomes.pop(0) if self.outcomes else "ok"
        if outcome == "no fork":
            return [m.SpawnFailed(service, run, "fork", TRANSIENT, "cannot fork")]
        if outcome == "no program":
            return [m.SpawnFailed(service, run, "exec", HOPELESS, "cannot exec")]
        process = Process(run, stubborn=outcome == "stubborn", strays=2 * (outcome == "strays"))
        self.processes[service] = process
        spawned = m.Spawned(service, run, 1000 + run)
        if outcome == "late failure":
            self.pending.append(m.SpawnFailed(service, run, "exec", HOPELESS, "cannot exec"))
            return [spawned]
        if outcome == "late exec":
            self.pending.append(m.Execed(service, run))
            return [spawned]
        return [spawned, m.Execed(service, run)]

    def _check_needs(self, service: str) -> None:
        """The dependencies hold, told from the processes rather than from what the core says."""
        for name, condition in self.plan.services[service].needs.items():
            process = self.processes.get(name)
            other = self.core.state.services[name]
            over = process is None or not process.main
            if condition in ("completed", "exited"):
                assert over, f"{service} starts before the end of {name}"
            elif not (self.plan.services[name].oneshot and other.state is State.EXITED):
                assert not over, f"{service} starts without {name}"
            if condition == "completed":
                assert other.last_status in self.plan.services[name].success

    def _signal(self, service: str, run: int, number: int, scope: str) -> None:
        process = self.processes[service]
        assert process.run == run, "a signal to an earlier run"
        assert process.alive, "a signal to nobody"
        assert scope != "main" or process.main, "a signal to a main process that is gone"
        if number == 18 or (number != 9 and process.stubborn):
            return
        if process.main:
            self._later(m.Exited(service, run, -number))
        if scope == "all" and process.strays:
            self._later(m.Emptied(service, run))

    def _later(self, event: m.AnyRunEvent) -> None:
        if not any(type(e) is type(event) and e.service == event.service for e in self.pending):
            self.pending.append(event)

    def _sweep(self, service: str, run: int) -> list[m.Event]:
        process = self.processes[service]
        if process.strays:
            process.watched = True
            return [m.Lingering(service, run, process.strays)]
        return [m.Emptied(service, run)]

    # --- What the world does ----------------------------------------------------------------------

    def deliver(self, index: int) -> None:
        """Let one of the things that are due happen, whichever was due first."""
        event = self.pending.pop(index)
        process = self.processes.get(event.service)
        if process is None or process.run != event.run:
            self.post(event)  # late, of an earlier run
            return
        if isinstance(event, m.Emptied):
            process.strays = 0
            if not process.watched or process.main:
                return  # nobody looks yet; the sweep will find nothing
        elif isinstance(event, m.Exited | m.SpawnFailed):
            if not process.main:
                return
            process.main = False
            if isinstance(event, m.SpawnFailed):
                process.strays = 0
            self._forget_exec(event)
        elif isinstance(event, m.Execed) and not process.main:
            return
        self.post(event)

    def _forget_exec(self, end: m.AnyRunEvent) -> None:
        """Whether the exec worked is not told after the end any more."""
        self.pending = [
            e
            for e in self.pending
            if not isinstance(e, m.SpawnFailed | m.Execed)
            or (e.service, e.run) != (end.service, end.run)
        ]

    def crash(self, service: str, status: int) -> None:
        """End the main process by itself."""
        process = self.processes.get(service)
        if process and process.main and not self._exec_will_fail(service):
            self.pending = [
                e
                for e in self.pending
                if not (isinstance(e, m.Exited) and e.service == service and e.run == process.run)
            ]
            self.pending.append(m.Exited(service, process.run, status))
            self.deliver(len(self.pending) - 1)

    def _exec_will_fail(self, service: str) -> bool:
        return any(isinstance(e, m.SpawnFailed) and e.service == service for e in self.pending)

    def advance(self, seconds: float) -> None:
        """Let time pass; timers fire in order, each after whatever it causes."""
        end = self.now + seconds
        while due := [t for t in self.timers.values() if t.at <= end]:
            timer = min(due, key=lambda t: t.at)
            self.now = max(self.now, timer.at)
            self.post(timer)
        self.now = end

    def settle(self) -> None:
        """Deliver everything that is due."""
        while self.pending:
            self.deliver(0)

    # --- What must hold after every event ---------------------------------------------------------

    def check(self) -> None:
        """The invariants that can be seen at any moment."""
        for name, s in self.core.state.services.items():
            process = self.processes.get(name)
            live = process is not None and process.main and process.run == s.run
            if s.state is State.RUNNING:
                assert s.pid, f"{name} is running without a process"
                assert live, f"{name} is running and dead"
            if s.state in (State.STOPPED, State.EXITED, State.FAILED):
                assert not s.timers.keys() - {"on_fail"}, f"{name} is at rest with {s.timers}"
                assert not live, f"{name} is at rest and alive"
            if s.state is State.BACKOFF and not s.due:
                assert set(s.timers) == {"backoff"}, f"{name} waits for {s.timers}"
            if s.state is State.STOPPING and s.stop_step >= 0:
                assert "stop" in s.timers, f"{name} is being stopped without a timer"
            armed = {kind: t.at for (who, kind), t in self.timers.items() if who == name}
            assert armed == s.timers, f"{name}: timers differ: {armed} and {s.timers}"
