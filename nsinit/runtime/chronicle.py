"""Writes down what the core hears and does: events for operators, and the ends of runs.

Looks at the state of a service before and after each event. Changes nothing.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

from nsinit.core import messages as m
from nsinit.core import policy
from nsinit.core.state import State
from nsinit.core.view import still
from nsinit.kernel import proc, seam
from nsinit.named import Named
from nsinit.runtime.deaths import LINES, OUTPUT, Death

if TYPE_CHECKING:
    from collections.abc import Callable

    from nsinit.core.state import ServiceState
    from nsinit.core.supervisor import Supervisor
    from nsinit.kernel.proc import End
    from nsinit.runtime.events import History
    from nsinit.runtime.reactor import Reactor

_PROBES: Final = ("ready", "health")
_TOGETHER: Final = 1.0  # s in which what comes in crowds is counted before it is told
_SIGNALLED_MAX: Final = 1000


class Before(Named):
    """What matters of a service before an event: its process, its task, why it was to end."""

    state: State
    pid: int
    ready: bool
    ends: m.TaskKind | None  # the task that ends with the event
    by: str
    began: float = 0.0  # the run (monotonic s): the next one may begin within the event


class Moment(Named):
    """What matters right after an event, for whoever writes it down later in the same turn."""

    at: float  # the clock time (s)
    now: float  # the same (monotonic s)
    service: ServiceState | None  # that of the event, as it is then
    phase: str  # of init
    hurry: bool
    code: int | None


class Chronicle:
    """The author of the history."""

    def __init__(self, core: Supervisor, history: History, reactor: Reactor) -> None:
        self._core = core
        self._history = history
        self._reactor = reactor
        self._ends: dict[str, tuple[int, End]] = {}  # by service: the run, and how it was reaped
        self._signalled: dict[str, tuple[int, int]] = {}  # by an operator: the run, the signal
        self._phase: tuple[str, bool] = (core.state.phase, core.state.hurry)
        self._counts: dict[tuple[Literal["orphans", "drop"], str], tuple[int, int]] = {}

    def adopt(self) -> None:
        """The core goes on where another was."""
        self._phase = (self._core.state.phase, self._core.state.hurry)

    # --- Around the core --------------------------------------------------------------------------

    def before(self, event: m.Event) -> Before | None:
        """An event is about to be handled."""
        if not isinstance(event, m.RunEvent):
            return None
        s = self._core.state.services.get(event.service)
        if s is None or s.run != event.run:
            return self._before_own(event) if not event.service else None
        ends: m.TaskKind | None = None
        if isinstance(event, m.TaskEnded) and event.task in s.tasks:
            ends = event.task
        elif isinstance(event, m.Fired) and s.timers.get(event.timer) == event.at:
            ends = next((task for task in s.tasks if task == event.timer), None)
        by = self._by(s, event) if isinstance(event, m.Exited) else ""
        return Before(s.state, s.pid, s.ready_at is not None, ends, by, s.started_at)

    def _before_own(self, event: m.RunEvent) -> Before | None:
        state, hook = self._core.state, self._core.state.hook
        ended = isinstance(event, m.TaskEnded) and event.task == hook
        late = isinstance(event, m.Fired) and event.timer == hook and event.at == state.hook_at
        if not hook or not (ended or late):
            return None
        return Before(State.STOPPED, 0, ready=True, ends=hook, by="")

    def moment(self, event: m.Event) -> Moment:
        """It was handled just now."""
        state, s = self._core.state, None
        if isinstance(event, m.RunEvent) and event.service in state.services:
            s = still(state.services[event.service])
        code = state.code if state.phase == "done" else None
        return Moment(seam.wall(), seam.monotonic(), s, state.phase, state.hurry, code)

    def after(self, event: m.Event, before: Before | None, moment: Moment) -> None:
        """What the core wants of it may be done already."""
        if isinstance(event, m.RunEvent):
            if before is not None:
                self._after_run_event(event, before, moment)
        elif isinstance(event, m.Trigger):
            for name in event.names:
                if (rules := self._core.plan.services.get(name)) is not None:
                    run = self._core.state.services[name].run
                    self._history.note("trigger", name, run, moment.at, by=rules.trigger)
        self._look_at_phase(moment)

    def _after_run_event(self, event: m.RunEvent, before: Before, moment: Moment) -> None:
        note = partial(self._history.note, service=event.service, run=event.run, at=moment.at)
        s = moment.service
        if before.ends is not None:
            status = event.status if isinstance(event, m.TaskEnded) else None
            text = event.text if isinstance(event, m.TaskEnded) else ""
            self._task_ended(event, before.ends, status, text, moment)
        elif isinstance(event, m.Spawned):
            note("started", pid=event.pid or None)
        elif isinstance(event, m.MainFound):
            if s is not None and s.pid == event.pid != before.pid:
                note("started", pid=event.pid)
        elif isinstance(event, m.SpawnFailed):
            note("start-failed", reason=event.text, stage=event.stage, errno=event.errno)
            self._ends.pop(event.service, None)
        elif isinstance(event, m.Exited):
            self._exited(event, before, moment)
        if not before.ready:
            self._look_for_readiness(event, moment)

    def _look_for_readiness(self, event: m.RunEvent, moment: Moment) -> None:
        s, rules = moment.service, self._core.plan.services
        if s is None or s.run != event.run or s.ready_at is None:
            return
        if event.service in rules and rules[event.service].waits_for_ready:
            by = "probe" if isinstance(event, m.TaskEnded) else "itself"
            by = "notify" if isinstance(event, m.Notified) else by
            self._history.note("ready", s.name, s.run, moment.at, pid=s.pid or None, by=by)

    def _task_ended(
        self,
        event: m.RunEvent,
        task: m.TaskKind,
        status: int | None,
        text: str,
        moment: Moment,
    ) -> None:
        note = partial(self._history.note, service=event.service, run=event.run, at=moment.at)
        ok = status == 0
        fields: dict[str, Any] = {**_codes(status), "reason": ""}
        if not ok:
            fields["reason"] = policy.how_it_ended(status, text)
        if task not in _PROBES:
            note("hook", hook=task, ok=ok, **fields)
        elif not ok:
            s = moment.service
            row = s.health_fails if task == "health" and s is not None else None
            note("probe", probe=task, in_a_row=row, **fields)

    def _look_at_phase(self, moment: Moment) -> None:
        phase, old = (moment.phase, moment.hurry), self._phase
        if phase != old:
            self._phase = phase
            note = partial(self._history.note, "phase", at=moment.at)
            note(old=old[0], new=phase[0], hurry=moment.hurry, exit_code=moment.code)

    # --- Ends of runs -----------------------------------------------------------------------------

    def hear_end(self, service: str, run: int, end: End) -> None:
        """A main process was reaped, and its output read; the core is told soon."""
        self._ends[service] = (run, end)

    def signalled(self, service: str, run: int, number: int) -> None:
        """An operator has sent a signal to a main process."""
        if len(self._signalled) < _SIGNALLED_MAX:
            self._signalled[service] = (run, number)

    def _by(self, s: ServiceState, event: m.Exited) -> str:
        """Why init has ended a run, if it has."""
        if self._signalled.pop(s.name, None) == (s.run, -event.status):
            return "signal"
        if s.state is not State.STOPPING:
            return ""
        if s.cause == "watchdog" and s.why.startswith("unhealthy"):
            return "health"
        if s.cause or s.asked != "stop":
            return s.cause or s.asked
        if s.by_hand:
            return "stop"
        return "shutdown" if self._core.state.phase == "stopping" else "update"

    def _exited(self, event: m.Exited, before: Before, moment: Moment) -> None:
        s = moment.service
        if s is not None and s.run == event.run and s.state in (State.STARTING, State.RUNNING):
            return  # the parent of a daemon
        run, end = self._ends.pop(event.service, (0, None))
        used = end.used if end is not None and run == event.run else None
        death = Death(
            service=event.service,
            run=event.run,
            at=moment.at,
            seconds=round(max(0.0, moment.now - before.began), 3),
            pid=before.pid or None,
            status=event.status,
            text=event.text,
            by=before.by,
            oom=event.oom,
            dumped=end is not None and run == event.run and end.dumped,
            output=self._history.last_words(event.service, event.run, LINES, OUTPUT),
        )
        if used is not None:
            death.cpu_user, death.cpu_system = used.user, used.system
            death.memory = None if proc.is_own_peak(used.memory) else used.memory
        self._history.deaths.add(death)
        self._history.note("exited", death.service, death.run, moment.at, **told(death))

    def releasing(self, action: m.Release, moment: Moment) -> Callable[[], None]:
        """Nothing is left of a run, and all of its output is read: how that is written down."""
        s = self._core.state.services.get(action.service)
        status, began = (s.last_status, s.started_at) if s is not None else (None, moment.now)
        return partial(self._released, action, status, moment.now - began, moment.at)

    def _released(self, action: m.Release, status: int | None, seconds: float, at: float) -> None:
        words = self._history.last_words(action.service, action.run, LINES, OUTPUT)
        deaths = self._history.deaths
        if deaths.finish(action.service, action.run, action.result, action.text, words):
            return
        if action.result in ("", "success"):
            return
        death = Death(  # it had no process, or not yet
            service=action.service,
            run=action.run,
            at=at,
            seconds=round(max(0.0, seconds), 3),
            status=status,
            result=action.result,
            text=action.text,
            output=words,
        )
        deaths.add(death)

    # --- What comes in crowds ---------------------------------------------------------------------

    def orphan(self, total: int) -> None:
        """One was reaped; `total` is how many were so far."""
        self._count("orphans", "", 1, total)

    def dropped(self, what: str, count: int, total: int) -> None:
        """Slow clients, or bytes of output that nobody took."""
        self._count("drop", what, count, total)

    def _count(self, kind: Literal["orphans", "drop"], what: str, count: int, total: int) -> None:
        """All within a moment are told of together."""
        if not self._counts:
            self._reactor.later(_TOGETHER, self._tell_counts)
        before = self._counts.get((kind, what), (0, 0))[0]
        self._counts[kind, what] = (before + count, total)

    def _tell_counts(self) -> None:
        counts, self._counts = self._counts, {}
        for (kind, what), (count, total) in counts.items():
            fields: dict[str, Any] = {"what": what} if what else {}
            fields |= {"count": count, "total": total}
            self._history.note_all(kind, (), "", 0, fields)


def told(death: Death) -> dict[str, Any]:
    """What the row of an end has."""
    return {
        "pid": death.pid,
        **_codes(death.status),
        "reason": death.text,
        "by": death.by,
        "oom": death.oom,
        "core_dumped": death.dumped,
        "seconds": death.seconds,
        "cpu_user": _rounded(death.cpu_user),
        "cpu_system": _rounded(death.cpu_system),
        "max_rss": death.memory,
    }


def _codes(status: int | None) -> dict[str, int | None]:
    return {
        "exit_code": status if status is not None and status >= 0 else None,
        "exit_signal": -status if status is not None and status < 0 else None,
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
