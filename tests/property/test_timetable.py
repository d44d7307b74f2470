"""Runs while the clock is put forward and back at random: none is doubled, none is skipped."""

from __future__ import annotations

from datetime import UTC

from hypothesis import given
from hypothesis import strategies as st

from nsinit.model.cron import Calendar
from nsinit.runtime.timetable import CORRECTION, Timetable

BEGIN = 1_764_000_000
MOVES = st.lists(
    st.tuples(
        st.floats(0, 20_000),  # seconds that go by
        st.floats(-CORRECTION, CORRECTION) | st.floats(-1_000_000, 1_000_000) | st.just(0.0),
    ),
    max_size=12,
)
FIXED = st.sampled_from(["0 12 * * *", "0,30 3,9,15,21 * * *", "0 0,6,12,18 * * *"])
ELAPSED = st.sampled_from(["*/5 * * * *", "0 * * * *", "* 3 * * *"])


class Life:
    """A timetable and the clock that it looks at, and what was run by the clock and in truth."""

    def __init__(self, line: str) -> None:
        self.calendar = Calendar(line, UTC)
        self.wall = float(BEGIN)
        self.table = Timetable(self.calendar, self.wall)
        self.runs: list[float] = []

    def look(self) -> None:
        if self.table.look(self.wall) == "run":
            self.runs.append(self.wall)
        assert self.table.at is None or self.table.at > self.wall  # or the timer would spin

    def go_on(self, seconds: float) -> None:
        """Time goes by, and the timer goes off whenever it is set to."""
        until = self.wall + seconds
        while self.table.at is not None and self.table.at <= until:
            self.wall = self.table.at
            self.look()
        self.wall = until


@given(line=FIXED, moves=MOVES)
def test_no_time_runs_twice_when_steps_are_small(
    line: str, moves: list[tuple[float, float]]
) -> None:
    """Fixed times, each at most once, unless the clock was corrected by hours."""
    life = Life(line)
    for seconds, step in moves:
        life.go_on(seconds)
        small = max(-CORRECTION, min(CORRECTION, step))
        life.wall += small if life.wall + small >= max([BEGIN, *life.runs]) - CORRECTION else 0
        life.look()
    # Those on the dot: other runs make up for what was passed over.
    labels = [run for run in life.runs if life.calendar.next(run - 1) == run]
    assert len(labels) == len(set(labels))


@given(line=FIXED | ELAPSED, moves=MOVES)
def test_no_time_is_skipped_when_the_clock_passes_it(
    line: str, moves: list[tuple[float, float]]
) -> None:
    """Whether it goes or is put there: there is a run then, unless it is one that was run."""
    life = Life(line)
    done = float("-inf")
    for seconds, step in moves:
        before, count = life.wall, len(life.runs)
        life.go_on(seconds)
        life.wall += step
        life.look()
        if step < 0 and done - life.wall > CORRECTION:
            done = life.wall  # all that was done was done by a wrong clock
        first = life.calendar.next(max(before, done))
        if step >= 0 and first is not None and first <= life.wall:
            assert len(life.runs) > count
        done = max([done, *life.runs[count:]])


@given(line=st.sampled_from(["*/5 * * * *", "0 * * * *"]), moves=MOVES)
def test_what_goes_by_elapsed_time_is_never_silent_for_long(
    line: str, moves: list[tuple[float, float]]
) -> None:
    """The next run is at most two periods away, wherever the clock was put."""
    life = Life(line)
    for seconds, step in moves:
        life.go_on(seconds)
        life.wall += step
        life.look()
        first = life.calendar.next(life.wall)
        second = life.calendar.next(first) if first is not None else None
        at = life.table.at
        assert at is not None
        assert second is not None
        assert at <= second  # put back by less than a period it waits for one that was not run
