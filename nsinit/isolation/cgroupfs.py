"""The cgroups of a bundle's process as it sees them: a mount of type "cgroup" in a bundle.

With cgroup v2 alone that is one file system; else a tmpfs with a directory for each hierarchy of
v1, as runc has it. In a cgroup namespace of its own each is mounted anew, its root is the process's
own cgroup; else the own cgroup is bound, so that others' are not seen. Source: cgroups(7),
cgroup_namespaces(7).
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from nsinit.errors import SyscallError
from nsinit.isolation.mounting import sort_options
from nsinit.isolation.placed import PlacedSystem, set_propagation
from nsinit.kernel import mountinfo, mounts, seam

if TYPE_CHECKING:
    from nsinit.bundles.mounts import Placed
    from nsinit.isolation.stage import Stage

_PLAIN = ("rw", "ro", "xattr", "noprefix", "clone_children")  # no controllers


class Cgroups(PlacedSystem):
    """All that the host has mounted, as far as it is the process's own."""

    def __init__(self, stage: Stage, placed: Placed) -> None:
        super().__init__(stage, placed)
        self._flags = sort_options((*placed.flags, *placed.below))

    def _put(self) -> None:
        found = [mount for mount in mountinfo.read() if mount.kind in ("cgroup", "cgroup2")]
        first = {mount.device: mount for mount in reversed(found)}  # each once
        old = [mount for mount in first.values() if mount.kind == "cgroup"]
        if not first:
            raise SyscallError(errno.ENODEV, "find", "any cgroup file system")
        if not old:
            (mount,) = first.values()
            made = self._own(mount)
            try:
                set_propagation(made, self._placed)
                self._stage.attach(made, self._path, directory=True)
            finally:
                os.close(made)
            return
        self._put_hierarchies(sorted(old, key=lambda mount: mount.target))

    def _put_hierarchies(self, old: list[mountinfo.Mount]) -> None:
        writable = self._flags.add & ~mounts.RDONLY
        store = mounts.make("tmpfs", ["mode=755"], writable, source="tmpfs")
        try:
            self._stage.attach(store, self._path, directory=True)
            self._stage.owns(store)
            for mount in old:
                name = os.path.basename(mount.target)
                seam.ask("mkdir")
                os.mkdir(name, 0o755, dir_fd=store)
                made = self._own(mount)
                try:
                    mounts.attach(made, store, name)
                finally:
                    os.close(made)
                for one in name.split(",") if "," in name else ():
                    os.symlink(name, one, dir_fd=store)
            set_propagation(store, self._placed)
            if self._flags.add & mounts.RDONLY:
                mounts.set_attributes(store, add=mounts.RDONLY)
        finally:
            os.close(store)

    def _own(self, mount: mountinfo.Mount) -> int:
        """A detached mount of the process's own cgroup in one hierarchy."""
        words = [word for word in mount.super_options if word not in _PLAIN]
        if mount.kind == "cgroup" and any(word.startswith("name=") for word in words):
            words = ["none", *words]
        if mount.kind == "cgroup2":
            words = []
        path = own_path(mount)
        if path == "/" or path.startswith("/.."):  # the root, or that of an own namespace
            try:
                return mounts.make(mount.kind, words, self._flags.add, source="cgroup")
            except SyscallError as error:
                if error.errno != errno.EPERM:
                    raise
                path = "/"  # of a user namespace that does not own the cgroup namespace
        inner = os.path.relpath(path, mount.root if path.startswith(mount.root) else "/")
        here = seam.open_fd(os.path.join(mount.target, inner), os.O_PATH | os.O_CLOEXEC)
        try:
            made = mounts.clone_tree(here)
        finally:
            os.close(here)
        try:
            mounts.set_attributes(made, add=self._flags.add)
        except BaseException:
            os.close(made)
            raise
        return made


def own_path(mount: mountinfo.Mount) -> str:
    """The cgroup of this process in the hierarchy that is mounted there, proc_pid_cgroup(5)."""
    with open("/proc/self/cgroup", encoding="utf-8", errors="surrogateescape") as file:
        rows = [line.rstrip("\n").split(":", 2) for line in file]
    for _, controllers, path in (row for row in rows if len(row) == 3):
        names = controllers.split(",") if controllers else []
        if mount.kind == "cgroup2" and not names:
            return path
        if mount.kind == "cgroup" and names and set(names) <= set(mount.super_options):
            return path
    return "/"
