"""A kernel that only the core meets: it spawns, kills and times, and it likes to be late.

A task ends as the next of `task_outcomes` says: "ok" or a number at once, "late" or "late 3" when
the test delivers it, "never" only by its time limit; "and leaves one" adds a process that stays.
"""

from __future__ import annotations

import errno
from collections import Counter
from dataclasses import dataclass, field

from nsinit.core import messages as m
from nsinit.core.state import AT_REST, State
from nsinit.core.supervisor import Supervisor
from nsinit.model.plan import Plan, Rules  # noqa: TC001  (dataclass)
from tests.support.fake_process import Process
from tests.support.invariants import check_after_event, check_when_still

TaskKey = tuple[str, int, m.TaskKind]

TRANSIENT, HOPELESS = errno.EAGAIN, errno.ENOENT


def _ends(event: m.AnyRunEvent, found: m.MainFound) -> bool:
    return isinstance(event, m.Emptied) and (event.service, event.run) == (found.service, found.run)


@dataclass
class FakeKernel:
    """Carries out actions, and holds back events until the test delivers them."""

    plan: Plan
    now: float = 1000.0
    jitter: float = 0.5
    outcomes: list[str] = field(default_factory=list)  # of the coming spawns; then "ok"
    task_outcomes: list[str] = field(default_factory=list)  # of the coming tasks; then ...
    task_default: str = "ok"
    daemon_outcomes: list[str] = field(default_factory=list)  # of FindMain; then "found"
    tasks: dict[TaskKey, m.RunTask] = field(default_factory=dict)  # that run now
    killed: list[m.TaskEnded] = field(default_factory=list)  # what nobody listens to any more
    processes: dict[str, Process] = field(default_factory=dict)
    pending: list[m.AnyRunEvent] = field(default_factory=list)
    timers: dict[tuple[str, str], m.Fired] = field(default_factory=dict)
    cancelled: list[m.Fired] = field(default_factory=list)
    actions: list[m.Action] = field(default_factory=list)
    in_a_row: dict[str, int] = field(default_factory=dict)  # spawns that nobody asked for
    finished: int | None = None
    seen: Counter[str] = field(default_factory=Counter)  # the events so far, by their names

    def __post_init__(self) -> None:
        self.core = Supervisor(self.plan, strict=True)

    def rules(self, name: str) -> Rules:
        """Those by which a service starts."""
        return self.core.plan.services[name]

    def _begun_by(self, name: str) -> Rules:
        """Those by which its present run goes on, whatever an update has brought since."""
        return self.core.state.outdated.get(name) or self.plan.services[name]

    # --- Events in, actions out -------------------------------------------------------------------

    def post(self, event: m.Event) -> list[m.Action]:
        """Let the core handle one event, and carry out what it wants, in order."""
        made: list[m.Action] = []
        queue = [event]
        while queue:
            event = queue.pop(0)
            self._count(event)
            self.seen[type(event).__name__] += 1
            if isinstance(event, m.Fired):
                key = (event.service, event.timer)
                if self.timers.get(key) == event:
                    del self.timers[key]
            self._end_task(event)
            asked = [s.name for s in self.core.state.services.values() if s.asked == "restart"]
            rolls = {base: list(names) for base, names in self.core.state.rolls.items()}
            actions = self.core.handle(event, self.now, self.jitter)
            if rolls != self.core.state.rolls:  # what that replica needs is started, as was asked
                self.in_a_row.clear()
            self.plan = self.core.plan  # an update has made another
            for name, s in self.core.state.services.items():
                if (s.asked == "restart") != (name in asked):  # asked for, or done
                    self.in_a_row[name] = 0
            for action in actions:
                queue += self._carry_out(action)
            made += actions
            check_after_event(self)
        self.core.tidy()
        known = self.core.state.services  # one of the same name that comes later begins with run 1
        self.processes = {name: one for name, one in self.processes.items() if name in known}
        self.pending = [e for e in self.pending if e.service in known]
        if self.finished is None:
            check_when_still(self)
        self.actions += made
        return made

    def _count(self, event: m.Event) -> None:
        """A request, or a run that was up for long, begins a new row of restarts."""
        if isinstance(event, m.Boot | m.Start | m.Restart | m.Trigger | m.Reset | m.Update):
            self.in_a_row.clear()
        elif isinstance(event, m.Exited) and event.service in self.plan.services:
            s = self.core.state.services[event.service]
            lasted = self.now - s.ready_at if s.ready_at is not None else 0.0
            if s.run == event.run and lasted >= self.plan.services[event.service].reset_after:
                self.in_a_row[event.service] = 0

    def _carry_out(self, action: m.Action) -> list[m.Event]:
        match action:
            case m.Spawn(service, run):
                return self._spawn(service, run)
            case m.RunTask() | m.KillTask() | m.FindMain():
                return self._carry_out_task(action)
            case m.Changed(service, _, old, new):
                if new == State.WAITING and old in AT_REST:
                    self.in_a_row[service] = 0
            case m.Signal(service, run, number, scope):
                self._signal(service, run, number, scope)
            case m.Freeze(service, run, on):
                process = self.processes[service]
                assert process.run == run, "an earlier run is frozen"
                assert process.frozen is not on, "it is so already"
                process.frozen = on
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
        leaves_strays = old is not None and old.careless
        own = old is not None and old.run == run and not old.main  # what pre_start left
        gone = old is None or own or not (old.main if leaves_strays else old.alive)
        assert gone, "two live instances"
        s = self.core.state.services[service]
        asked = s.asked == "stop"  # in the same turn, after the decision to spawn
        assert s.want or asked, "spawned though nobody wants it"
        self.in_a_row[service] = self.in_a_row.get(service, 0) + 1
        rules = self.plan.services[service]
        limit = rules.restart_limit
        assert limit < 0 or rules.trigger or self.in_a_row[service] <= limit + 1, (
            "more restarts than allowed"
        )
        if "pre_start" not in rules.tasks:  # else they were there when that began
            self._check_needs(service)
        outcome = self.outcomes.pop(0) if self.outcomes else "ok"
        if outcome == "no fork":
            return [m.SpawnFailed(service, run, "fork", TRANSIENT, "cannot fork")]
        if outcome == "no program":
            return [m.SpawnFailed(service, run, "exec", HOPELESS, "cannot exec")]
        process = Process(run, stubborn=outcome == "stubborn", strays=2 * (outcome == "strays"))
        begun = self._begun_by(service)
        process.careless, process.good = begun.kill_mode == "process", begun.success
        if own and old is not None:
            process.strays += old.strays
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
            rules = self.plan.services[name]
            whole = rules.forking and process is not None and not process.careless
            over = process is None or not (process.alive if whole else process.main)
            if rules.trigger == "socket" and condition in ("started", "ready"):
                continue
            if condition in ("completed", "exited"):
                assert over, f"{service} starts before the end of {name}"
            elif not (rules.oneshot and other.state is State.EXITED):
                assert not over, f"{service} starts without {name}"
            if condition == "completed":
                good = process.good if process is not None else rules.success
                assert other.last_status in good, f"{service} starts though {name} has failed"

    # --- Tasks and daemons ------------------------------------------------------------------------

    def _carry_out_task(self, action: m.RunTask | m.KillTask | m.FindMain) -> list[m.Event]:
        match action:
            case m.RunTask():
                return self._run_task(action)
            case m.KillTask(service, run, task):
                self._kill_task((service, run, task))
                return []
            case m.FindMain(service, run):
                return self._find_main(service, run)

    def _run_task(self, action: m.RunTask) -> list[m.Event]:
        key = (action.service, action.run, action.task)
        assert key not in self.tasks, f"two at once: {key}"
        frozen = action.service in self.processes and self.processes[action.service].frozen
        assert not frozen, f"{key} beside what is frozen"
        if action.service and action.task == "pre_start":
            self._check_needs(action.service)
        if action.service and action.task not in ("post_stop", "on_fail", "pre_start"):
            process = self.processes.get(action.service)
            alive = process is not None and process.run == action.run and process.main
            s, rules = self.core.state.services[action.service], self.plan.services[action.service]
            assert alive or rules.undo or s.state is State.STOPPING, f"{key} of nobody"
        self.tasks[key] = action
        outcome = self.task_outcomes.pop(0) if self.task_outcomes else self.task_default
        if outcome.endswith(" and leaves one"):
            outcome = outcome.removesuffix(" and leaves one")
            self._leave_one(action)
        words = outcome.split()
        ended = m.TaskEnded(*key, int(words[-1]) if words[-1].lstrip("-").isdigit() else 0)
        if words[0] == "late":
            self.pending.append(ended)
        return [] if words[0] in ("late", "never") else [ended]

    def _leave_one(self, action: m.RunTask) -> None:
        process = self.processes.get(action.service)
        if action.service and action.task in ("pre_start", "post_stop"):
            if process is None or process.run != action.run:
                process = self.processes[action.service] = Process(action.run, main=False)
                process.careless = self._begun_by(action.service).kill_mode == "process"
            process.strays += 1

    def _end_task(self, event: m.Event) -> None:
        if isinstance(event, m.TaskEnded):
            self.tasks.pop((event.service, event.run, event.task), None)

    def _kill_task(self, key: TaskKey) -> None:
        assert self.tasks.pop(key, None), f"not there to be killed: {key}"
        self.killed.append(m.TaskEnded(*key, -9))
        self.pending = [
            e
            for e in self.pending
            if not (isinstance(e, m.TaskEnded) and (e.service, e.run, e.task) == key)
        ]

    def _find_main(self, service: str, run: int) -> list[m.Event]:
        outcome = self.daemon_outcomes.pop(0) if self.daemon_outcomes else "found"
        process = self.processes[service]
        if process.run != run or not process.strays or outcome == "hopeless":
            return [m.MainMissing(service, run, "there is none", hopeless=True)]
        if outcome == "missing":
            return [m.MainMissing(service, run, "no pid file yet")]
        if outcome == "late":
            self.pending.append(m.MainFound(service, run, 5000 + run))
            return []
        process.strays -= 1
        process.main = True
        return [m.MainFound(service, run, 5000 + run)]

    def _take_main(self, process: Process, found: m.MainFound) -> None:
        process.strays -= 1
        process.main = True
        self.pending = [  # a signal that it was sent before ends it all the same
            m.Exited(e.service, e.run, -9) if _ends(e, found) else e for e in self.pending
        ]

    def adopt(self, service: str) -> m.Notified | None:
        """Let another process of the service become its main one; what it tells of that."""
        process = self.processes.get(service)
        ending = any(isinstance(e, m.Exited) and e.service == service for e in self.pending)
        if process is None or not process.alive or ending or self._exec_will_fail(service):
            return None
        s = self.core.state.services.get(service)
        if s is None or s.run != process.run:
            return None
        if not process.main:
            stage = self.core.state.services[service].stage
            if stage != "daemon":
                return None
            process.strays -= 1
            process.main = True
        elif not process.stubborn:
            process.strays += 1
        return m.Notified(service, process.run, main_pid=7000 + process.run)

    # --- Signals and sweeps -----------------------------------------------------------------------

    def _signal(self, service: str, run: int, number: int, scope: str) -> None:
        process = self.processes[service]
        assert process.run == run, "a signal to an earlier run"
        assert process.alive, "a signal to nobody"
        assert not process.frozen, "a signal to what is frozen"
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
        process = self.processes.get(service)
        if process is not None and process.run == run and process.strays:
            process.watched = True
            return [m.Lingering(service, run, process.strays)]
        return [m.Emptied(service, run)]

    # --- What the world does ----------------------------------------------------------------------

    def deliver(self, index: int) -> None:
        """Let one of the things that are due happen, whichever was due first."""
        event = self.pending.pop(index)
        if isinstance(event, m.TaskEnded):
            self.post(event)
            return
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
            stage = self.core.state.services[event.service].stage
            if isinstance(event, m.Exited) and event.status == 0 and stage == "parent":
                process.strays += 1  # the daemon
            self._forget_exec(event)
        elif isinstance(event, m.Execed) and not process.main:
            return
        elif isinstance(event, m.MainFound) and not process.main:
            if not process.strays:
                return  # it has ended meanwhile
            self._take_main(process, event)
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

    def jump(self, seconds: float) -> None:
        """Let time pass in which init does not run, as when it was stopped; then all is due."""
        self.now += seconds
        while due := [t for t in self.timers.values() if t.at <= self.now]:
            self.post(min(due, key=lambda t: t.at))

    def settle(self) -> None:
        """Deliver everything that is due."""
        while self.pending:
            self.deliver(0)
