"""One life of an init, from its exec to its end, and what is measured on the way."""

from __future__ import annotations

import os
import random
import signal
import time
from typing import TYPE_CHECKING, Final

from . import size
from .measure import Ask, Found, Limits, Measure, Trial
from .records import BenchError

if TYPE_CHECKING:
    from .peer import Peer
    from .stage import Life, Stage

_IN_A_ROW: Final = 2  # of one life
_QUICK_REST: Final = 0.25
_REST: Final = 0.6  # s without a change of memory; an init that looks in turns has to have had one
_TIMEOUT: Final = 60.0


def _sample(stage: Stage, peer: Peer, ask: Ask) -> Found:
    found: dict[str, list[float]] = {}
    with stage.life(peer, ask.services) as life:
        last = life.wait_for_services()
        found[BOOT.name] = [(last - life.records.of("I")[0].at) / 1e6]
        if MEMORY.name in ask.wanted:
            rest = _QUICK_REST if ask.quick else max(_REST, 1.1 * peer.turn)
            found[MEMORY.name] = [size.at_rest(life, rest)]
        if ask.wanted & {STATUS.name, COMMAND.name, SHUTDOWN.name}:
            life.wait_until_up()
        if STATUS.name in ask.wanted:
            found[STATUS.name] = [
                life.status()[1] * 1e3 for _ in range(1 if ask.quick else _IN_A_ROW)
            ]
        if COMMAND.name in ask.wanted:
            found[COMMAND.name] = [life.stop_and_start() * 1e3]
        if SHUTDOWN.name in ask.wanted:
            # Not in step with an init that looks now and then, and has just been asked something.
            time.sleep(random.random() * peer.turn)
            found[SHUTDOWN.name] = [shutdown(life, ask.services)]
    return found


def shutdown(life: Life, count: int) -> float:
    """TERM to init; milliseconds until it is gone. BenchError if a service was not asked to end."""
    begin = time.monotonic_ns()
    os.kill(life.init, signal.SIGTERM)
    gone = life.records.wait("X", 1, _TIMEOUT)[0].at
    stopped = {record.name for record in life.records.of("T")}
    if len(stopped) != count:
        raise BenchError(f"only {len(stopped)} services got TERM")
    return (gone - begin) / 1e6


BOOT: Final = Measure("boot", "boot: exec of init → the last service has exec'd", "ms")
MEMORY: Final = Measure("memory", "memory of its own processes (PSS as if alone)", "MiB", rounds=4)
STATUS: Final = Measure("status", "the status command, its whole run", "ms", needs="answers")
COMMAND: Final = Measure(
    "command", "stop and start of one service, by command", "ms", needs="answers", counts=(1,)
)
SHUTDOWN: Final = Measure("shutdown", "shutdown: TERM to init → all are gone", "ms")
TRIAL: Final = Trial(
    (BOOT, SHUTDOWN, MEMORY, STATUS, COMMAND), sample=_sample, starts=True, full=Limits(20, 9.0),
    quick=Limits(3, 2.0),
)  # fmt: skip
