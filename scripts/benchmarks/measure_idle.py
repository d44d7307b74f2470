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

_SETTLE: Final = 2.0  # s after the boot
_SPAN: Final = 10.0  # s
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
        time.sleep(_SPAN)
        spent = {peer.name: used(pids).since(before[peer]) for peer, pids in own.items()}
    return {
        name: {SWITCHES.name: [float(one.switches)], CPU.name: [one.cpu * 1e3]}
        for name, one in spent.items()
    }


_WHAT: Final = f"idle, {_SPAN:g} s"
SWITCHES: Final = Measure("idle", f"{_WHAT}: context switches", "times")
CPU: Final = Measure("idle-cpu", f"{_WHAT}: time on a processor", "ms")
TRIAL: Final = Trial(
    (SWITCHES, CPU), together=_together, full=Limits(3, 50.0), quick=Limits(1, 0.0),
    counts=(_SERVICES,),
)  # fmt: skip
