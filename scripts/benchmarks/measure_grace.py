"""Grace: what a service that ignores TERM takes beyond the second that it is given."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Final

from .measure import Measure
from .peer import Wish

if TYPE_CHECKING:
    from .peer import Peer
    from .stage import Stage

_GRACE: Final = 1  # s
_TIMEOUT: Final = 60.0


def _sample(stage: Stage, peer: Peer, count: int) -> list[float]:
    with stage.life(peer, count, program="stubborn", wish=Wish(grace=_GRACE)) as life:
        life.wait_until_up()
        begin = time.monotonic_ns()
        os.kill(life.init, signal.SIGTERM)
        gone = life.records.wait("X", 1, _TIMEOUT)[0].at
        return [(gone - begin) / 1e6 - 1e3 * _GRACE]


MEASURE = Measure(
    "grace", "a service that ignores TERM: over its 1 s of grace", "ms", _sample, 8, 2, alone=True
)
