"""Boot: from the exec of init to the exec of the last service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .measure import Measure

if TYPE_CHECKING:
    from .peer import Peer
    from .stage import Stage


def _sample(stage: Stage, peer: Peer, count: int) -> list[float]:
    with stage.life(peer, count) as life:
        last = life.wait_for_services()
        return [(last - life.records.of("I")[0].at) / 1e6]


MEASURE = Measure("boot", "boot: exec of init → the last service has exec'd", "ms", _sample, 20, 5)
