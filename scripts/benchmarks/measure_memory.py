"""Memory: the proportional set size of init's own processes, at rest."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from .measure import Measure
from .records import BenchError

if TYPE_CHECKING:
    from .peer import Peer
    from .stage import Life, Stage

_REST: Final = 1.2  # s without a change; longer than supervisord's turn of 1 s
_LOOK: Final = 0.1  # s between looks: the kernel tells nobody of a change
_TIMEOUT: Final = 20.0


def _sample(stage: Stage, peer: Peer, count: int) -> list[float]:
    with stage.life(peer, count) as life:
        life.wait_for_services()
        size, since = _size(life), time.monotonic()
        until = since + _TIMEOUT
        while time.monotonic() < until:
            time.sleep(_LOOK)
            now = _size(life)
            if now != size:
                size, since = now, time.monotonic()
            elif time.monotonic() - since >= _REST:
                return [size / 1024]
        raise BenchError("its memory does not come to rest")


def _size(life: Life) -> int:
    """KiB. Pages of the interpreter that the benchmark itself has mapped count half, for all."""
    total = 0
    for pid in life.own_processes():
        try:
            with open(f"/proc/{pid}/smaps_rollup") as file:
                total += next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
        except OSError as error:
            raise BenchError(f"cannot read the memory of init: {error.strerror}") from None
    return total


MEASURE = Measure("memory", "memory: PSS of its own processes", "MiB", _sample, 5, 2)
