"""The group that everything of one init is in: made where there is a place, removed at the end.

Its name has a random part, so that it can be written down before it is made, and whoever removes it
later removes no other.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self

from nsinit.cgroups.group import SUBTREE, Branch, Group, enable, make_group
from nsinit.cgroups.here import USUAL, Spots
from nsinit.kernel import cgroups, seam

if TYPE_CHECKING:
    from collections.abc import Callable

    from nsinit.cgroups.here import Spot

PREFIX: Final = "nsinit-"
_PATIENCE: Final = 0.5  # s for what a dead sandbox has left


class Top:
    """Such a group, and what had to be done for it."""

    def __init__(self, name: str, spots: Spots, wanted: frozenset[str]) -> None:
        self.name = f"{PREFIX}{name}"
        self._wanted = wanted
        self._spots = [
            spot for spot in spots.usable
            if spot.version == 2 or spot.controllers & (USUAL | wanted)
        ]  # fmt: skip
        self.group = Group(self.name, ())
        self._parents: list[int] = []
        self._left: tuple[str, str] | None = None  # our own group, and the one we are in instead

    @property
    def controllers(self) -> list[str]:
        """What it will have, by the names of version 2."""
        return sorted({name for spot in self._spots for name in spot.controllers})

    def make(self, record: Callable[[list[str]], object] = lambda _: None) -> Group:
        """Make it; `record` is told the paths before that. OSError if a wanted part can't be."""
        name = f"{self.name}-{os.urandom(4).hex()}"
        outside = f"{name}.outside"
        record([
            f"{spot.directory}/{each}"
            for spot in self._spots
            for each in ((name, outside) if self._has_to_move(spot) else (name,))
        ])  # fmt: skip
        branches: list[Branch] = []
        self.group = Group(name, ())
        for spot in self._spots:
            try:
                parent = cgroups.open_group(spot.directory)
                self._parents.append(parent)
                if spot.version == 2:
                    self._enable(spot, parent, outside)
                made = make_group(name, [(spot.version, spot.controllers, parent, spot.directory)])
            except OSError:
                if self._wanted & spot.controllers:
                    raise
                continue
            branches += made.branches
            self.group = Group(name, branches)
        missing = sorted(self._wanted - self.group.versions.keys())
        if missing:
            why = f"the controllers {', '.join(missing)} can't be enabled"
            raise OSError(errno.EBUSY, why, name)
        return self.group

    def _has_to_move(self, spot: Spot) -> bool:
        return spot.moves and bool(self._wanted & spot.controllers)

    def _enable(self, spot: Spot, parent: int, outside: str) -> None:
        """Have the groups above give it controllers of version 2."""
        if self._has_to_move(spot):
            leaf = cgroups.make(parent, outside)
            self._left = (spot.directory, f"{spot.directory}/{outside}")
            try:
                for pid in cgroups.members(parent, 0):  # and who helps us
                    with suppress(ProcessLookupError):
                        cgroups.write(leaf, cgroups.PROCS, str(pid))
            finally:
                os.close(leaf)
        for path in spot.chain:
            group = cgroups.open_group(path)
            try:
                # Some controllers (cpu, pids) can be enabled beside processes, which makes those
                # below a group of threads, that no process can be moved into (cgroups(7)).
                if not cgroups.is_root(group) and cgroups.read(group, cgroups.PROCS).strip():
                    continue
                for name in sorted((self._wanted | USUAL) & spot.controllers):
                    with suppress(OSError):  # what is missing in the end is told where it is set
                        enable(group, [name])
            finally:
                os.close(group)

    def remove(self) -> None:
        """Kill what is in it, and remove it; what can't be stays."""
        with suppress(OSError):
            self.group.end()
        self.group.close()
        if self._left is not None:
            with suppress(OSError):
                self._go_back(*self._left)
        for fd in self._parents:
            os.close(fd)
        self._parents.clear()

    def _go_back(self, directory: str, outside: str) -> None:
        group = cgroups.open_group(directory)
        try:
            for name in cgroups.words(group, SUBTREE):
                with suppress(OSError):
                    cgroups.write(group, SUBTREE, f"-{name}")
            cgroups.write(group, cgroups.PROCS, "0")
        finally:
            os.close(group)
        seam.rmdir(outside)

    @property
    def outside(self) -> tuple[str, str] | None:
        """The group that we have left, and the one we are in instead."""
        return self._left

    @classmethod
    def adopted(cls, group: Group, outside: tuple[str, str] | None) -> Self:
        """One that another init in the same process has made."""
        made = cls("init", Spots(), frozenset())
        made.group = group
        made._parents = [one.parent for one in group.branches]
        made._left = outside
        return made

    def give(self, uid: int, gid: int) -> None:
        """Let another user make groups in it, and move processes within it; not change limits."""
        files = {cgroups.PROCS, "tasks", "cgroup.threads", SUBTREE}
        for one in self.group.branches:
            seam.fchown(one.fd, uid, gid)
            for name in files:
                with suppress(FileNotFoundError):
                    seam.chown(name, uid, gid, dir_fd=one.fd)


def remove_path(path: str) -> None:
    """End a group that a dead init has left; OSError if that can't be."""
    directory, _, name = path.rpartition("/")
    if not name.startswith(PREFIX):
        return
    parent = cgroups.open_group(directory or "/")
    try:
        fd = cgroups.open_group(name, parent)
        version = 2 if cgroups.has(fd, "cgroup.controllers") else 1
        freezer = frozenset({"freezer"} if cgroups.has(fd, "freezer.state") else ())
        group = Group(name, [Branch(version, freezer, parent, fd, path)])
        try:
            if cgroups.has(fd, cgroups.PROCS):
                group.end(_PATIENCE)
        finally:
            group.close()
    finally:
        os.close(parent)
