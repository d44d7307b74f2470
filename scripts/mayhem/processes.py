"""The processes of a program as they are in /proc, found by the token in their command lines."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Final, NamedTuple

# Files of cgroup version 1 and 2.
_UNCONNECTED: Final = "01"  # in the column St of /proc/net/unix
_OOM_COUNTERS: Final = ("/memory.oom_control", "/memory.events")


class Process(NamedTuple):
    """One of ours."""

    pid: int
    parent: int
    state: str  # as in /proc/PID/stat: R S D T Z
    service: str
    role: str  # main, stray, child, hook; or parent, before a daemon is one


class Seen(NamedTuple):
    """What a look at /proc has found."""

    ours: dict[int, Process]
    zombies: list[int]  # children of `init` that are not reaped

    def of(self, service: str) -> list[Process]:
        """Those of a service that live."""
        return [one for one in self.ours.values() if one.service == service]


def look(proc: str, token: bytes, init: int) -> Seen:
    """Look through a directory of processes."""
    ours: dict[int, Process] = {}
    zombies: list[int] = []
    for name in os.listdir(proc):
        if not name.isdigit():
            continue
        with suppress(OSError, ValueError, IndexError):
            words = _read(f"{proc}/{name}/cmdline").split(b"\0")
            is_ours = len(words) > 4 and words[1] == token
            if words[0] and not is_ours:
                continue
            state, parent = stat(f"{proc}/{name}")
            if state in "ZX":
                zombies += [int(name)] if parent == init and state == "Z" else []
            elif is_ours:
                found = (words[2].decode(), words[4].decode())
                ours[int(name)] = Process(int(name), parent, state, *found)
    return Seen(ours, zombies)


def stat(path: str) -> tuple[str, int]:
    """The state of a process and its parent."""
    rest = _read(f"{path}/stat").rpartition(b")")[2].split()
    return rest[0].decode(), int(rest[1])


def memory(pid: int) -> int:
    """KiB of its own, that are in no file."""
    rows = _read(f"/proc/{pid}/status").decode().splitlines()
    return sum(int(r.split()[1]) for r in rows if r.startswith(("RssAnon:", "RssShmem:")))


def descriptors(pid: int) -> list[str]:
    """What its descriptors are, but for those that are there for services, whether they run or not.

    These are the counter of the OOM killer's victims, which init opens with the first KILL that was
    not its own, and sockets that have a name and are not connected: what services are heard by, and
    what takes connections for them.
    """
    named = _waiting(pid)
    made = []
    for name in os.listdir(f"/proc/{pid}/fd"):
        with suppress(OSError):
            made.append(os.readlink(f"/proc/{pid}/fd/{name}"))
    return [one for one in made if not one.endswith(_OOM_COUNTERS) and one not in named]


def _waiting(pid: int) -> set[str]:
    """Sockets of unix(7) with a name and nobody at the other end, as links in /proc name them."""
    rows = [row.split() for row in _read(f"/proc/{pid}/net/unix").decode().splitlines()[1:]]
    return {f"socket:[{row[6]}]" for row in rows if len(row) > 7 and row[5] == _UNCONNECTED}


def _read(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:
        return file.read()
