"""Logs: how fast lines of 100 bytes go into rotated files, as fast as they are taken."""

from __future__ import annotations

import os
import signal
from functools import partial
from typing import TYPE_CHECKING, Final

from .measure import Measure
from .peer import Wish
from .threads import used

if TYPE_CHECKING:
    from .peer import Peer
    from .stage import Stage

_TIMEOUT: Final = 300.0
_MIB: Final = 1 << 20


def _sample(kind: str, size: int, services: int, stage: Stage, peer: Peer, _: int) -> list[float]:
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
        cpu = used(own).since(before).cpu
    return [size / 1e6 / took if kind == "speed" else cpu / (size / 1e9)]


ONE = Measure("logs", "1 GiB of lines into rotated files (more is better)", "MB/s",
              partial(_sample, "speed", 1024 * _MIB, 1), 4, 1, alone=True,
              needs="keeps_logs")  # fmt: skip
CPU = Measure("logs-cpu", "the same: CPU of init", "s/GB",
              partial(_sample, "cpu", 1024 * _MIB, 1), 4, 1, alone=True,
              needs="keeps_logs")  # fmt: skip
MANY = Measure("logs-many", "100 services of 10 MiB each (more is better)", "MB/s",
               partial(_sample, "speed", 1000 * _MIB, 100), 3, 1, alone=True,
               needs="keeps_logs")  # fmt: skip
