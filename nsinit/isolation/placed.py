"""The mounts of a bundle, as the OCI runtime specification has them.

Other than those of `[sandbox].mounts`: a flag of a bind is of the mount itself unless it says
"below" too ("rro"), and there is nothing but what the bundle lists.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from nsinit.isolation.mounting import Bind, FileSystem, Opened, sort_options
from nsinit.kernel import mounts
from nsinit.model.mounting import Mount

if TYPE_CHECKING:
    from nsinit.bundles.mounts import Placed
    from nsinit.isolation.stage import Stage


def as_mount(placed: Placed) -> Mount:
    """The same as `[sandbox].mounts` would have it, for what is common to both."""
    how = ["rbind" if placed.recursive else "bind"] if placed.type == "bind" else []
    return Mount(
        target=placed.target,
        source=placed.source,
        options=[*how, *placed.flags, *placed.data],
        idmap=placed.idmap or None,
    )


class PlacedBind(Bind):
    """A directory or file of the host."""

    def __init__(self, stage: Stage, placed: Placed, ready: Opened | None = None) -> None:
        """With `ready` its mount was made by the launcher."""
        super().__init__(stage, as_mount(placed), ready)
        self._placed = placed

    def _set(self, tree: int) -> None:
        own, below = sort_options(self._placed.flags), sort_options(self._placed.below)
        if own.add or own.clear:
            mounts.set_attributes(tree, add=own.add, clear=own.clear)
        if below.add or below.clear:
            mounts.set_attributes(tree, add=below.add, clear=below.clear, recursive=True)
        set_propagation(tree, self._placed)


class PlacedSystem(FileSystem):
    """A new file system."""

    def __init__(self, stage: Stage, placed: Placed) -> None:
        super().__init__(stage, as_mount(placed))
        self._placed = placed

    def describe(self) -> str:
        """For people."""
        options = ",".join((*self._placed.flags, *self._placed.data))
        return f"mount {self._placed.type} on {self._path}" + (f" ({options})" if options else "")

    @property
    def kind(self) -> str:
        """Any that the kernel has."""
        return self._placed.type

    def _put(self) -> None:
        made = self._make()
        try:
            set_propagation(made, self._placed)
            if self._placed.copy_up:
                self._copy_up(made)
            self._stage.attach(made, self._path, directory=True)
            if self.kind == "tmpfs":
                self._stage.owns(made)
            if self.kind == "proc" and self._path == "/proc":
                self._keep_proc(made)
        finally:
            os.close(made)

    def _make(self) -> int:
        flags = sort_options((*self._placed.flags, *self._placed.below))
        words = self._words(self._placed.data)
        return mounts.make(self.kind, words, flags.add, source=self._placed.source)

    def _copy_up(self, made: int) -> None:
        from nsinit.isolation.copyup import copy_tree  # noqa: PLC0415  (few ask for it)

        below = self._stage.place(self._path, directory=True)
        try:
            copy_tree(below, made)
        finally:
            os.close(below)


def set_propagation(mount: int, placed: Placed) -> None:
    """As each of the words says, of that mount or of all below it too."""
    for word in placed.propagation:
        kind = sort_options([word]).propagation
        recursive = word not in ("private", "slave", "shared", "unbindable")
        mounts.set_attributes(mount, propagation=kind, recursive=recursive)


def place(stage: Stage, placed: Placed, ready: Opened | None = None) -> Bind | FileSystem:
    """The step that a mount of a bundle is."""
    if placed.type == "bind":
        return PlacedBind(stage, placed, ready)
    if placed.type == "cgroup":
        from nsinit.isolation.cgroupfs import Cgroups  # noqa: PLC0415  (not in every bundle)

        return Cgroups(stage, placed)
    return PlacedSystem(stage, placed)
