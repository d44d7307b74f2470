"""Logs: how fast lines of 100 bytes go into rotated files, as fast as they are taken."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Final, NamedTuple

from .lines import lost
from .measure import Ask, Found, Limits, Measure, Trial
from .peer import Wish
from .threads import used

if TYPE_CHECKING:
    from .peer import Peer
    from .stage import Stage

_TIMEOUT: Final = 300.0
_END_TIMEOUT: Final = 60.0
_MIB: Final = 1 << 20


class _Poured(NamedTuple):
    """MB each second; seconds of CPU of init for each GB; lines that are not there."""

    speed: float
    cost: float
    lost: float


def _pour(stage: Stage, peer: Peer, services: int, size: int, *, stamped: bool = False) -> _Poured:
    """Let so many services write so many bytes each."""
    wish = Wish(logs="logs", stamped=stamped)
    with stage.life(peer, services, program="chatter", words=(str(size),), wish=wish) as life:
        life.wait_until_up()
        own = life.own_processes()
        inside = {pid: outside for outside, pid in life.processes().items()}
        before = used(own)
        for record in life.records.of("S"):
            os.kill(inside[record.pid], signal.SIGUSR1)
        ended = life.records.wait("E", services, _TIMEOUT)
        began = life.records.of("B")
        took = (max(r.at for r in ended) - min(r.at for r in began)) / 1e9
        cost = used(own).since(before).cpu
        os.kill(life.init, signal.SIGTERM)
        life.records.wait("X", 1, _END_TIMEOUT)
        gigabytes = size * services / 1e9
        return _Poured(1000 * gigabytes / took, cost / gigabytes, lost(life.logs, size))


def _one(stage: Stage, peer: Peer, ask: Ask) -> Found:
    found = _pour(stage, peer, 1, _one_size(ask))
    return {ONE.name: [found.speed], CPU.name: [found.cost], LOST.name: [found.lost]}


def _stamped(stage: Stage, peer: Peer, ask: Ask) -> Found:
    found = _pour(stage, peer, 1, _one_size(ask), stamped=True)
    return {STAMPED.name: [found.speed]}


def _many(stage: Stage, peer: Peer, ask: Ask) -> Found:
    found = _pour(stage, peer, ask.services, (1 if ask.quick else 10) * _MIB)
    return {MANY.name: [found.speed], MANY_LOST.name: [found.lost]}


def _one_size(ask: Ask) -> int:
    """With --quick there are fewer bytes, which are called the same."""
    return (64 if ask.quick else 1024) * _MIB


ONE: Final = Measure("logs", "1 GiB of lines into rotated files", "MB/s", more=True,
                     needs="keeps_logs")  # fmt: skip
CPU: Final = Measure("logs-cpu", "the same: CPU of init", "s/GB", needs="keeps_logs")
LOST: Final = Measure("logs-lost", "the same: lines lost of those in the files that are kept",
                      "lines", needs="keeps_logs")  # fmt: skip
STAMPED: Final = Measure("logs-stamped", "the same with the time before each line", "MB/s",
                         more=True, needs="stamps_logs")  # fmt: skip
MANY: Final = Measure("logs-many", "10 MiB of lines from each at once", "MB/s", more=True,
                      needs="keeps_logs")  # fmt: skip
MANY_LOST: Final = Measure("logs-many-lost", "the same: lines lost", "lines", needs="keeps_logs")
TRIALS: Final = (
    Trial((ONE, CPU, LOST), sample=_one, full=Limits(5, 8.0), quick=Limits(1, 0.0), counts=(1,)),
    Trial((STAMPED,), sample=_stamped, full=Limits(5, 8.0), quick=Limits(1, 0.0), counts=(1,)),
    Trial((MANY, MANY_LOST), sample=_many, full=Limits(4, 6.0), quick=Limits(1, 0.0),
          counts=(100,)),
)  # fmt: skip
