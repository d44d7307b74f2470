"""What each command of the table does to the running init.

A handler gets the checked parameters and a `Reply` to answer through: at once, later (a `Wait`
answers when services have come where they were to go), or bit by bit (a stream). It never blocks.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from msgspec import Raw, structs

import nsinit
from nsinit import __version__
from nsinit.control.care import Care
from nsinit.control.carry import Going
from nsinit.control.eventfeed import Rows
from nsinit.control.groups import SANDBOX, usages
from nsinit.control.insight import Insight
from nsinit.control.past import Past
from nsinit.control.pausing import Pausing
from nsinit.control.reading import Reading
from nsinit.control.routes import Refusal, encode
from nsinit.control.select import select
from nsinit.control.shapes import show
from nsinit.control.tally import Tally
from nsinit.control.waiting import BAD, Wait, results
from nsinit.core import messages as m
from nsinit.core.state import AT_REST, State
from nsinit.core.view import view_service
from nsinit.errors import ConfigError
from nsinit.kernel import seam
from nsinit.process.smallfile import read_small
from nsinit.runtime.reexec import RefusedError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Collection, Container, Generator

    from nsinit.control.reply import Reply
    from nsinit.core.view import ServiceView
    from nsinit.errors import NsinitError
    from nsinit.model.differ import Difference
    from nsinit.runtime.boot import Init

_VERSION_MAX: Final = 64 << 10
_REASON_MAX: Final = 2000  # characters of a refusal that are kept
_FEW: Final = 100  # services, of which all can be told at once
_PIECE: Final = 16
_SETTLED: Final = frozenset({State.RUNNING, State.EXITED, State.FAILED, State.BACKOFF})


class Handlers(Insight, Care, Pausing, Past, Reading):
    """One method per row of the command table, by its name."""

    def __init__(self, init: Init, loop: asyncio.AbstractEventLoop) -> None:
        self._init = init
        self._driver = init.driver
        self._loop = loop
        self.stopped_by: dict[str, tuple[int, float]] = {}  # uid, and when (clock time, s)
        self.clients_dropped = 0
        self.count_clients: Callable[[], int] = lambda: 0
        self.spent = {}
        self._event_rows = Rows()
        self.tally = Tally(init.history)
        init.history.forgetters += [self.tally.forget_all_but, self._forget_all_but]

    def __call__(self, name: str, params: dict[str, Any], reply: Reply) -> None:
        """Carry out a command; Refusal if it can't be."""
        told = self._note_request(name, params, reply)
        try:
            if name in ("start", "stop", "restart"):
                self._before_steering(name, params, reply)
            getattr(self, f"do_{name}")(params, reply)
        except Refusal as refusal:
            told["reason"] = f"refused: {refusal}"[:_REASON_MAX]
            raise

    def _forget_all_but(self, names: Collection[str]) -> None:
        """Who stopped what is no more matters to nobody."""
        self.stopped_by = {name: who for name, who in self.stopped_by.items() if name in names}

    # --- Looking ----------------------------------------------------------------------------------

    def do_status(self, params: dict[str, Any], reply: Reply) -> None:
        """All about init and the chosen services."""
        names = self._select(params)
        work = self._status(names, named=bool(params["names"]))
        if len(names) <= _FEW:
            reply.answer(200, _whole(work))
        else:
            self._in_turns(work, partial(reply.answer, 200), reply)

    def _status(self, names: list[str], *, named: bool) -> Generator[None, None, dict[str, object]]:
        """Each service as it is when it is its turn; all of 5000 at once would take 40 ms.

        What services use, and what became of their output, is told of those that are `named`:
        others may be many.
        """
        used = usages(self._init, names if named else ())
        about = self._about_init() | {"usage": used.get(SANDBOX)}
        rows: list[Raw] = []
        for at in range(0, len(names), _PIECE):
            now, wall = seam.monotonic(), seam.wall()
            there = self._driver.core.plan.services  # an update may have come between
            some = [name for name in names[at : at + _PIECE] if name in there]
            logs = self._init.logs.of_services(some if named else ())
            for view in self._views(some):
                row = show(view, now, wall)
                row["usage"], row["logs"] = used.get(view.name), logs.get(view.name)
                rows.append(Raw(encode(row)))
            yield
        return {"init": about, "services": rows}

    def do_list(self, params: dict[str, Any], reply: Reply) -> None:
        """Names, and what they are."""
        plan = self._driver.core.plan.services
        rows = [
            {
                "name": n,
                "type": plan[n].type,
                "tags": plan[n].tags,
                "description": plan[n].description,
            }
            for n in self._select(params)
            if params["state"] in (None, self._state.services[n].state)
        ]
        reply.answer(200, {"services": rows})

    def do_version(self, _: dict[str, Any], reply: Reply) -> None:
        """Of the program that runs, which need not be the one on disk."""
        body = {"version": __version__, "pid": os.getpid(), "on_disk": _version_on_disk()}
        reply.answer(200, body)

    def _about_init(self) -> dict[str, Any]:
        state = self._driver.core.state
        return {
            "version": __version__,
            "pid": os.getpid(),
            "phase": state.phase,
            "main": self._driver.core.plan.main,
            "uptime": round(seam.monotonic() - self._init.started_at, 3),
            "orphans_reaped": self._driver.runs.orphans_reaped,
            "log_bytes_dropped": self._init.logs.outputs.dropped,
            "clients_dropped": self.clients_dropped,
            "addresses": _addresses(),
        }

    def _select(self, params: dict[str, Any]) -> list[str]:
        return select(params["names"], self._driver.core.plan.services)

    # --- Steering ---------------------------------------------------------------------------------

    def do_start(self, params: dict[str, Any], reply: Reply) -> None:
        """Want services up."""
        names = self._select_steerable(params)
        runs = {s.name: s.run for s in self._views(names)}
        self._driver.post(m.Start(tuple(names)))
        self._wait(names, params, reply, _settled, runs)

    def do_stop(self, params: dict[str, Any], reply: Reply) -> None:
        """Want services down."""
        names = self._select(params)
        self._driver.post(m.Stop(tuple(names)))
        self._wait(names, params, reply, lambda s: s.state in AT_REST, bad=())

    def do_restart(self, params: dict[str, Any], reply: Reply) -> None:
        """Stop services and start them again."""
        names = self._select_steerable(params)
        runs = {s.name: s.run for s in self._views(names)}
        self._driver.post(m.Restart(tuple(names)))
        self._wait(names, params, reply, lambda s: _settled_after(s, runs[s.name]), runs)

    def do_signal(self, params: dict[str, Any], reply: Reply) -> None:
        """Signal main processes."""
        names, number = self._select(params), params["signal"]
        state = self._state.services
        results = []
        for name in names:
            pid = state[name].pid
            reason = "" if pid else "it has no process"
            if pid:
                try:
                    seam.kill(pid, number)
                    self._driver.chronicle.signalled(name, state[name].run, number)
                except OSError as error:
                    reason = f"cannot signal {pid}: {error.strerror}"
            results.append({"name": name, "ok": not reason, "reason": reason})
        reply.answer(200, {"results": results})

    def do_update(self, params: dict[str, Any], reply: Reply) -> None:
        """Read the configuration again; if it is wrong nothing is changed."""
        self._answer_change(reply, partial(self._init.updater.update, dry_run=params["dry_run"]))

    def do_scale(self, params: dict[str, Any], reply: Reply) -> None:
        """Change how many instances services have."""
        counts: dict[str, int] = {}
        for word in params["names"]:
            name, _, count = word.rpartition("=")
            counts[name] = int(count)
        self._answer_change(reply, partial(self._init.updater.scale, counts))

    def _answer_change(self, reply: Reply, change: Callable[[], Difference]) -> None:
        if self._driver.core.state.phase != "up":
            raise Refusal(409, "shutting-down", "init is shutting down and changes nothing")
        try:
            found = change()
        except ConfigError as error:
            raise Refusal(422, "bad-configuration", str(error)) from None
        reply.answer(200, structs.asdict(found))

    def do_shutdown(self, params: dict[str, Any], reply: Reply) -> None:
        """End everything; the answer comes first."""
        code = params["exit_code"]
        reply.answer(200, {"phase": "stopping"})
        self._loop.call_soon(self._driver.post, m.Shutdown(code, hurry=bool(params["now"])))

    def _select_steerable(self, params: dict[str, Any]) -> list[str]:
        if self._driver.core.state.phase != "up":
            raise Refusal(409, "shutting-down", "init is shutting down and starts nothing")
        known, leaving = self._driver.core.plan.services, self._state.leaving
        if leaving:  # they stop by the last update, and nobody can want them up again
            known = {name: rules for name, rules in known.items() if name not in leaving}
        return select(params["names"], known)

    def _wait(
        self,
        names: list[str],
        params: dict[str, Any],
        reply: Reply,
        done: Callable[[ServiceView], bool],
        runs: dict[str, int] | None = None,
        bad: Container[State] = BAD,
    ) -> None:
        """Answer when all are `done`; `runs` are those before it was asked, if new ones matter."""
        services = self._views(names)
        if params["no_wait"]:
            reply.answer(200, {"results": results(services, lambda _: True)})
            return
        wait = Wait(services, done, reply, self._init.history, runs, bad)
        reply.carry(
            lambda: Going(kind="wait", names=names, runs=dict(runs or {}), until=wait.until)
        )
        wait.begin(self._loop, params["timeout"])

    def _views(self, names: list[str]) -> list[ServiceView]:
        core, schedules = self._driver.core, self._init.schedules
        views = [view_service(core.state.services[n], core.plan.services[n]) for n in names]
        if schedules is None:
            return views
        return [
            structs.replace(s, next_run=schedules.next_run(s.name)) if s.want == "up" else s
            for s in views
        ]

    # --- Being replaced ---------------------------------------------------------------------------

    def do_reexec(self, params: dict[str, Any], reply: Reply) -> None:
        """Put what is installed now in the place of this program; that one answers."""
        reexec = self._init.reexec
        if reexec is None:
            why = "there is none of nsinit in its root" if self._init.given.own_root else ""
            raise Refusal(409, "no-reexec", "this init can't be replaced while it runs", why)
        reply.carry(lambda: Going(kind="reexec", version=__version__))

        def failed(error: NsinitError) -> None:
            refusal = Refusal(409, "not-replaced", error.message, error.hint)
            reply.answer(409, refusal.body())

        try:
            reexec.begin(params["timeout"], failed)
        except RefusedError as error:
            raise Refusal(409, "not-replaced", error.message, error.hint) from None

    def go_on(
        self, name: str, params: dict[str, Any], going: Going, reply: Reply
    ) -> Callable[[], object] | None:
        """Go on with an answer of the init before this one; what to do once the client hears us.

        None if this can't be done. A stream takes part in what happens from now on.
        """
        made: Callable[[], object] | None = None
        match name, going.kind:
            case "logs" | "attach", "stream":
                made = self._read_on(params, going, reply)
            case "screen" | "terminal", "stream":
                made = self._attach_again(name, going, reply)
            case "events", "stream":
                made = partial(self._events_go_on(params, going, reply).go_on, going.rows)
            case (("start" | "stop" | "restart"), "wait"):
                made = partial(self._wait_on, name, params, going, reply)
            case "wait", "wait":
                left = max(0.0, going.until - seam.monotonic())
                made = partial(self.do_wait, {**params, "timeout": left}, reply)
            case "reexec", "reexec":
                body = {"version": __version__, "before": going.version, "pid": os.getpid()}
                made = partial(reply.answer, 200, body)
        return made

    def _wait_on(self, name: str, params: dict[str, Any], going: Going, reply: Reply) -> None:
        known = self._driver.core.plan.services
        names = [one for one in going.names if one in known]
        params = {**params, "timeout": max(0.0, going.until - seam.monotonic())}
        done: dict[str, Callable[[ServiceView], bool]] = {
            "start": _settled,
            "stop": lambda s: s.state in AT_REST,
            "restart": lambda s: _settled_after(s, going.runs[s.name]),
        }
        bad = () if name == "stop" else BAD
        self._wait(names, params, reply, done[name], going.runs or None, bad)


