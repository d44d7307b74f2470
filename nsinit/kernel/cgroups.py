"""Control groups: which hierarchies there are, where we are in them, and their directories.

Version 1 has a hierarchy per controller, or for a few together; version 2 has one for all. A hybrid
system has both. Knows no policy. Everything is done relative to an open directory, so that it works
without any path to it, as after a change of root.

Sources: cgroups(7), proc_pid_mountinfo(5), admin-guide/cgroup-v1 and cgroup-v2.rst of the kernel.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, NamedTuple

from nsinit.kernel import mountinfo, seam

if TYPE_CHECKING:
    from collections.abc import Iterable

PROCS: Final = "cgroup.procs"
_MOST: Final = 1 << 20  # bytes of a file
_DEPTH: Final = 32  # of groups in a group


class Membership(NamedTuple):
    """One line of /proc/PID/cgroup: which group of a hierarchy a process is in."""

    controllers: tuple[str, ...]  # of version 1, or the name of one without; none: version 2
    path: str  # below the root that the reader's cgroup namespace has


class Place(NamedTuple):
    """A hierarchy that is mounted here, and where in it we are."""

    version: int
    controllers: tuple[str, ...]  # of version 1; those of version 2 depend on the group
    mount: str
    below: str  # the group that we are in, relative to the mount: "" or "/a/b"
    writable: bool = True  # the mount; the directory may still be another's

    @property
    def directory(self) -> str:
        """The group that we are in."""
        return self.mount + self.below


def parse_memberships(text: str) -> list[Membership]:
    """What a /proc/PID/cgroup says; lines of another shape are left out."""
    found: list[Membership] = []
    for line in text.split("\n"):
        parts = line.split(":", 2)
        if len(parts) == 3 and parts[0].isdigit() and parts[2].startswith("/"):
            controllers = tuple(name for name in parts[1].split(",") if name)
            found.append(Membership(controllers, parts[2]))
    return found


def find_places(
    mounts: Iterable[mountinfo.Mount], memberships: Iterable[Membership]
) -> list[Place]:
    """The hierarchies with controllers whose groups can be seen, the one of version 2 last.

    A hierarchy of version 1 that only has a name controls nothing, and is left out.
    """
    found: dict[tuple[str, ...], Place] = {}
    where = {one.controllers: one.path for one in memberships}
    for mount in mounts:
        if mount.kind == "cgroup2":
            key: tuple[str, ...] = ()
        elif mount.kind == "cgroup":
            key = next((k for k in where if k and set(k) <= set(mount.super_options)), ())
            if not key or key[0].startswith("name="):
                continue
        else:
            continue
        below = _below(where.get(key, ""), mount.root)
        if below is None:
            continue
        writable = "ro" not in mount.options and "ro" not in mount.super_options
        place = Place(1 if key else 2, key, mount.target.rstrip("/"), below, writable)
        if key not in found or (writable and not found[key].writable):
            found[key] = place
    return sorted(found.values(), key=lambda place: (place.version, place.controllers))


def _below(path: str, root: str) -> str | None:
    """A group relative to what of its hierarchy is mounted; None if that does not show it."""
    if not path.startswith("/") or path.startswith("/.."):
        return None  # outside of our cgroup namespace
    if root == "/":
        return path.rstrip("/")
    if path == root or path.startswith(f"{root}/"):
        return path[len(root) :]
    return None


def places() -> list[Place]:
    """Those of this process; none where there is no /proc."""
    try:
        seam.ask("open")
        with open("/proc/self/cgroup", encoding="utf-8", errors="surrogateescape") as file:
            memberships = parse_memberships(file.read())
        return find_places(mountinfo.read(), memberships)
    except OSError:
        return []


# --- Directories ----------------------------------------------------------------------------------


def open_group(path: str, at: int | None = None) -> int:
    """A descriptor of a group's directory; a relative path is below `at`."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    return seam.open_fd(path, flags | (os.O_NOFOLLOW if at is not None else 0), dir_fd=at)


def read(group: int, name: str) -> str:
    """What a file of a group says; OSError, ENODEV among others if the group is gone."""
    fd = seam.open_fd(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=group)
    try:
        parts = []
        while part := seam.read(fd, _MOST):
            parts.append(part)
        return b"".join(parts).decode("utf-8", "replace")
    finally:
        os.close(fd)


def write(group: int, name: str, text: str) -> None:
    """Write to a file of a group, in one call whose result counts.

    Not blocking: since Linux 6.16 a lower limit of memory is then met by and by, before it is met
    (or not) during this call.
    """
    flags = os.O_WRONLY | os.O_CLOEXEC | os.O_NONBLOCK
    fd = seam.open_fd(name, flags, dir_fd=group)
    try:
        seam.write(fd, text.encode())
    finally:
        os.close(fd)


def has(group: int, name: str) -> bool:
    """Whether a group has a file of that name."""
    try:
        seam.stat(name, dir_fd=group)
    except OSError:
        return False
    return True


def make(group: int, name: str) -> int:
    """Make a group in a group; its descriptor. FileExistsError if there is one."""
    seam.mkdir(name, 0o755, dir_fd=group)
    try:
        return open_group(name, group)
    except OSError:
        seam.rmdir(name, dir_fd=group)
        raise


def words(group: int, name: str) -> frozenset[str]:
    """The words in a file, such as cgroup.controllers; none if it can't be read."""
    try:
        return frozenset(read(group, name).split())
    except OSError:
        return frozenset()


def is_root(group: int) -> bool:
    """Whether it is the root of all of version 2, and not only that of a namespace.

    It alone may have processes, and groups with controllers too.
    """
    return not has(group, "cgroup.type")


def groups_in(group: int) -> list[str]:
    """The names of the groups in a group."""
    try:
        seam.ask("open")
        with os.scandir(group) as entries:
            return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def members(group: int, depth: int = _DEPTH) -> list[int]:
    """The processes in a group and all groups in it, by the pids that they have here.

    Those of other pid namespaces that can't be seen from here are left out.
    """
    try:
        found = [int(word) for word in read(group, PROCS).split() if word.isdigit()]
    except OSError:  # gone, or a threaded one
        found = []
    for name in groups_in(group) if depth else ():
        try:
            inner = open_group(name, group)
        except OSError:
            continue
        try:
            found += members(inner, depth - 1)
        finally:
            os.close(inner)
    return [pid for pid in dict.fromkeys(found) if pid > 0]


def remove(group: int, name: str, depth: int = _DEPTH) -> None:
    """Remove a group in a group, with all groups in it; OSError (EBUSY) if processes are left."""
    try:
        inner = open_group(name, group)
    except FileNotFoundError:
        return
    try:
        for below in groups_in(inner) if depth else ():
            remove(inner, below, depth - 1)
    finally:
        os.close(inner)
    seam.rmdir(name, dir_fd=group)
