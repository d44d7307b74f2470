"""Which namespaces there are, who is in them, whose they are, and which kinds can be made.

All of it is read from /proc, as far as we may: of processes of other users only root sees the
namespaces (ptrace(2), "Ptrace access mode checking").
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from nsinit.kernel import mountinfo, namespaces, nsfs, proc, seam

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nsinit.kernel.namespaces import Kind

KINDS: Final[tuple[Kind, ...]] = tuple(namespaces.FLAGS)
# proc_pid_ns(5): which namespaces the next child will be in.
FOR_CHILDREN: Final = ("pid_for_children", "time_for_children")


class Namespace(NamedTuple):
    """One namespace."""

    inode: int
    kind: Kind
    processes: int
    pid: int | None  # the lowest of them; None if only a file holds it
    command: str  # of that one
    owner: int | None  # the inode of the user namespace it belongs to; None if that is beyond ours
    uid: int | None  # who owns that
    pins: tuple[str, ...]  # files that hold it

    def as_json(self) -> dict[str, object]:
        """For programs."""
        return self._asdict() | {"pins": list(self.pins)}


class Census(NamedTuple):
    """What was found."""

    namespaces: list[Namespace]
    hidden: int  # processes that we may not look at


def inode_of(pid: int, name: str) -> int | None:
    """The inode of a namespace of a process; None if we may not know, or there is none."""
    try:
        text = os.readlink(f"/proc/{pid}/ns/{name}")
    except OSError:
        return None
    number = text.partition("[")[2].rstrip("]")
    return int(number) if number.isdigit() else None


def file_of(kind: Kind) -> str:
    """The name of a kind in /proc/PID/ns: "mnt" for mount."""
    return namespaces.path_of(kind, "self").rpartition("/")[2]


def take() -> Census:
    """Every namespace of a process, or held by a file, that we can see; by kind and inode."""
    members: dict[tuple[Kind, int], list[int]] = {}
    hidden = 0
    for pid in sorted(int(name) for name in seam.list_directory("/proc") if name.isdigit()):
        seen = {kind: inode_of(pid, file_of(kind)) for kind in KINDS}
        hidden += not any(seen.values()) and _runs(pid)
        for kind, inode in seen.items():
            if inode is not None:
                members.setdefault((kind, inode), []).append(pid)
    pins = find_pins()
    for key in pins:
        members.setdefault(key, [])
    ordered = sorted(members, key=lambda key: (KINDS.index(key[0]), key[1]))
    return Census([_describe(key, members[key], pins.get(key, ())) for key in ordered], hidden)


def _runs(pid: int) -> bool:
    """Whether it is a process that has namespaces: neither gone nor a zombie."""
    found = proc.stat(pid)
    return found is not None and found.state not in "ZX"


def _describe(key: tuple[Kind, int], pids: list[int], pins: Iterable[str]) -> Namespace:
    kind, inode = key
    pins = tuple(pins)
    path = namespaces.path_of(kind, pids[0]) if pids else next(iter(pins), "")
    owner = nsfs.Owner(None, None)
    with suppress(OSError):
        owner = nsfs.owner(path)
    command = ""
    if pids and (used := proc.usage(pids[0])) is not None:
        command = proc.command_line(used)
    pid = pids[0] if pids else None
    return Namespace(inode, kind, len(pids), pid, command, owner.inode, owner.uid, pins)


def find_pins() -> dict[tuple[Kind, int], tuple[str, ...]]:
    """The files that hold namespaces in our mount namespace: mounts of nsfs."""
    found: dict[tuple[Kind, int], tuple[str, ...]] = {}
    kinds = {file_of(kind): kind for kind in KINDS}
    with suppress(OSError):
        for mount in mountinfo.read():
            name, _, number = mount.root.partition(":[")
            number = number.rstrip("]")
            if mount.kind == "nsfs" and name in kinds and number.isdigit():
                key = kinds[name], int(number)
                found[key] = (*found.get(key, ()), mount.target)
    return found


class Support(NamedTuple):
    """Whether a kind can be made here."""

    kind: Kind
    supported: bool
    limit: int | None  # how many a user may have in our user namespace; None: not told


def supported() -> list[Support]:
    """All kinds, with the sysctl user.max_..._namespaces of each (namespaces(7))."""
    return [Support(kind, namespaces.is_supported(kind), _limit(kind)) for kind in KINDS]


def _limit(kind: Kind) -> int | None:
    try:
        with open(f"/proc/sys/user/max_{file_of(kind)}_namespaces", encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return None
