"""Shutdown: from TERM to init to the end of init, and of everything with it."""

from __future__ import annotations

import os
import random
import signal
import time
from typing import TYPE_CHECKING, Final

from .measure import Measure
from .records import BenchError

if TYPE_CHECKING:
    from .peer import Peer
    from .stage import Stage

_TIMEOUT: Final = 60.0


def _sample(stage: Stage, peer: Peer, count: int) -> list[float]:
    with stage.life(peer, count) as life:
        life.wait_until_up()
        records = life.records
        # Not in step with an init that wakes up once a second, and has just been asked something.
        time.sleep(random.random())
        begin = time.monotonic_ns()
        os.kill(life.init, signal.SIGTERM)
        gone = records.wait("X", 1, _TIMEOUT)[0].at
        told = len(records.of("T"))
        if told != count:
            raise BenchError(f"only {told} services got TERM")
        return [(gone - begin) / 1e6]


MEASURE = Measure("shutdown", "shutdown: TERM to init → all are gone", "ms", _sample, 15, 4)
