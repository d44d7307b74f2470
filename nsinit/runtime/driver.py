"""The queue between the world and the core: events in, actions out, in order.

Rules: there is one queue and one owner of it. Ends are reaped before any timer is looked at. Every
failure to carry out an action becomes an event or a line in the log, never an exception.
Knows no asyncio; the reactor waits.
"""

from __future__ import annotations

import heapq
from _random import Random  # without the module around it, which loads hashlib and more
from collections import deque
from errno import EAGAIN, EIO, ENOMEM
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from nsinit.core import messages as m
from nsinit.core.supervisor import Supervisor
from nsinit.core.view import View, still, view, view_change
from nsinit.errors import EXIT_INTERNAL
from nsinit.kernel import seam
from nsinit.runtime.again import Again
from nsinit.runtime.chronicle import Chronicle
from nsinit.runtime.hearing import Hearing
from nsinit.runtime.telling import tell_each

if TYPE_CHECKING:
    from collections.abc import Callable

    from nsinit.core.state import CoreState, ServiceState
    from nsinit.model.plan import Plan, Rules
    from nsinit.runtime.chronicle import Moment
    from nsinit.runtime.events import EventLog, History
    from nsinit.runtime.flight import Flight
    from nsinit.runtime.reactor import Reactor
    from nsinit.runtime.runs import Runs

T = TypeVar("T")

HOPELESS: Final = 5  # failures of the core in a row, or with one event
_AGAIN: Final = 0.2  # s until the core is told again what it could not handle


