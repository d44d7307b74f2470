"""Whether the kernel killed something for lack of memory, told by its counters.

A KILL tells nobody where it came from. The kernel counts what it killed for memory: per cgroup (v2
memory.events, v1 memory.oom_control), and for the whole machine in /proc/vmstat.
"""

from __future__ import annotations

import os
from typing import Final

from nsinit.kernel import seam

_MOST: Final = 1 << 16


class OomCounter:
    """Asks the counters, and remembers what they said."""

    def __init__(self, last: int | None = None) -> None:
        """`last` is what they said to whoever asked before."""
        self._places = _places()
        self.last = self._count() if last is None else last

    def rose(self) -> bool:
        """Whether there was another such kill since the last time."""
        before, self.last = self.last, self._count()
        return self.last > before

    def _count(self) -> int:
        for path in self._places:
            found = _field(path, b"oom_kill")
            if found is not None:
                return found
        return 0


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


def _field(path: str, name: bytes) -> int | None:
    for line in _slurp(path).splitlines():
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
