"""Orphans: ten thousand at full speed, which end at once, and init is to reap."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from .measure import Ask, Found, Limits, Measure, Trial
from .records import BenchError
from .threads import used

if TYPE_CHECKING:
    from .peer import Peer
    from .stage import Stage

_COUNT: Final = 10_000
_QUICK_COUNT: Final = 2_500  # which are called the same
_TIMEOUT: Final = 60.0
_PATIENCE: Final = 3.0  # s after the last


class _Seen(NamedTuple):
    """Milliseconds from the last orphan to no zombie; the most zombies; µs of CPU for each."""

    clean: float
    most: float
    cost: float


def _watch(stage: Stage, peer: Peer, count: int) -> _Seen:
    with stage.life(peer, 1, program="orphans", words=(str(count),)) as life:
        life.wait_until_up()
        init, own = life.init, life.own_processes()
        service = life.outside(life.records.of("S")[-1].pid)
        before, most, last = used(own), 0, 0
        os.kill(service, signal.SIGUSR1)
        until = time.monotonic() + _TIMEOUT
        while True:
            zombies = _orphans(init, own, service)
            now = time.monotonic_ns()
            most = max(most, zombies)
            if not last:
                life.records.read()
                last = next((record.at for record in life.records.of("O")), 0)
                until = time.monotonic() + _PATIENCE if last else until
            elif not zombies:
                cost = used(own).since(before).cpu * 1e6 / count
                return _Seen((now - last) / 1e6, most, cost)
            if time.monotonic() > until:
                if not last:
                    raise BenchError("the orphans are not made in time")
                return _Seen(float("inf"), most, used(own).since(before).cpu * 1e6 / count)


def _orphans(init: int, own: list[int], service: int) -> int:
    """The children of init that are neither its own processes nor the service."""
    with open(f"/proc/{init}/task/{init}/children") as file:
        return sum(1 for word in file.read().split() if int(word) not in (*own, service))


def _sample(stage: Stage, peer: Peer, ask: Ask) -> Found:
    seen = _watch(stage, peer, _QUICK_COUNT if ask.quick else _COUNT)
    return {CLEAN.name: [seen.clean], MOST.name: [seen.most], COST.name: [seen.cost]}


_WHAT: Final = f"{_COUNT} orphans at full speed"
CLEAN: Final = Measure("orphans", f"{_WHAT}: from the last to no zombie", "ms")
MOST: Final = Measure("orphans-zombies", f"{_WHAT}: most zombies at once", "zombies")
COST: Final = Measure("orphans-cpu", f"{_WHAT}: CPU of init for each", "µs")
TRIAL: Final = Trial(
    (CLEAN, MOST, COST), sample=_sample, full=Limits(5, 6.0), quick=Limits(1, 0.0), counts=(1,)
)
