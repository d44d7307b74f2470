"""Fairness: what asking costs while a service writes into its log as fast as it is taken."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Final

from .measure import Ask, Found, Limits, Measure, Trial
from .peer import Wish
from .talk import Line

if TYPE_CHECKING:
    from .peer import Peer
    from .stage import Stage

_BYTES: Final = 1 << 40  # it does not get that far
_UNDER_WAY: Final = 0.2  # s
_COMMANDS: Final = 5
_REQUESTS: Final = 200
_APART: Final = 0.005  # s


def _sample(stage: Stage, peer: Peer, ask: Ask) -> Found:
    found: dict[str, list[float]] = {}
    wish = Wish(logs="logs")
    with stage.life(peer, 1, program="chatter", words=(str(_BYTES),), wish=wish) as life:
        life.wait_until_up()
        os.kill(life.outside(life.records.of("S")[0].pid), signal.SIGUSR1)
        life.records.wait("B", 1, 20.0)
        time.sleep(_UNDER_WAY)
        found[STATUS.name] = [life.status()[1] * 1e3 for _ in range(2 if ask.quick else _COMMANDS)]
        if REQUEST.name in ask.wanted:
            found[REQUEST.name] = []
            with Line(life.setup.socket) as line:
                for _ in range(_REQUESTS):
                    found[REQUEST.name].append(line.ask("/v1/status") * 1e3)
                    time.sleep(_APART)
    return found


_WHILE: Final = "while one service writes at full speed"
STATUS: Final = Measure(
    "fair-status", f"the status command {_WHILE}", "ms", needs="answers keeps_logs"
)
REQUEST: Final = Measure(
    "fair", f"a request on the control socket {_WHILE}", "ms", tail=True, needs="speaks_http"
)
TRIAL: Final = Trial(
    (STATUS, REQUEST), sample=_sample, full=Limits(4, 6.0), quick=Limits(1, 0.0), counts=(1,)
)
