"""The handlers of what looks into services: how they are, why, and what they use."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec

from nsinit.control.blame import blame
from nsinit.control.carry import Going
from nsinit.control.desk import Desk
from nsinit.control.expecting import GOALS, Expect
from nsinit.control.groups import SANDBOX, add_rates, rates, usages
from nsinit.control.health import HEALTHY, assess, wanted
from nsinit.control.routes import Refusal
from nsinit.control.shapes import death_row, log_rows
from nsinit.control.usage import sample, totals, trees
from nsinit.control.why import Why
from nsinit.kernel import seam

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from nsinit.control.gathering import Spent
    from nsinit.control.groups import Usages
    from nsinit.control.reply import Reply
    from nsinit.control.scrape import Scraper
    from nsinit.control.tally import Tally
    from nsinit.control.usage import Sample
    from nsinit.core.view import ServiceView

_DEATHS: Final = 3  # that `why` tells of


class Insight(Desk):
    """What anybody may ask who may read."""

    tally: Tally
    clients_dropped: int  # that read too slowly or were too many
    count_clients: Callable[[], int]
    spent: dict[str, Spent]
    _scraper: Scraper | None = None

    # --- Health -----------------------------------------------------------------------------------

    def do_wait(self, params: dict[str, Any], reply: Reply) -> None:
        """Answer when services are where they are expected."""
        views = self._views(self._select(params))
        goal = GOALS[params["state"]]
        wait = Expect(views, goal, reply, self._init.history)
        reply.carry(lambda: Going(kind="wait", until=wait.until))
        wait.begin(self._loop, params["timeout"])

    def do_health(self, params: dict[str, Any], reply: Reply) -> None:
        """The verdict on the named services, or on all that are wanted."""
        names = self._select(params) if params["names"] else wanted(self._state)
        reply.answer(200, assess(self._plan, self._state, names))

    def do_livez(self, _: dict[str, Any], reply: Reply) -> None:
        """That this is answered is the answer."""
        reply.answer(200, {"live": True})

    def do_readyz(self, _: dict[str, Any], reply: Reply) -> None:
        """The verdict on all that are wanted as a status that probes understand."""
        found = assess(self._plan, self._state, wanted(self._state))
        ready = found["health"] == HEALTHY
        body = {"ready": ready, "reasons": found["reasons"]}
        if not ready:
            body |= Refusal(503, "not-ready", "; ".join(found["reasons"])).body()
        reply.answer(200 if ready else 503, body)

    def do_openapi(self, _: dict[str, Any], reply: Reply) -> None:
        """The document that describes all this."""
        from nsinit.control.openapi import as_json  # noqa: PLC0415  (few inits are asked)

        reply.answer(200, msgspec.Raw(as_json()))

    # --- Figures ----------------------------------------------------------------------------------

    def do_metrics(self, params: dict[str, Any], reply: Reply) -> None:
        """Figures for a monitoring system, in a moment."""
        if self._scraper is None:
            from nsinit.control.scrape import Scraper  # noqa: PLC0415  (few inits are scraped)

            self._scraper = Scraper(self._init, self._loop, self.tally, self.spent)
        clients = {"clients": self.count_clients(), "clients_dropped": self.clients_dropped}
        self._scraper.answer(params, clients, reply)

    def export_spent(self) -> dict[str, Spent]:
        """The CPU that services are known to have used."""
        return self.spent if self._scraper is None else self._scraper.gathering.spent

    # --- Causes -----------------------------------------------------------------------------------

    def do_why(self, params: dict[str, Any], reply: Reply) -> None:
        """Sentences about services, the chain of those that they wait for, and their last words."""
        work = self._explain(self._views(self._select(params)), params)
        self._in_turns(work, partial(reply.answer, 200), reply)

    def _explain(
        self, views: list[ServiceView], params: dict[str, Any]
    ) -> Generator[None, None, dict[str, Any]]:
        rows = []
        for view in views:
            if (name := view.name) not in self._plan.services:  # an update has come between
                continue
            why = Why(self._plan, self._state, seam.monotonic())
            row = why.explain(name)
            row["next_run"] = view.next_run
            if (stopped := self.stopped_by.get(name)) and row["state"] == "stopped":
                uid, at = stopped
                row["stopped_by"] = {"uid": uid, "time": round(at, 3)}
            deaths = self._init.history.deaths.of(name)[:_DEATHS]
            row["deaths"] = [death_row(one, output=params["lines"] > 0) for one in deaths]
            row["output"] = self._last_words(name, params["lines"])
            rows.append(row)
            yield
        return {"services": rows}

    stopped_by: dict[str, tuple[int, float]]

    def _last_words(self, name: str, count: int) -> list[Any]:
        if not count:
            return []
        records = self._init.logs.rings.last(name, count)
        return [msgspec.json.decode(row) for r in records for row in log_rows(r).splitlines()]

    def do_blame(self, params: dict[str, Any], reply: Reply) -> None:
        """What the boot waited for."""
        names = self._select(params)
        boot = self._init.history.boot
        reply.answer(200, blame(self._plan, boot, self._init.started_at, names))

    def do_graph(self, params: dict[str, Any], reply: Reply) -> None:
        """The services and their dependencies."""
        rows = []
        for name in self._select(params):
            rules = self._plan.services[name]
            wants = [other for other in rules.wants if other not in rules.needs]
            after = [o for o in rules.after if o not in rules.needs and o not in rules.wants]
            state = self._state.services[name].state
            row = {"name": name, "state": state, "needs": rules.needs}
            rows.append(row | {"wants": wants, "after": after})
        states = {name: s.state for name, s in self._state.services.items()}
        reply.answer(200, {"services": rows, "states": states})

    # --- Processes --------------------------------------------------------------------------------

    def do_tree(self, params: dict[str, Any], reply: Reply) -> None:
        """The processes of services."""
        views = self._views(self._select(params))
        work = trees(views, self._driver.runs.tasks.processes)
        self._in_turns(work, partial(reply.answer, 200), reply)

    def do_top(self, params: dict[str, Any], reply: Reply) -> None:
        """What services use; the CPU over a short while, during which everything goes on."""
        names = self._select(params)

        def begun(before: Sample) -> None:
            groups, at = usages(self._init, names), seam.monotonic()
            work = self._second_look(names, before, groups, at)
            look = partial(self._in_turns, work, partial(reply.answer, 200), reply)
            timer = self._loop.call_later(params["interval"], look)
            reply.on_leave(timer.cancel)

        self._in_turns(sample(self._driver.runs.tasks.processes), begun, reply)

    def _second_look(
        self, names: list[str], before: Sample, groups: Usages, at: float
    ) -> Generator[None, None, dict[str, Any]]:
        now = yield from sample(self._driver.runs.tasks.processes)
        known = [name for name in names if name in self._state.services]
        rows = yield from totals(self._views(known), before, now)
        fresh, span = usages(self._init, known), seam.monotonic() - at
        add_rates(rows, groups, fresh, span)
        body: dict[str, Any] = {"services": rows, "sandbox": None}
        if SANDBOX in fresh:
            body["sandbox"] = fresh[SANDBOX] | rates(groups.get(SANDBOX), fresh[SANDBOX], span)
        return body
