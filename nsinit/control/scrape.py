"""Answers `metrics`: the snapshots and counters of a running init, put together and rendered.

Nothing of it takes long at once: what processes use is gathered in pieces, and so is the text.
"""

from __future__ import annotations

import os
import platform
import resource
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from nsinit import __version__
from nsinit.control import metrics
from nsinit.control.accepting import CONTENT_TYPES, OPENMETRICS
from nsinit.control.gathering import Gathering
from nsinit.control.health import HEALTHY, assess, judge, wanted
from nsinit.control.routes import Refusal
from nsinit.core.view import view_service
from nsinit.kernel import proc, seam
from nsinit.nearest import did_you_mean
from nsinit.runtime.tally import CAPTURE

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Generator, Iterator

    from nsinit.control.gathering import Spent
    from nsinit.control.metrics import Used
    from nsinit.control.reply import Reply
    from nsinit.control.tally import Tally
    from nsinit.runtime.boot import Init

_Key = tuple[str, frozenset[str]]  # the format, and which families
_NONE: Final[dict[str, int]] = {}


class Scraper:
    """Answers everybody who asks for figures."""

    def __init__(
        self, init: Init, loop: asyncio.AbstractEventLoop, tally: Tally, spent: dict[str, Spent]
    ) -> None:
        self.gathering = Gathering(init, spent)
        self._init = init
        self._loop = loop
        self._tally = tally
        self._asked: dict[_Key, list[Reply]] = {}

    def answer(self, params: dict[str, Any], clients: dict[str, int], reply: Reply) -> None:
        """Answer in a moment; Refusal if there is no such family."""
        if (name := metrics.unknown(params["family"])) is not None:
            known = [family.name for family in metrics.FAMILIES]
            raise Refusal(404, "unknown-name", f"there is no {name!r}", did_you_mean(name, known))
        key = params["format"] or OPENMETRICS, frozenset(params["family"])
        if key in self._asked:  # the same text is made now, or soon
            self._asked[key].append(reply)
            return
        self._asked[key] = [reply]
        self.gathering.ask(partial(self._begin, key, clients))

    def _begin(self, key: _Key, clients: dict[str, int], used: dict[str, Used]) -> None:
        work = self._text(key, clients, used)
        self._init.reactor.turns.take(work, partial(self._tell, key), partial(self._fail, key))

    def _tell(self, key: _Key, text: bytes) -> None:
        self._finish(key, lambda reply: reply.answer_text(CONTENT_TYPES[key[0]], text))

    def _fail(self, key: _Key, error: Exception) -> None:
        self._init.say.error(f"internal error: cannot put figures together: {error!r}")
        body = Refusal(500, "internal", f"cannot put the figures together: {error!r}").body()
        self._finish(key, lambda reply: reply.answer(500, body))

    def _finish(self, key: _Key, answer: Callable[[Reply], object]) -> None:
        for reply in self._asked.pop(key):
            answer(reply)

    def _text(
        self, key: _Key, clients: dict[str, int], used: dict[str, Used]
    ) -> Generator[None, None, bytes]:
        core = self._init.driver.core
        services: list[metrics.ServiceFacts] = []
        for name in list(core.plan.services):
            if (found := self._service(name, used)) is not None:
                services.append(found)
            yield
        now = seam.monotonic()
        epoch = seam.wall() - now
        about = self._about_init(epoch, clients)
        logs = []
        for row in self._logs():
            logs.append(row)
            yield
        facts = metrics.Facts(now, epoch, services, about, _build(self._loop), logs)
        text: list[str] = []
        for piece in metrics.render(facts, *key):
            text.append(piece)
            yield
        return "".join(text).encode()

    def _logs(self) -> Iterator[tuple[str, str, float]]:
        known = self._init.driver.core.plan.services
        for one in self._init.logs.counters():
            if one.service not in known:
                continue
            stream = f"{metrics.service_labels(one.service)},{metrics.labels(stream=one.stream)}"
            if one.sink == CAPTURE:
                yield "bytes", stream, one.bytes
            else:
                yield "dropped", f"{stream},{metrics.labels(sink=one.sink)}", one.dropped

    def _service(self, name: str, used: dict[str, Used]) -> metrics.ServiceFacts | None:
        core, boot = self._init.driver.core, self._init.history.boot
        rules, s = core.plan.services.get(name), core.state.services.get(name)
        if rules is None or s is None:  # an update has taken it away meanwhile
            return None
        up_at = boot[name].up_at if name in boot else None
        return metrics.ServiceFacts(
            view=view_service(s, rules),
            labels=metrics.service_labels(name),
            healthy=judge(s, rules)[0] == HEALTHY,
            used=used.get(name, metrics.Used()),
            ends=self._tally.ends.get(name, _NONE),
            boot=None if up_at is None else round(up_at - self._init.started_at, 3),
        )

    def _about_init(self, epoch: float, clients: dict[str, int]) -> dict[str, float | None]:
        init, core = self._init, self._init.driver.core
        verdict = assess(core.plan, core.state, wanted(core.state))["health"]
        me, times = proc.look(os.getpid()), os.times()
        return {
            "ready": verdict == HEALTHY,
            "services": len(core.state.services),
            "boot": self._boot(),
            "orphans": init.driver.runs.orphans_reaped,
            "events": init.history.number,
            **clients,
            "started": round(epoch + init.started_at, 3),
            "cpu": round(times.user + times.system, 3),
            "memory": me.rss if me is not None else None,
            "fds": proc.descriptor_count(os.getpid()),
            "max_fds": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        }

    def _boot(self) -> float | None:
        """How long all of the boot took; None while something of it is not up."""
        times = self._init.history.boot.values()
        first = min((t.waiting_at for t in times if t.waiting_at is not None), default=None)
        ends = [t.up_at for t in times if t.waiting_at == first is not None]
        if not ends or None in ends:
            return None
        return round(max(at for at in ends if at is not None) - self._init.started_at, 3)


def _build(loop: asyncio.AbstractEventLoop) -> dict[str, str]:
    kind = type(loop).__module__.partition(".")[0]
    return {"version": __version__, "python": platform.python_version(), "loop": kind}