class Driver:
    """Lets the core handle what happens, and carries out what it decides."""

    def __init__(
        self,
        plan: Plan,
        *,
        reactor: Reactor,
        runs: Runs,
        say: EventLog,
        history: History,
    ) -> None:
        self.core = Supervisor(plan)
        self.runs = runs
        self.say = say
        self.history = history
        self.followers: list[Callable[[str, str], object]] = []  # told a service and its new state
        self.exit_code: int | None = None
        self.on_finish: Callable[[], object] = lambda: None
        self.on_broken: Callable[[BaseException], object] = lambda _: None
        self._failures = 0  # of the core, in a row
        self._unhandled: deque[m.Event] = deque()  # what it is to be told again
        self._again: dict[int, int] = {}  # how often each of them, by its id
        self._undone = Again(self.core, reactor, self._repeat)
        self._random = Random()
        self._reactor = reactor
        self._queue: deque[m.Event] = deque()
        self._unwritten: deque[Callable[[], object]] = deque()
        self._busy = False
        self._timers: dict[tuple[str, str], m.Fired] = {}
        self._heap: list[tuple[float, int, m.Fired]] = []
        self._alarm_at: float | None = None
        self._armed = 0  # counts timers, so that the heap never compares events
        self._acts: dict[type[m.Action], Callable[[Any], object]] = {
            m.Arm: lambda a: self._arm(m.Fired(a.service, a.run, a.timer, a.at)),
            m.Disarm: lambda a: self._timers.pop((a.service, a.timer), None),
            m.Noted: self._say,
            m.Remark: self._say,
            m.Finish: self._finish,
            m.Spawn: self._spawn,
            m.RunTask: self._run_task,
            m.KillTask: lambda a: runs.tasks.kill(a.service, a.run, a.task),
            m.FindMain: lambda a: runs.find_main(a.service, a.run),
            m.Signal: lambda a: runs.signal(a, self.core.state.services[a.service].pid),
            m.Freeze: runs.freeze,
            m.Sweep: lambda a: runs.sweep(a.service, a.run),
            m.Release: lambda a: runs.release(a.service, a.run),
        }
        runs.post = self.post
        self.hearing = Hearing(self.core, runs, say, self.post)
        self.flight: Flight | None = None
        self.chronicle = Chronicle(self.core, history, reactor)
        runs.on_end = self.chronicle.hear_end
        runs.on_orphan = self.chronicle.orphan

    def snapshot(self) -> View:
        """Everything that can be observed, now."""
        return view(self.core)

    # --- The queue --------------------------------------------------------------------------------

    def post(self, *events: m.Event) -> None:
        """Let the core handle events, after those that are there already."""
        self._queue.extend(events)
        if self._busy:
            return
        self._busy = True
        self.runs.refresh()
        try:
            while self._queue:
                self._handle(self._queue.popleft())
        finally:
            self._busy = False
            self._write_down()
        self._set_alarm()

    def _write_down(self) -> None:
        """Tell what has been done so far, in its order.

        That takes as long as to do it, so it comes last: a service does not wait until all have
        heard that it, or one before it, is to start. A boot of 1000 took 590 ms and not 630 to 740.
        """
        while self._unwritten:
            self._written(self._unwritten.popleft())
        if self.flight is not None:
            self.flight.settle()

    def _handle(self, event: m.Event) -> None:
        if self._unhandled and self._comes_after(event):
            self._unhandled.append(event)
            return
        if isinstance(event, m.TaskEnded):
            self.history.ended(event.service, event.task, good=event.status == 0)
        try:
            seam.ask("core")
            before = self._written(lambda: self.chronicle.before(event))
            actions = self._tell(event)
        except BaseException as error:  # noqa: BLE001  (nothing may end PID 1)
            self.say.error(f"cannot handle {event}: {error!r}")
            self._not_handled(event, error)
            return
        self._failures = 0
        moment = self.chronicle.moment(event)
        self._unwritten.append(partial(self.chronicle.after, event, before, moment))
        if not isinstance(event, m.RunEvent):
            self._write_down()
        for action in actions:
            self._guarded(action, moment)
        self.core.tidy()

    def _changed(self, change: m.Changed, at: float) -> None:
        """Whoever acts upon it hears of it at once, everybody else by and by."""
        rules = self.core.plan.services[change.service]
        s = still(self.core.state.services[change.service])
        self._unwritten.append(partial(self._tell_change, change, s, rules, at))
        tell_each(self.followers, change.service, change.new)

    def _tell_change(self, change: m.Changed, s: ServiceState, rules: Rules, at: float) -> None:
        self.history.add(change.old, view_change(change, s, rules), change.kind, at)

    def _guarded(self, action: m.Action, moment: Moment) -> None:
        """Carry it out; a failure to do so is told, and changes nothing else."""
        try:
            seam.ask(type(action).__name__)
            if isinstance(action, m.Changed):
                self._changed(action, moment.at)
            else:
                self._carry_out(action)
            if isinstance(action, m.Release):
                self._unwritten.append(self.chronicle.releasing(action, moment))
        except BaseException as error:  # noqa: BLE001  (nothing may end PID 1)
            self.say.error(f"cannot carry out {action}: {error!r}")
            self._undone.add(action)
            if isinstance(action, m.Finish):  # nobody will ask for it again
                self._finish(action)
            if isinstance(action, m.RunTask):
                ended = m.TaskEnded(action.service, action.run, action.task, 1, repr(error))
                self._queue.append(ended)
            if isinstance(action, m.Spawn):
                failed = m.SpawnFailed(
                    action.service, action.run, "start", _number(error), repr(error)
                )
                self._queue.append(failed)

    def _finish(self, action: m.Finish) -> None:
        self.exit_code = action.code
        self.on_finish()

    def _repeat(self, action: m.Action) -> None:
        self._guarded(action, self.chronicle.moment(m.Boot()))
        self.post()  # whatever came of it

    def _tell(self, event: m.Event) -> list[m.Action]:
        """What the core makes of an event, recorded."""
        now, jitter = seam.monotonic(), self._random.random()
        if self.flight is None:
            return self.core.handle(event, now, jitter)
        self.flight.begin(self.core, event, now, jitter)
        try:
            actions = self.core.handle(event, now, jitter)
        except BaseException as error:
            self.flight.fail(error)
            self.flight.leave()
            raise
        self.flight.end(actions)
        return actions

    def _written(self, write: Callable[[], T]) -> T | None:
        """What the chronicle makes of it; a mistake of it changes nothing else."""
        try:
            return write()
        except BaseException as error:  # noqa: BLE001  (nothing may end PID 1)
            self.say.error(f"cannot write down what happens: {error!r}")
            return None

    def _not_handled(self, event: m.Event, error: BaseException) -> None:
        """What has happened can't be undone: the core is told again, HOPELESS times in all."""
        self._write_down()  # as far as all went well
        self._failures += 1
        tries = self._again.pop(id(event), 0) + 1
        if isinstance(event, m.RunEvent | m.Shutdown | m.Boot):
            self._unhandled.append(event)
            self._again[id(event)] = tries
            if len(self._unhandled) == 1:
                self._reactor.later(_AGAIN, self._tell_again)
        if self._failures >= HOPELESS or tries >= HOPELESS:
            self.on_broken(error)
            self._failures = 0  # there is no other way than without what it will not hear
            lost = [one for one in self._unhandled if self._again.get(id(one), 0) >= HOPELESS]
            for one in lost:
                self._unhandled.remove(one)
                del self._again[id(one)]
            if any(isinstance(one, m.Shutdown) for one in lost):
                self._finish(m.Finish(EXIT_INTERNAL))  # what is left of services is ended anyway

    def _comes_after(self, event: m.Event) -> bool:
        """Whether it is of a service of which the core has not heard something earlier."""
        earlier = (one for one in self._unhandled if isinstance(one, m.RunEvent))
        return isinstance(event, m.RunEvent) and any(e.service == event.service for e in earlier)

    def _tell_again(self) -> None:
        events = list(self._unhandled)
        self._unhandled.clear()
        self.post(*events)
        left = {id(event) for event in self._unhandled}
        self._again = {key: tries for key, tries in self._again.items() if key in left}

    def _carry_out(self, action: m.Action) -> None:
        self._acts[type(action)](action)

    def _spawn(self, action: m.Spawn) -> None:
        rules = self.core.plan.services[action.service]
        self.runs.spawn(action.service, action.run, notify=rules.has_notify_socket)

    def _run_task(self, action: m.RunTask) -> None:
        self._write_down()  # what it is a task of
        self.history.began(action.service, action.task)
        self.runs.tasks.run(action)

    def _say(self, action: m.Noted | m.Remark) -> None:
        self._write_down()  # in the order of what happened
        match action:
            case m.Noted(service, text):
                self.history.note("internal", service, reason=text)
                if self.flight is not None:
                    self.flight.leave_in_turns()
                self.say.error(f"{service}: {text} should not be possible and was ignored")
            case m.Remark(service, text):
                self.history.note("remark", service, reason=text)
                self.say.warning(f"{service}: {text}" if service else text)

    # --- Timers -----------------------------------------------------------------------------------

    def _arm(self, timer: m.Fired) -> None:
        self._timers[timer.service, timer.timer] = timer
        self._armed += 1
        heapq.heappush(self._heap, (timer.at, self._armed, timer))

    def _set_alarm(self) -> None:
        heap = self._heap
        while heap and self._timers.get((heap[0][2].service, heap[0][2].timer)) is not heap[0][2]:
            heapq.heappop(heap)  # disarmed, or armed anew
        at = heap[0][0] if heap else None
        if at != self._alarm_at:
            self._alarm_at = at
            self._reactor.set_alarm(at, self._alarm)

    def _alarm(self) -> None:
        """Some timer is due: but first what has happened meanwhile."""
        self._alarm_at = None
        self.runs.reap()
        now = seam.monotonic()
        due: list[m.Fired] = []
        while self._heap and self._heap[0][0] <= now:
            timer = heapq.heappop(self._heap)[2]
            if self._timers.get((timer.service, timer.timer)) is timer:
                del self._timers[timer.service, timer.timer]
                due.append(timer)
                if timer.timer == "start":
                    self.runs.drain_told(timer.service, timer.run)
        self.post(*due)
        self._set_alarm()

    # --- For another init -------------------------------------------------------------------------

    def export(self) -> tuple[Plan, CoreState, list[m.Event]]:
        """The plan in force, all that the core remembers, and what it has not heard yet."""
        return self.core.plan, self.core.state, [*self._unhandled, *self._queue]

    def adopt(self, plan: Plan, state: CoreState, queue: list[m.Event]) -> None:
        """Go on with another's core; its timers are in its state. The next `post` begins."""
        self.core.plan, self.core.state = plan, state  # others know this core
        self.chronicle.adopt()
        for s in state.services.values():
            for timer, at in s.timers.items():
                self._arm(m.Fired(s.name, s.run, timer, at))
        if state.shutdown_at is not None:
            self._arm(m.Fired("", 0, "shutdown", state.shutdown_at))
        if state.hook:
            self._arm(m.Fired("", 0, state.hook, state.hook_at))
        self._queue.extend(queue)
        self._set_alarm()


def _number(error: BaseException) -> int:
    """The errno that says most of an error; a mistake of init may be none the next time."""
    if isinstance(error, OSError):
        return error.errno or EIO
    return ENOMEM if isinstance(error, MemoryError) else EAGAIN
