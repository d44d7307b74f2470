"""Idle: what an init does for ten seconds in which nothing happens."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from .measure import Ask, Found, Limits, Measure, Trial
from .threads import used

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .peer import Peer
    from .stage import Stage

_SETTLE: Final = 1.5  # s after the boot
_SPAN: Final = 10.0  # s
_QUICK_SPAN: Final = 5.0  # s, of which as many as fill the whole are taken
_SERVICES: Final = 100


def _together(stage: Stage, peers: Sequence[Peer], ask: Ask) -> Mapping[str, Found]:
    """All inits at the same time: what one does is not to be seen in the counts of another."""
    with ExitStack() as stack:
        lives = {peer: stack.enter_context(stage.life(peer, ask.services)) for peer in peers}
        for life in lives.values():
            life.wait_until_up()
        time.sleep(_SETTLE)
        own = {peer: life.own_processes() for peer, life in lives.items()}
        before = {peer: used(pids) for peer, pids in own.items()}
        span = _QUICK_SPAN if ask.quick else _SPAN
        time.sleep(span)
        spent = {peer.name: used(pids).since(before[peer]) for peer, pids in own.items()}
    times = _SPAN / span
    return {
        name: {SWITCHES.name: [one.switches * times], CPU.name: [one.cpu * 1e3 * times]}
        for name, one in spent.items()
    }


_WHAT: Final = f"idle, {_SPAN:g} s"
SWITCHES: Final = Measure("idle", f"{_WHAT}: context switches", "times")
CPU: Final = Measure("idle-cpu", f"{_WHAT}: time on a processor", "ms")
TRIAL: Final = Trial(
    (SWITCHES, CPU), together=_together, full=Limits(2, 50.0), quick=Limits(1, 0.0),
    counts=(_SERVICES,),
)  # fmt: skip
