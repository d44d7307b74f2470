"""Schedules: the runs of services at times of the calendar, or every so often.

Calendars go by the wall clock, and a timer that goes off when that is put to another time;
intervals go by the monotonic clock. What is due becomes a Trigger; whether that starts something,
and what happens to a run that is not over yet, the core decides. Loaded only by who has a schedule.
"""

from __future__ import annotations

from _random import Random  # as in the driver: without the module around it
from functools import partial
from typing import TYPE_CHECKING, Final

from nsinit.core import messages as m
from nsinit.kernel import seam
from nsinit.kernel.timers import Timer
from nsinit.runtime.timetable import Interval, Timetable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nsinit.model.spec import Schedule, Service
    from nsinit.runtime.events import EventLog
    from nsinit.runtime.reactor import Reactor

_AGAIN: Final = 0.5  # s until init looks again whether its own hooks are over


class _Clockwork:
    """The timetables that go by one clock, and the timer for the earliest of them."""

    def __init__(self, clock: Callable[[], float], *, calendar: bool) -> None:
        self.clock = clock
        self.tables: dict[str, Timetable] = {}
        self.calendar = calendar
        self.timer: Timer | None = None
        self.late = False  # for want of one, which has been told


class Schedules:
    """The schedules of all services."""

    def __init__(
        self,
        reactor: Reactor,
        post: Callable[[m.Trigger], object],
        say: EventLog,
        phase: Callable[[], str],
    ) -> None:
        """`phase` is that of the core: nothing runs before it is "up", or after."""
        self._reactor = reactor
        self._post = post
        self._say = say
        self._phase = phase
        self._chance = Random().random
        self._specs: dict[str, Schedule] = {}
        self._works = (
            _Clockwork(seam.wall, calendar=True),
            _Clockwork(seam.monotonic, calendar=False),
        )

    def configure(self, services: Mapping[str, Service]) -> None:
        """Follow these from now on; what has not changed goes on as it is."""
        wanted = {name: spec.schedule for name, spec in services.items() if spec.schedule}
        for name in list(self._specs):
            if wanted.get(name) != self._specs[name]:
                del self._specs[name]
                for work in self._works:
                    work.tables.pop(name, None)
        for name, schedule in wanted.items():
            if name not in self._specs:
                self._specs[name] = schedule
                self._add(name, schedule)
        for work in self._works:
            self._set(work)

    def next_run(self, name: str) -> float | None:
        """When a service is to run next (s since the epoch); None if it has no such time."""
        for work in self._works:
            if name in work.tables and (at := work.tables[name].at) is not None:
                return at if work.calendar else seam.wall() + at - work.clock()
        return None

    def export(self) -> tuple[bytes, list[int]]:
        """For another init: when each is to run next."""
        from nsinit.runtime.handover import pack  # noqa: PLC0415  (to be replaced)
        from nsinit.runtime.planned import PlannedState, TableState  # noqa: PLC0415  (the same)

        made: dict[str, TableState] = {}
        for work in self._works:
            for name, table in work.tables.items():
                due, delay, done, seen = table.export()
                made[name] = TableState(
                    schedule=self._specs[name],
                    due=due,
                    delay=delay,
                    done=done,
                    seen=seen,
                    begin=table.begin,
                )
        return pack(PlannedState(tables=made)), []

    def adopt(self, data: bytes, fds: list[int]) -> None:
        """Go on with those that are as they were."""
        from nsinit.runtime.planned import check_part  # noqa: PLC0415  (only in such an init)

        del fds  # there are none
        for name, one in check_part(data).tables.items():
            if self._specs.get(name) == one.schedule:
                self._add(name, one.schedule, one.begin)
                work = self._works[one.schedule.cron is None]
                work.tables[name].adopt(one.due, one.delay, one.done, one.seen)
        for work in self._works:
            self._set(work)

    def _add(self, name: str, schedule: Schedule, begin: float | None = None) -> None:
        work = self._works[schedule.cron is None]
        now = work.clock()
        if schedule.cron is not None:
            from nsinit.model.cron import Calendar, load_zone  # noqa: PLC0415  (not for intervals)

            source: Calendar | Interval = Calendar(schedule.cron, load_zone(schedule.timezone))
        else:
            source = Interval(float(schedule.every or 1), now if begin is None else begin)
        work.tables[name] = Timetable(
            source,
            now,
            jitter=float(schedule.jitter),
            catch_up=schedule.missed == "run",
            chance=self._chance,
        )

    # --- Waiting ----------------------------------------------------------------------------------

    def _set(self, work: _Clockwork, at: float | None = None) -> None:
        """Wait for the earliest, or until `at`."""
        times = [table.at for table in work.tables.values() if table.at is not None]
        first = min(times, default=None)
        if work.timer is None:
            if first is None:
                return
            try:
                work.timer = Timer(calendar=work.calendar)
            except OSError as error:
                self._set_later(work, error)
                return
            self._reactor.add_reader(work.timer.fd, lambda: self._on_timer(work))
        try:
            work.timer.set(first if first is None or at is None else at)
            work.late = False
        except OSError as error:
            self._set_later(work, error)

    def _set_later(self, work: _Clockwork, error: OSError) -> None:
        if not work.late:
            self._say.error(f"schedules are late, for want of a timer: {error.strerror}")
        work.late = True
        self._reactor.later(_AGAIN, partial(self._set, work))

    def _on_timer(self, work: _Clockwork) -> None:
        assert work.timer is not None  # noqa: S101  (for the type checker)
        work.timer.read()
        if self._phase() == "new":  # init's own hooks still run
            self._set(work, work.clock() + _AGAIN)
            return
        now = work.clock()
        verdicts = {name: table.look(now) for name, table in work.tables.items()}
        due = tuple(name for name, verdict in verdicts.items() if verdict == "run")
        for name, verdict in verdicts.items():
            if verdict == "missed":
                self._say.warning(f"{name}: its time has been missed, and this run is left out")
        self._set(work)
        if due:
            self._post(m.Trigger(due))
