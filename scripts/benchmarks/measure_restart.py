"""Restart: from the SIGKILL of a service's process to the exec of its replacement."""

from __future__ import annotations

import os
import signal
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from .measure import Ask, Found, Limits, Measure, Trial

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .peer import Peer
    from .stage import Life, Stage

_KILLS: Final = 10  # of one life, at some distance
_QUICK_KILLS: Final = 2
_IN_A_ROW: Final = 4  # of an init that restarts at once, however short the last life was
_SHORT: Final = 0.1  # s
_TIMEOUT: Final = 30.0
_LIVED: Final = 1.1  # s


def _together(stage: Stage, peers: Sequence[Peer], ask: Ask) -> Mapping[str, Found]:
    """All inits wait for their second at the same time, and take turns after it."""
    found: dict[str, list[float]] = {peer.name: [] for peer in peers}
    with ExitStack() as stack:
        lives = [(peer, stack.enter_context(stage.life(peer, ask.services))) for peer in peers]
        for _, life in lives:
            life.wait_until_up()
        for _ in range(_QUICK_KILLS if ask.quick else _KILLS):
            # runit and s6 let a second pass between two starts, whatever happened: that is not
            # meant here.
            time.sleep(_LIVED)
            for peer, life in lives:
                found[peer.name] += _restarts(peer, life)
            lives.reverse()
    return {name: {MEASURE.name: samples} for name, samples in found.items()}


def _restarts(peer: Peer, life: Life) -> list[float]:
    begin = time.monotonic()
    made = [_restart(life)]
    if peer.restarts_at_once:
        while len(made) < _IN_A_ROW and time.monotonic() - begin < _SHORT:
            made.append(_restart(life))
    return made


def _restart(life: Life) -> float:
    started = life.records.of("S")
    victim = life.outside(started[-1].pid)
    begin = time.monotonic_ns()
    os.kill(victim, signal.SIGKILL)
    return (life.records.wait("S", len(started) + 1, _TIMEOUT)[-1].at - begin) / 1e6


MEASURE: Final = Measure(
    "restart", "restart: SIGKILL of the process → the replacement has exec'd", "ms", tail=True
)
TRIAL: Final = Trial(
    (MEASURE,), together=_together, full=Limits(2, 90.0), quick=Limits(1, 0.0), counts=(1,)
)
