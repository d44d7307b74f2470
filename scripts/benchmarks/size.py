"""Memory: what init's own processes take, at rest.

It is their PSS (proc_pid_smaps(5)) on a machine where nothing else runs: pages of files count once
for all of them together, whoever else has them mapped. As the kernel gives it, PSS is less the more
runs beside, and an init in Python shares most of its interpreter with this very program.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from .records import BenchError

if TYPE_CHECKING:
    from .stage import Life

_LOOK: Final = 0.05  # s between looks: the kernel tells nobody of a change
_TIMEOUT: Final = 20.0


def at_rest(life: Life, rest: float) -> float:
    """MiB, once they have not changed for so long (s)."""
    size, since = _own(life), time.monotonic()
    until = since + _TIMEOUT
    while time.monotonic() < until:
        time.sleep(_LOOK)
        now = _own(life)
        if now != size:
            size, since = now, time.monotonic()
        elif time.monotonic() - since >= rest:
            return (size + _files(life)) / 1024
    raise BenchError("its memory does not come to rest")


def _own(life: Life) -> int:
    """KiB that are in no file."""
    total = 0
    for pid in life.own_processes():
        for line in _lines(pid, "smaps_rollup"):
            if line.startswith(("Pss_Anon:", "Pss_Shmem:")):
                total += int(line.split()[1])
    return total


def _files(life: Life) -> int:
    """KiB of files: of each as much as the process has that has most of it."""
    most: dict[str, int] = {}
    for pid in life.own_processes():
        sizes: dict[str, int] = {}
        path = ""
        for line in _lines(pid, "smaps"):
            key, *rest = line.split(maxsplit=5)
            if not key.endswith(":"):  # the head of a mapping: addresses, ..., its file
                path = rest[-1].strip() if rest[-1].startswith("/") else ""
            elif path and key in ("Rss:", "Anonymous:"):
                size = int(rest[0])
                sizes[path] = sizes.get(path, 0) + (size if key == "Rss:" else -size)
        for file, size in sizes.items():
            most[file] = max(size, most.get(file, 0))
    return sum(most.values())


def _lines(pid: int, name: str) -> list[str]:
    try:
        with open(f"/proc/{pid}/{name}") as file:
            return file.readlines()
    except OSError as error:
        raise BenchError(f"cannot read the memory of init: {error.strerror}") from None
