"""Grace: what a service that ignores TERM takes beyond the second that it is given."""

from __future__ import annotations

import os
import signal
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from .measure import Ask, Found, Limits, Measure, Trial
from .peer import Wish

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .peer import Peer
    from .stage import Stage

_GRACE: Final = 1  # s
_APART: Final = 0.1  # s, so that what is done at the end of one is not in the way of another
_TIMEOUT: Final = 60.0


def _together(stage: Stage, peers: Sequence[Peer], ask: Ask) -> Mapping[str, Found]:
    """All inits wait for the end of the grace at the same time, a little apart."""
    wish = Wish(grace=_GRACE)
    began: dict[str, int] = {}
    with ExitStack() as stack:
        lives = {
            peer.name: stack.enter_context(
                stage.life(peer, ask.services, program="stubborn", wish=wish)
            )
            for peer in peers
        }
        for life in lives.values():
            life.wait_until_up()
        for name, life in lives.items():
            time.sleep(_APART)
            began[name] = time.monotonic_ns()
            os.kill(life.init, signal.SIGTERM)
        gone = {name: life.records.wait("X", 1, _TIMEOUT)[0].at for name, life in lives.items()}
    return {
        name: {MEASURE.name: [(gone[name] - began[name]) / 1e6 - 1e3 * _GRACE]} for name in began
    }


MEASURE: Final = Measure(
    "grace", "a service that ignores TERM: over its 1 s of grace", "ms", needs="kills"
)
TRIAL: Final = Trial(
    (MEASURE,), together=_together, full=Limits(6, 40.0), quick=Limits(1, 0.0), counts=(1,)
)
