"""Scale: what each service more costs, and each subscriber to events. Only of nsinit."""

from __future__ import annotations

import os
import resource
import signal
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final

from . import size
from .measure import Ask, Found, Limits, Measure, Trial
from .measure_life import shutdown
from .talk import Line, wait_for_all

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .peer_nsinit import NsinitScale
    from .stage import Life, Stage

_IN_A_ROW: Final = 3
_TOLD: Final = 5  # events of one life
_REST: Final = 0.3  # s
_TIMEOUT: Final = 20.0
_FILES_EACH: Final = 4  # the control socket of init takes a quarter of the files it may open


def _curve(stage: Stage, peer: NsinitScale, ask: Ask) -> Found:
    with stage.life(peer, ask.services) as life:
        boot = (life.wait_for_services() - life.records.of("I")[0].at) / 1e6
        life.wait_until_up()
        memory = size.at_rest(life, _REST)
        status = [life.status()[1] * 1e3 for _ in range(_IN_A_ROW)]
        peer.change_one(life.setup)
        update = life.ask(life.setup.update)[1] * 1e3
        return {
            BOOT.name: [boot],
            MEMORY.name: [memory],
            STATUS.name: status,
            UPDATE.name: [update],
            SHUTDOWN.name: [shutdown(life, ask.services)],
        }


def _fan_out(stage: Stage, peer: NsinitScale, ask: Ask) -> Found:
    with _files(ask.services * _FILES_EACH), stage.life(peer, 1) as life, ExitStack() as stack:
        life.wait_until_up()
        lines = [stack.enter_context(Line(life.setup.socket)) for _ in range(ask.services)]
        for line in lines:
            line.send("/v1/events?follow=true&type=started&since_seq=0")
        wait_for_all(lines, _row(1))
        return {EVENTS.name: [_tell(life, lines, run) for run in range(2, 2 + _TOLD)]}


@contextmanager
def _files(least: int) -> Iterator[None]:
    """Let this and what it starts have so many files open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, least), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _tell(life: Life, lines: list[Line], run: int) -> float:
    victim = life.outside(life.records.of("S")[-1].pid)
    os.kill(victim, signal.SIGKILL)
    last = wait_for_all(lines, _row(run))
    began = life.records.wait("S", run, _TIMEOUT)[-1].at / 1e9
    # It is told of right after the service has begun: what was before is a restart like another.
    return max(0.0, last - began) * 1e3


def _row(run: int) -> bytes:
    return b'"run":%d,' % run


_ALONE: Final = "nsinit alone"
BOOT: Final = Measure("scale-boot", f"{_ALONE}: boot", "ms")
STATUS: Final = Measure("scale-status", f"{_ALONE}: the status command", "ms")
UPDATE: Final = Measure("scale-update", f"{_ALONE}: an update that changes one service", "ms")
SHUTDOWN: Final = Measure("scale-shutdown", f"{_ALONE}: shutdown", "ms")
MEMORY: Final = Measure("scale-memory", f"{_ALONE}: memory", "MiB")
EVENTS: Final = Measure(
    "scale-events", f"{_ALONE}: start of a service → the last subscriber knows", "ms",
    things="subscribers",
)  # fmt: skip
TRIALS: Final = (
    Trial(
        (BOOT, STATUS, UPDATE, SHUTDOWN, MEMORY), sample=_curve, full=Limits(5, 12.0),
        quick=Limits(1, 0.0), family="scale", counts=(10, 100, 1000, 5000),
        quick_counts=(10, 100, 1000),
    ),
    Trial(
        (EVENTS,), sample=_fan_out, full=Limits(4, 5.0), quick=Limits(1, 0.0), family="scale",
        counts=(1, 10, 100, 250, 1000), files_each=_FILES_EACH,
    ),
)  # fmt: skip
