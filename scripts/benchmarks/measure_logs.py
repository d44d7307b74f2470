"""Logs: how fast lines of 100 bytes go into rotated files, as fast as they are taken."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Final

from .measure import Ask, Found, Limits, Measure, Trial
from .peer import Wish
from .threads import used

if TYPE_CHECKING:
    from .peer import Peer
    from .stage import Stage

_TIMEOUT: Final = 300.0
_MIB: Final = 1 << 20


def _pour(stage: Stage, peer: Peer, size: int, services: int) -> tuple[float, float]:
    """Bytes each second, and seconds of CPU of init for each byte."""
    words, wish = (str(size // services),), Wish(logs="logs")
    with stage.life(peer, services, program="chatter", words=words, wish=wish) as life:
        life.wait_until_up()
        own = life.own_processes()
        inside = {pid: outside for outside, pid in life.processes().items()}
        before = used(own)
        for record in life.records.of("S"):
            os.kill(inside[record.pid], signal.SIGUSR1)
        ended = life.records.wait("E", services, _TIMEOUT)
        began = life.records.of("B")
        took = (max(r.at for r in ended) - min(r.at for r in began)) / 1e9
        return size / took, used(own).since(before).cpu / size


def _one(stage: Stage, peer: Peer, ask: Ask) -> Found:
    speed, cost = _pour(stage, peer, (128 if ask.quick else 1024) * _MIB, 1)
    return {ONE.name: [speed / 1e6], CPU.name: [cost * 1e9]}


def _many(stage: Stage, peer: Peer, ask: Ask) -> Found:
    speed, _ = _pour(stage, peer, (2 if ask.quick else 10) * _MIB * ask.services, ask.services)
    return {MANY.name: [speed / 1e6]}


# With --quick there are fewer bytes, which are called the same.
ONE: Final = Measure("logs", "1 GiB of lines into rotated files (more is better)", "MB/s",
                     needs="keeps_logs")  # fmt: skip
CPU: Final = Measure("logs-cpu", "the same: CPU of init", "s/GB", needs="keeps_logs")
MANY: Final = Measure("logs-many", "10 MiB from each of 100 services at once (more is better)",
                      "MB/s", needs="keeps_logs")  # fmt: skip
TRIALS: Final = (
    Trial((ONE, CPU), sample=_one, full=Limits(5, 12.0), quick=Limits(1, 0.0), counts=(1,)),
    Trial((MANY,), sample=_many, full=Limits(4, 10.0), quick=Limits(1, 0.0), counts=(100,)),
)
