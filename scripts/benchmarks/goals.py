"""The goals, as data, and whether they are met.

Each is a ratio to other inits in the same run. Where it is an amount, on the machine on which the
goals were set, it is met by that amount or, on another machine, by its ratio to what the floor took
there. What peers decide is decided by those that are there.
"""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING, Final, NamedTuple

from .figures import percentile, short

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .figures import Row


class Than(NamedTuple):
    """At most `times` what a peer takes, or at least, where more is better."""

    peer: str
    times: float
    measure: str = ""  # of the peer, if it is another one
    services: int = 0  # likewise


class Goal(NamedTuple):
    """What one row is to show; with a `limit` that or the ratios suffice."""

    measure: str
    services: int
    than: tuple[Than, ...] = ()
    limit: float | None = None  # in the unit of the measure
    instead: tuple[Than, ...] = ()  # of `than`, if the first of those is missing
    tail: float = 0.0  # the 99th percentile: at most so many times the median
    stretch: bool = False  # wanted, not demanded


class Verdict(NamedTuple):
    """What came of a goal."""

    goal: Goal
    met: bool | None  # None: it can't be told
    words: str

    @property
    def short(self) -> str:
        """Met or not."""
        return {True: "met", False: "not met", None: "not decided"}[self.met]


def _amount(
    measure: str, limits: Mapping[int, tuple[float, Than]], *, stretch: bool = False
) -> tuple[Goal, ...]:
    return tuple(
        Goal(measure, n, (than,), limit, stretch=stretch) for n, (limit, than) in limits.items()
    )


def _python(limit: float) -> tuple[float, Than]:
    """By what the smallest init in Python took to boot."""
    return limit, Than("epoll", limit / 10.7, "boot", 1)


def _staged(limit: float, took: float) -> tuple[float, Than]:
    """By what it took the init in Python that starts services first and imports the rest later."""
    return limit, Than("staged", limit / took)


GOALS: Final[tuple[Goal, ...]] = (
    Goal("boot", 1, (Than("staged", 4), Than("supervisord", 1 / 25), Than("circus", 1 / 3))),
    Goal("boot", 1, (Than("staged", 2),), stretch=True),
    Goal("boot", 100, (Than("dinit", 1.3), Than("s6", 0.4))),
    Goal("boot", 1000, (Than("dinit", 1.0), Than("s6", 0.33), Than("supervisord", 0.1))),
    # Restarts of s6 wait for a second: without dinit, the same limit by what the floor took.
    Goal("restart", 1, (Than("dinit", 1.1),), instead=(Than("staged", 1.1 * 1.4 / 1.1),)),
    Goal("restart", 1, tail=2.0),
    *_amount("orphans", {1: _staged(2, 0.5)}),
    *_amount("orphans-zombies", {1: _staged(20, 7)}),
    *_amount("orphans-cpu", {1: _staged(45, 36)}),
    *_amount("shutdown", {1: _staged(6, 2.6), 100: _staged(14, 9), 1000: _staged(80, 53)}),
    *_amount("grace", {1: (5, Than("s6", 5 / 4))}),
    *(Goal("memory", n, (Than("supervisord", 0.9),)) for n in (1, 100)),
    Goal("memory", 1000, (Than("supervisord", 0.9), Than("s6", 0.2))),
    *_amount(
        "memory",
        {1: _staged(18, 17.6), 100: _staged(18, 17.6), 1000: _staged(22, 18.1)},
        stretch=True,
    ),
    Goal("idle", 100, limit=0),
    Goal("idle-cpu", 100, limit=0),
    *_amount("status", {1: _python(25), 100: _python(25), 1000: _python(40)}),
    *_amount("status", {1: _python(12), 100: _python(13), 1000: _python(20)}, stretch=True),
    *_amount("command", {1: _python(50)}),
    *_amount("command", {1: _python(25)}, stretch=True),
    Goal("logs", 1, (Than("supervisord", 1.4), Than("s6", 6))),
    Goal("logs-stamped", 1, (Than("supervisord", 1.05, "logs"),)),
    Goal("logs-many", 100, (Than("supervisord", 1.1), Than("s6", 2.5))),
    Goal("logs-lost", 1, limit=0),
    Goal("logs-many-lost", 100, limit=0),
    Goal("true", 1, (Than("python", 2.5),)),
    Goal("true", 1, (Than("python", 1.5),), stretch=True),
    Goal("sandbox", 1, (Than("runc", 4),)),
    Goal("sandbox", 1, (Than("runc", 2.5),), stretch=True),
    Goal("network", 1, (Than("docker", 0.3),)),
)


def verdicts(rows: Sequence[Row], ours: str) -> list[Verdict]:
    """What came of the goals of the rows that are there."""
    known = {(row.measure.name, row.count): row for row in rows}
    return [
        _judge(goal, row, known, ours)
        for goal in GOALS
        if (row := known.get((goal.measure, goal.services))) and ours in row.rounds
    ]


def _judge(goal: Goal, row: Row, known: Mapping[tuple[str, int], Row], ours: str) -> Verdict:
    mine = statistics.median(row.values(ours))
    if goal.tail:
        ratio = percentile(row.values(ours), 0.99) / mine
        words = f"p99 {_times(ratio)} its median (goal {_times(goal.tail)})"
        return Verdict(goal, ratio <= goal.tail, words)
    told = []
    if goal.limit is not None:
        told = [f"{short(mine)} {row.measure.unit} (goal {goal.limit:g})"]
        if mine <= goal.limit:
            return Verdict(goal, True, told[0])
    ratios = {
        than: _ratio(than, row, known, ours) for than in (*goal.than, *goal.instead)
    }  # fmt: skip
    lacks = [than.peer for than in goal.than if ratios[than] is None]
    chosen = goal.instead if goal.instead and lacks else goal.than
    good = []
    for than in chosen:
        if (found := ratios[than]) is not None:
            good.append(found >= than.times if row.measure.more else found <= than.times)
            told.append(f"{_times(found)} {_of(than)} (goal {_times(than.times)})")
    told += [f"no figure of {peer}" for peer in lacks]
    undecided = None if chosen else False
    return Verdict(goal, all(good) if good else undecided, ", ".join(told))


def _ratio(than: Than, row: Row, known: Mapping[tuple[str, int], Row], ours: str) -> float | None:
    """Ours by theirs: round by round in one row, of medians between two."""
    other = row
    if than.measure:
        found = known.get((than.measure, than.services or row.count))
        if found is None:
            return None
        other = found
    if than.peer not in other.rounds:
        return None
    if other is row:
        return statistics.median(row.ratios(ours, than.peer))
    theirs = statistics.median(other.values(than.peer))
    return statistics.median(row.values(ours)) / theirs if theirs else math.inf


def _of(than: Than) -> str:
    return f"{than.peer} ({than.measure})" if than.measure else than.peer


def _times(ratio: float) -> str:
    return f"{short(ratio)} ×"  # noqa: RUF001  (it is the sign that is meant)


def count_met(found: Iterable[Verdict]) -> str:
    """How many are met."""
    must = [verdict for verdict in found if not verdict.goal.stretch]
    met = sum(1 for verdict in must if verdict.met)
    return f"{met} of {len(must)} goals met"
