"""Whether the kernel killed something for lack of memory, told by its counters.

A KILL tells nobody where it came from. The kernel counts what it killed for memory: per cgroup (v2
memory.events, v1 memory.oom_control), and for the whole machine in /proc/vmstat. Where a service
has a cgroup of its own with such a counter, that one decides: it counts nobody else's.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Final

from nsinit.kernel import seam
from nsinit.units import format_size

if TYPE_CHECKING:
    from nsinit.process.strays import Strays

_MOST: Final = 1 << 16


class OomCounter:
    """Asks the counters, and remembers what they said."""

    def __init__(self, last: int | None = None) -> None:
        """`last` is what they said to whoever asked before."""
        self._places = _places()
        self._fd = -1  # of the one that counts: to open it again takes longer than to read it
        self.last = self._count() if last is None else last

    def rose(self) -> bool:
        """Whether there was another such kill since the last time."""
        before, self.last = self.last, self._count()
        return self.last > before

    def _count(self) -> int:
        if self._fd >= 0:
            if (found := _field(self._fd, b"oom_kill")) is not None:
                return found
            os.close(self._fd)
            self._fd = -1
        for path in self._places:
            try:
                fd = seam.open_fd(path, os.O_RDONLY | os.O_CLOEXEC)
            except OSError:
                continue
            if (found := _field(fd, b"oom_kill")) is not None:
                self._fd = fd
                return found
            os.close(fd)
        return 0


class Blame:
    """Who is to blame when a main process has ended by KILL: init, the kernel, or others."""

    def __init__(self, strays: Strays) -> None:
        self._strays = strays
        self._common: OomCounter | None = None
        self._by_us: set[str] = set()  # services that init itself has sent a KILL
        self._seen: dict[str, int] = {}  # what the counters of their groups said before

    def watch(self) -> None:
        """From now on a KILL by the kernel for lack of memory is told from one by hand."""
        self._common = self._common or OomCounter()

    def began(self, service: str) -> None:
        """A run has a process, and counts from now on."""
        if (count := self._count(service)) is not None:
            self._seen[service] = count

    def sent_kill(self, service: str) -> None:
        """Init has killed it."""
        self._by_us.add(service)

    def over(self, service: str) -> None:
        """Nothing of its run is left."""
        self._by_us.discard(service)
        self._seen.pop(service, None)

    def judge(self, service: str, status: int) -> tuple[bool, str]:
        """Whether the kernel killed its main process for memory; what it has killed, in words."""
        by_us = service in self._by_us
        self._by_us.discard(service)
        killed = status == -signal.SIGKILL
        count = self._count(service)
        if count is None:
            return killed and bool(self._common and self._common.rose()) and not by_us, ""
        more = count - self._seen.get(service, 0)
        self._seen[service] = count
        if more <= 0:
            return False, ""
        if self._common is not None:
            self._common.rose()  # which is nobody else's business
        limit = self._strays.groups.memory_limit(service) if self._strays.groups else None
        oom = killed and not by_us
        if oom and more == 1:
            return True, f"it may have {format_size(limit)}" if limit else ""
        processes = "one of its processes" if more == 1 else f"{more} of its processes"
        why = f"they may have {format_size(limit)}" if limit else "there was none left"
        return oom, f"the kernel killed {processes} for lack of memory: {why}"

    def _count(self, service: str) -> int | None:
        groups = self._strays.groups
        return groups.oom_kills(service) if groups is not None else None

    # --- For another init -------------------------------------------------------------------------

    def export(self) -> tuple[list[str], int | None, dict[str, int]]:
        """Who was killed by init, what the common counter said, and what those of groups did."""
        last = self._common.last if self._common is not None else None
        return sorted(self._by_us), last, self._seen

    def adopt(self, killed: list[str], last: int | None, seen: dict[str, int]) -> None:
        """Go on from there."""
        self._by_us, self._seen = set(killed), dict(seen)
        if last is not None:
            self._common = OomCounter(last)


def _places() -> list[str]:
    """The counters, the one of our own cgroup first."""
    made: list[str] = []
    for line in _slurp("/proc/self/cgroup").decode("utf-8", "replace").splitlines():
        _, controllers, path = line.split(":", 2) if line.count(":") >= 2 else ("", "-", "")
        if not controllers:
            made += [f"/sys/fs/cgroup{path}/memory.events", "/sys/fs/cgroup/memory.events"]
        elif "memory" in controllers.split(","):
            root = "/sys/fs/cgroup/memory"
            made += [f"{root}{path}/memory.oom_control", f"{root}/memory.oom_control"]
    return [*made, "/proc/vmstat"]


def _field(fd: int, name: bytes) -> int | None:
    try:
        data = seam.pread(fd, _MOST, 0)
    except OSError:
        return None
    for line in data.splitlines():
        words = line.split()
        if len(words) == 2 and words[0] == name and words[1].isdigit():
            return int(words[1])
    return None


def _slurp(path: str) -> bytes:
    try:
        fd = seam.open_fd(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return seam.read(fd, _MOST)
    except OSError:
        return b""
    finally:
        os.close(fd)
