"""What processes have used, thread by thread, as the kernel counts it (proc(5))."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from .records import BenchError

if TYPE_CHECKING:
    from collections.abc import Iterable


class Used(NamedTuple):
    """Sums over all threads: seconds on a processor, and how often one was left."""

    cpu: float
    switches: int

    def since(self, before: Used) -> Used:
        """What came in between."""
        return Used(self.cpu - before.cpu, self.switches - before.switches)


def used(pids: Iterable[int]) -> Used:
    """What these processes have used so far; BenchError when one of them is gone."""
    cpu, switches = 0, 0
    try:
        for pid in pids:
            for thread in os.listdir(f"/proc/{pid}/task"):
                place = f"/proc/{pid}/task/{thread}"
                with open(f"{place}/schedstat") as file:
                    cpu += int(file.read().split()[0])
                with open(f"{place}/status") as file:
                    switches += sum(
                        int(line.split()[1]) for line in file if "ctxt_switches:" in line
                    )
    except OSError as error:
        raise BenchError(f"a process of init has gone: {error.strerror}") from None
    return Used(cpu / 1e9, switches)
