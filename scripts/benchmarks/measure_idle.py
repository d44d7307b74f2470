"""Idle: what an init does for ten seconds in which nothing happens."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Final

from .measure import Measure
from .threads import used

if TYPE_CHECKING:
    from .peer import Peer
    from .stage import Stage
    from .threads import Used

_SETTLE: Final = 3.0  # s after the boot
_SPAN: Final = 10.0  # s
_SERVICES: Final = 100


def _watch(stage: Stage, peer: Peer) -> Used:
    with stage.life(peer, _SERVICES) as life:
        life.wait_until_up()
        time.sleep(_SETTLE)
        own = life.own_processes()
        before = used(own)
        time.sleep(_SPAN)
        return used(own).since(before)


def _sample(kind: str, stage: Stage, peer: Peer, _: int) -> list[float]:
    found = _watch(stage, peer)
    return [found.cpu * 1e3 if kind == "cpu" else float(found.switches)]


SWITCHES = Measure(
    "idle",
    f"idle, {_SERVICES} services, {_SPAN:g} s: context switches",
    "times",
    partial(_sample, "switches"),
    3,
    1,
    alone=True,
)
CPU = Measure(
    "idle-cpu",
    f"idle, {_SERVICES} services, {_SPAN:g} s: time on a processor",
    "ms",
    partial(_sample, "cpu"),
    3,
    1,
    alone=True,
)
