"""When one service is to run next, whatever the clock does. Pure: time and chance are arguments.

Rules:
1. A due time that passes leads to one run, however many passed at once: the service was asleep,
   init was, or the clock was put forward. More than LATE seconds after the last of the waiting was
   over, `missed` decides whether to run at all.
2. Put back by less than CORRECTION, the clock makes no run happen twice. What goes by elapsed time
   ("every five minutes") does not wait for the clock to catch up, though, when it is put back by
   more than one of its periods.
3. Put back by more, it was wrong before: everything is planned anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

LATE: Final = 5.0  # s: a busy machine is not that late
CORRECTION: Final = 3 * 3600.0  # s, as for cron

Verdict = Literal["", "run", "missed"]


class Source(Protocol):
    """What has due times; `fixed` ones are bound to the clock, others to elapsed time."""

    fixed: bool

    def next(self, after: float) -> float | None:
        """The first due time after an instant."""


class Interval:
    """Every so many seconds from a beginning."""

    fixed = True

    def __init__(self, every: float, begin: float) -> None:
        self._every = every
        self.begin = begin

    def next(self, after: float) -> float:
        """The first due time after an instant."""
        count = max(0, int((after - self.begin) / self._every))
        due = self.begin + count * self._every
        while due <= after:
            count += 1
            due = self.begin + count * self._every
        return due


class Timetable:
    """The due times of one service, one after the other; `at` is the next instant to look."""

    def __init__(
        self,
        source: Source,
        now: float,
        *,
        jitter: float = 0.0,
        catch_up: bool = True,
        chance: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """`chance` gives a number from 0 to 1; `catch_up`: what was missed is run, once."""
        self._source = source
        self._jitter = jitter
        self._catch_up = catch_up
        self._chance = chance
        self._due: float | None = None
        self._delay = 0.0
        self._done: float | None = None  # the last due time that has been seen to
        self._seen = now
        self._plan(now)

    @property
    def at(self) -> float | None:
        """When the next run is to begin; None for never."""
        return None if self._due is None else self._due + self._delay

    def look(self, now: float) -> Verdict:
        """Whether a run is due at this instant of its clock; called at `at`, and after a step."""
        if now < self._seen:  # it was put back
            self._plan(now)
        if self.at is None or now < self.at:
            self._seen = now
            return ""
        late = now - self.at > LATE
        run = self._catch_up or not late
        if run:
            self._done = now if late else self._due
        self._plan(now)
        return "run" if run else "missed"

    def export(self) -> tuple[float | None, float, float | None, float]:
        """The next due time and its delay, the last one that was seen to, the last look."""
        return self._due, self._delay, self._done, self._seen

    def adopt(self, due: float | None, delay: float, done: float | None, seen: float) -> None:
        """Go on where another was."""
        self._due, self._delay, self._done, self._seen = due, delay, done, seen

    @property
    def begin(self) -> float | None:
        """When an interval began; None for a calendar."""
        return self._source.begin if isinstance(self._source, Interval) else None

    def _plan(self, now: float) -> None:
        self._seen = now
        base = now
        if self._done is not None and now < self._done:
            back = self._done - now
            following = self._source.next(self._done)
            if back > CORRECTION:
                self._done = None
            elif self._source.fixed or (following is not None and following - self._done >= back):
                base = self._done
        due = self._source.next(base)
        if due != self._due:
            self._due, self._delay = due, self._jitter * self._chance()
