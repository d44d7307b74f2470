"""Commands: to stop one service and start it again, each of them with its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .measure import Measure

if TYPE_CHECKING:
    from .peer import Peer
    from .stage import Stage

_IN_A_ROW: Final = 3  # of one life


def _sample(stage: Stage, peer: Peer, count: int) -> list[float]:
    with stage.life(peer, count) as life:
        life.wait_until_up()
        return [life.stop_and_start() * 1e3 for _ in range(_IN_A_ROW)]


MEASURE = Measure("command", "stop and start of one service, by command", "ms", _sample, 8, 2,
                  alone=True)  # fmt: skip