def _version_on_disk() -> str | None:
    """Of what is installed where this program came from; None if that can't be read."""
    try:
        text = read_small(nsinit.__file__, _VERSION_MAX).decode()
    except (OSError, ValueError, TypeError):
        return None
    rows = (row for row in text.splitlines() if row.startswith("__version__ = "))
    return next((row.partition("=")[2].strip(" \"'") for row in rows), None)


def _settled(s: ServiceView) -> bool:
    """Whether it is clear what came of a start; a oneshot has to end for that."""
    if s.state is State.WAITING:
        return s.awaits_trigger
    return s.state in _SETTLED and not (s.type == "oneshot" and s.state is State.RUNNING)


def _settled_after(s: ServiceView, run: int) -> bool:
    idle = s.state is State.WAITING and s.awaits_trigger  # and nothing was to be stopped
    return s.state is State.FAILED or idle or (s.run > run and _settled(s))


def _addresses() -> list[str]:
    """Where this network can be reached; none where that may not be asked."""
    from nsinit.kernel import interfaces  # noqa: PLC0415  (few ask)

    try:
        return interfaces.addresses()
    except OSError:
        return []


def _whole(work: Generator[None, None, dict[str, object]]) -> dict[str, object]:
    """What a work returns, done at once."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            made: dict[str, object] = end.value
            return made
