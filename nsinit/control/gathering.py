"""What the processes of all services use, read from /proc a few at a time.

A scrape of a thousand services reads thousands of files; init does that in pieces between which
everything else goes on. Whoever asks meanwhile, or shortly after, gets the same answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nsinit.control.metrics import Used
from nsinit.kernel import proc, seam

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from nsinit.kernel.proc import Look
    from nsinit.runtime.boot import Init

FRESH: Final = 1.0  # s for which an answer is good

Spent = tuple[int, float, float]  # a run, CPU (s) of those before it, and of it as far as seen


class Gathering:
    """Reads for everybody who asks at about the same time."""

    def __init__(self, init: Init, spent: dict[str, Spent]) -> None:
        self.spent = spent
        self._init = init
        self._waiting: list[Callable[[dict[str, Used]], object]] = []
        self._found: dict[str, Used] = {}
        self._found_at: float | None = None
        self._busy = False

    def ask(self, told: Callable[[dict[str, Used]], object]) -> None:
        """Tell what services use, now or in some milliseconds."""
        fresh = self._found_at is not None and seam.monotonic() - self._found_at < FRESH
        if fresh and not self._busy:
            told(self._found)
            return
        self._waiting.append(told)
        if not self._busy:
            self._busy = True
            self._init.reactor.turns.take(self._gather(), self._tell, self._fail)

    def _fail(self, error: Exception) -> None:
        """Whoever waits is to get the rest of the answer."""
        self._init.say.error(f"cannot read what services use: {error!r}")
        self._tell(self._found)

    def _tell(self, found: dict[str, Used]) -> None:
        self._found = found
        self._busy, self._found_at = False, seam.monotonic()
        waiting, self._waiting = self._waiting, []
        for told in waiting:
            told(self._found)

    def _gather(self) -> Generator[None, None, dict[str, Used]]:
        seen: dict[int, Look] = {}
        for pid in proc.pids():
            if (found := proc.look(pid)) is not None:
                seen[pid] = found
            yield
        stats = {pid: found.stat for pid, found in seen.items()}
        owners = self._init.driver.runs.tasks.owners(stats)
        yield
        sums: dict[str, Used] = {}
        for pid, name in owners.items():
            sums[name] = _with(sums.get(name, Used()), seen[pid])
            yield
        state, groups = self._init.driver.core.state.services, self._init.groups
        for name in list(state):
            used = sums.get(name, Used())
            group = groups.group_of(name) if groups is not None else None
            if group is not None:
                from nsinit.cgroups import usage  # noqa: PLC0415  (few inits have groups)

                spent = usage.cpu_seconds(group)
                used = used._replace(
                    cpu=used.cpu if spent is None else spent,
                    group_memory=usage.memory_used(group),
                    group_limit=usage.memory_limit(group),
                )
            if (one := state.get(name)) is not None:
                sums[name] = used._replace(cpu=self._all_cpu(name, one.run, used.cpu))
            yield
        self.spent = {name: spent for name, spent in self.spent.items() if name in state}
        return sums

    def _all_cpu(self, name: str, run: int, cpu: float) -> float:
        """CPU of all runs of a service."""
        ended: dict[int, float] = {}
        for death in self._init.history.deaths.of(name):
            used = (death.cpu_user or 0.0) + (death.cpu_system or 0.0)
            ended[death.run] = max(used, ended.get(death.run, 0.0))
        self.spent[name] = _, before, now = go_on(
            self.spent.get(name, (0, 0.0, 0.0)), run, cpu, ended
        )
        return before + now


def go_on(spent: Spent, run: int, cpu: float, ended: Mapping[int, float]) -> Spent:
    """What was spent by now, if the present run is seen to have used `cpu` (s).

    `ended` is what the main processes of runs had used in the end. What another process that is
    gone was seen to have used is not taken away.
    """
    last, before, now = spent
    if last != run:
        before += max(now, ended.get(last, 0.0))
        before += sum(used for one, used in ended.items() if last < one < run)
        now = 0.0
    return run, before, max(now, cpu, ended.get(run, 0.0))


def _with(used: Used, found: Look) -> Used:
    count = proc.descriptor_count(found.stat.pid)
    known = None if count is None or (used.processes and used.fds is None) else used.fds or 0
    return used._replace(
        cpu=used.cpu + found.cpu,
        memory=used.memory + found.rss,
        processes=used.processes + 1,
        fds=None if known is None or count is None else known + count,
    )
