"""The handlers of `logs` and `attach`: which lines a client wants, of the past and of what comes.

Regular expressions are left to whoever asks: one that takes for ever must not keep init from its
work.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from nsinit.control.carry import Going
from nsinit.control.desk import Desk
from nsinit.control.feed import Feed
from nsinit.control.select import matches
from nsinit.control.shapes import log_rows, slices
from nsinit.kernel import seam
from nsinit.runtime.ring import Wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from nsinit.control.reply import Reply
    from nsinit.core.supervisor import Supervisor
    from nsinit.moments import Moment
    from nsinit.runtime.ring import Record, Rings

    _Range = tuple[float, float]

_EVERY: Final = (0, math.inf)
_LONG: Final = 10 * 365 * 86_400.0  # s
_NO_FILTERS: Final = {
    "since": None, "until": None, "since_seq": None, "run": None, "stream": None,
}  # fmt: skip


class Reading(Desk):
    """What services have written, and go on to write."""

    def do_logs(self, params: dict[str, Any], reply: Reply) -> None:
        """The lines that are wanted, in the order in which they came."""
        rings, now = self._init.logs.rings, seam.wall()
        names = _Names(params["names"], self._driver.core, rings)
        wanted = Wanted(
            names,
            _instant(params["since"], now, -math.inf),
            _instant(params["until"], now, math.inf),
            params["since_seq"] or 0,
            *self._runs(params["run"], names),
            params["stream"],
        )
        look, count = rings.look(wanted), params["lines"]
        past = _sliced(look.find() if count is None else look.last(count))
        self._feed(wanted, names, past, params, reply).begin()

    def do_attach(self, params: dict[str, Any], reply: Reply) -> None:
        """The last output of services, and on."""
        self.do_logs({**_NO_FILTERS, **params, "follow": True}, reply)

    def _read_on(
        self, params: dict[str, Any], going: Going, reply: Reply
    ) -> Callable[[], object] | None:
        """Go on with what another init has begun; what to do once the client hears us."""
        params = {**_NO_FILTERS, "follow": True, **params}
        names = _Names(params["names"], self._driver.core, None, going.names)
        runs, others = self._runs(params["run"], names)
        if params["run"] in ("current", "previous"):  # of then: by now they may be others
            last = math.inf if params["run"] == "current" else 0
            runs = {name: (first, max(first, last)) for name, first in going.runs.items()}
        wanted = Wanted(names, runs=runs, other_runs=others, stream=params["stream"])
        feed = self._feed(wanted, names, (), params, reply)
        feed.hold()
        return partial(feed.go_on, going.rows)

    def _feed(
        self,
        wanted: Wanted,
        names: _Names,
        past: Iterable[Record | None],
        params: dict[str, Any],
        reply: Reply,
    ) -> Feed[Record | None]:
        feed = Feed(reply, self._turns, _rendered, past, follow=bool(params["follow"]))

        def listen(record: Record) -> None:
            if wanted.fits(record):
                for part in slices(record):
                    feed.offer(part, len(part.block.data))

        if params["follow"]:
            listeners = self._init.logs.listeners
            listeners.append(listen)
            reply.on_leave(lambda: listeners.remove(listen))
            self._end_at(params["until"], feed, reply)
        runs = {name: int(first) for name, (first, _) in wanted.runs.items()}
        reply.carry(
            lambda: Going(kind="stream", names=sorted(names.known), rows=feed.rest(), runs=runs),
            feed,
        )
        return feed

    def _end_at(self, until: Moment | None, feed: Feed[Any], reply: Reply) -> None:
        """Nothing is followed beyond the time up to which lines are wanted."""
        if until is not None:
            now = seam.wall()
            timer = self._loop.call_later(min(max(0.0, until.at(now) - now), _LONG), feed.end)
            reply.on_leave(timer.cancel)

    def _runs(self, asked: str | None, names: _Names) -> tuple[dict[str, _Range], _Range]:
        """The first and last run of each service that is wanted, and of those that come later."""
        state = self._driver.core.state.services
        now = {name: state[name].run for name in names.known if name in state}
        if asked is None:
            return {}, _EVERY
        if asked == "current":  # and what comes after it
            return {name: (run, math.inf) for name, run in now.items()}, _EVERY
        if asked == "previous":
            return {name: (run - 1, run - 1) for name, run in now.items()}, (math.inf, 0)
        return {}, (int(asked), int(asked))


class _Names:
    """The services that are meant: also what is no more but has written, and what comes later."""

    def __init__(
        self,
        patterns: list[str],
        core: Supervisor,
        rings: Rings | None,
        known: Iterable[str] = (),
    ) -> None:
        self.known = set(known)
        self._patterns = patterns
        self._core = core
        self._plan = core.plan
        if rings is None:
            return
        if not patterns:
            self.known |= {*rings.services, *core.plan.services}
        gone: dict[str, set[str]] = {}
        for one in rings.services:
            if one not in core.plan.services:
                for word in (one, one.rpartition("@")[0]):
                    gone.setdefault(word, set()).add(one)
        self.known |= matches(patterns, core.plan.services, lambda word: gone.get(word, set()))

    def __contains__(self, name: object) -> bool:
        if self._core.plan is not self._plan:
            self._plan = self._core.plan
            patterns = self._patterns or ["*"]  # what is no more may come again
            self.known |= matches(patterns, self._plan.services, strict=False)
        return name in self.known


def _instant(moment: Moment | None, now: float, otherwise: float) -> float:
    return otherwise if moment is None else moment.at(now)


def _sliced(records: Iterator[Record | None]) -> Iterator[Record | None]:
    for record in records:
        if record is None:
            yield None
        else:
            yield from slices(record)


def _rendered(record: Record | None) -> bytes:
    return b"" if record is None else log_rows(record)
