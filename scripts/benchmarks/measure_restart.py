"""Restart: from the SIGKILL of a service's process to the exec of its replacement."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Final

from .measure import Measure

if TYPE_CHECKING:
    from .peer import Peer
    from .stage import Life, Stage

_IN_A_ROW: Final = 5  # of one life
_TIMEOUT: Final = 30.0
_LIVED: Final = 1.1  # s


def _sample(stage: Stage, peer: Peer, count: int) -> list[float]:
    with stage.life(peer, count) as life:
        life.wait_until_up()
        return [_restart(life, died) for died in range(1, _IN_A_ROW + 1)]


def _restart(life: Life, died: int) -> float:
    # runit and s6 let a second pass between two starts, whatever happened: that is not meant here.
    time.sleep(_LIVED)
    victim = life.outside(life.records.of("S")[-1].pid)
    begin = time.monotonic_ns()
    os.kill(victim, signal.SIGKILL)
    return (life.records.wait("S", died + 1, _TIMEOUT)[died].at - begin) / 1e6


MEASURE = Measure(
    "restart",
    "restart: SIGKILL of the process → the replacement has exec'd",
    "ms",
    _sample,
    rounds=20,
    quick_rounds=3,
    tail=True,
    alone=True,
)
