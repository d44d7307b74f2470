"""Status: the time that the command takes which shows all services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .measure import Measure

if TYPE_CHECKING:
    from .peer import Peer
    from .stage import Stage

_IN_A_ROW: Final = 5  # of one life


def _sample(stage: Stage, peer: Peer, count: int) -> list[float]:
    with stage.life(peer, count) as life:
        life.wait_until_up()
        return [life.status()[1] * 1e3 for _ in range(_IN_A_ROW)]


MEASURE = Measure("status", "the status command, its whole run", "ms", _sample, 8, 3)
