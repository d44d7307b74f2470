"""One group: a directory in each of several hierarchies, with its limits and its processes.

It is held by descriptors of its directories, so whoever has it needs no path to it: the init of a
sandbox inherits them from its launcher.
"""

from __future__ import annotations

import errno
import os
import select
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from nsinit.cgroups.devices import device_numbers
from nsinit.cgroups.freezing import thaw_all
from nsinit.cgroups.settings import PERIOD, controller_name, settings
from nsinit.kernel import cgroups, seam

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nsinit.cgroups.settings import Setting
    from nsinit.model.resources import Resources

_PATIENCE: Final = 2.0  # s for the kernel to take apart what was killed
_PAUSE: Final = 0.005
_ROUNDS: Final = 20
KILL: Final = "cgroup.kill"
SUBTREE: Final = "cgroup.subtree_control"


class Branch(NamedTuple):
    """The directory of a group in one hierarchy."""

    version: int
    controllers: frozenset[str]  # that this group has, by their names of version 2
    parent: int  # descriptors
    fd: int
    path: str  # as whoever made it saw it


class LimitError(OSError):
    """A limit could not be set: `key` says which, the filename where."""

    def __init__(self, error: OSError, key: str, file: str) -> None:
        super().__init__(error.errno or errno.EIO, error.strerror or str(error), file)
        self.key = key


class Group:
    """A group that is there."""

    def __init__(self, name: str, branches: Iterable[Branch]) -> None:
        self.name = name
        self.branches = tuple(branches)

    def branch(self, controller: str) -> Branch | None:
        """Where a controller is, by its name of version 2; None if the group has none of that."""
        return next((one for one in self.branches if controller in one.controllers), None)

    @property
    def unified(self) -> Branch | None:
        """The directory of version 2."""
        return next((one for one in self.branches if one.version == 2), None)

    @property
    def versions(self) -> dict[str, int]:
        """Of which version each controller is that this group has."""
        return {name: one.version for one in self.branches for name in one.controllers}

    @property
    def paths(self) -> list[str]:
        """Its directories, as whoever made it saw them."""
        return [one.path for one in self.branches]

    # --- Making and removing ----------------------------------------------------------------------

    def make(self, name: str) -> Group:
        """Make a group in this one, in the same hierarchies; OSError leaves nothing behind."""
        return make_group(name, [(one.version, one.controllers, one.fd, one.path) for one in
                                 self.branches])  # fmt: skip

    def find(self, name: str) -> Group:
        """A group in this one that was made before, as far as it is there."""
        found = []
        for one in self.branches:
            with suppress(OSError):
                fd = cgroups.open_group(name, one.fd)
                controllers = _controllers(one.version, one.controllers, fd)
                found.append(Branch(one.version, controllers, one.fd, fd, f"{one.path}/{name}"))
        return Group(name, found)

    def refresh(self) -> None:
        """See what controllers it has by now: the group above may have enabled more of them."""
        self.branches = tuple(
            one._replace(controllers=_controllers(one.version, one.controllers, one.fd))
            for one in self.branches
        )

    def close(self) -> None:
        """Let go of it; it stays."""
        for one in self.branches:
            with suppress(OSError):
                os.close(one.fd)
        self.branches = ()

    def remove(self) -> None:
        """Remove it with all groups in it; OSError (EBUSY) if there is a process left in it.

        In all hierarchies or in none: half a group would be of no use to the next run.
        """
        if self.members():
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), self.name)
        for one in self.branches:
            cgroups.remove(one.parent, self.name)

    def end(self, patience: float = _PATIENCE) -> None:
        """Kill all that is in it, and remove it; OSError if that takes longer (s)."""
        until = seam.monotonic() + patience
        while True:
            self.kill()
            try:
                return self.remove()
            except OSError as error:
                if error.errno != errno.EBUSY or seam.monotonic() >= until:
                    raise
            select.select([], [], [], _PAUSE)

    # --- Limits -----------------------------------------------------------------------------------

    def limit(self, resources: Resources, before: Resources | None = None) -> None:
        """Set limits; LimitError names the first that can't be. What `before` had set is changed.

        A lower limit of memory and one of memory and swap together have to come in the right
        order, so what is refused is tried once more after the rest.
        """
        try:
            wanted = settings(resources, self.versions, device_numbers, before)
        except OSError as error:
            raise LimitError(error, "io.limits", str(error.filename or "")) from None
        refused = [one for one in wanted if not self._try(one)]
        for one in refused:
            self._set(one)
        self._limit_devices(resources, before)

    def _limit_devices(self, resources: Resources, before: Resources | None) -> None:
        """In version 2, where no file does it."""
        rules = resources.device_access
        unified = self.unified
        if unified is None or "devices" in self.versions:
            return
        if rules is None and (before is None or before.device_access is None):
            return
        from nsinit.cgroups.devices import limit_devices  # noqa: PLC0415  (few limit any)

        try:
            limit_devices(unified.fd, rules)
        except OSError as error:
            raise LimitError(error, "device_access", unified.path) from None

    def _try(self, one: Setting) -> bool:
        try:
            self._set(one)
        except LimitError:
            return False
        return True

    def _set(self, one: Setting) -> None:
        branch = self.branch(one.controller)
        if branch is None:
            return
        file = next((name for name in one.files if cgroups.has(branch.fd, name)), one.files[0])
        text = one.scaled if one.scaled and file == one.files[-1] else one.text
        if file == "cpu.cfs_quota_us":
            text = _least_quota(branch.parent, text)
        elif file == "cpuset.cpus" and not text and branch.version == 1:
            text = cgroups.read(branch.parent, file).strip()  # an empty one can hold nobody
        try:
            cgroups.write(branch.fd, file, text or "\n")
        except OSError as error:
            raise LimitError(error, one.key, f"{branch.path}/{file}") from None

    def enable(self, controllers: Iterable[str]) -> None:
        """Let groups in this one have controllers of version 2; OSError for the first that can't.

        Those who have it already are asked for no more.
        """
        branch = self.unified
        if branch is None:
            return
        enable(branch.fd, sorted(set(controllers) & branch.controllers))

    # --- Processes --------------------------------------------------------------------------------

    def attach(self, pid: int, *, cloned: bool = False) -> None:
        """Move a process into it; 0 is the caller. OSError tells the first that can't be done.

        One that was `cloned` into it is in the directory of version 2 already.
        """
        for one in self.branches:
            if cloned and one.version == 2:
                continue
            try:
                cgroups.write(one.fd, cgroups.PROCS, str(pid))
            except OSError as error:
                where = f"{one.path}/{cgroups.PROCS}"
                raise OSError(error.errno, error.strerror, where) from None

    def members(self) -> list[int]:
        """The processes in it and in all groups in it, by their pids here."""
        for one in self.branches:
            if found := cgroups.members(one.fd):
                return found
        return []

    def kill(self) -> None:
        """KILL everything in it at once, so that nothing can fork out of it. Never raises.

        Whoever calls this is spared, and so nothing is done at once that would hit all.
        """
        unified, freezer = self.unified, self.branch("freezer")
        if any(os.getpid() in cgroups.members(one.fd) for one in self.branches):
            unified = freezer = None
        if unified is not None:
            with suppress(OSError):
                cgroups.write(unified.fd, KILL, "1")  # Linux 5.14
                return
        if freezer is not None:
            with suppress(OSError):
                cgroups.write(freezer.fd, "freezer.state", "FROZEN")
        told: set[int] = set()
        for _ in range(_ROUNDS):
            fresh = set(self.members()) - told - {os.getpid()}
            if not fresh:
                break
            told |= fresh
            for pid in fresh:
                with suppress(OSError):
                    seam.kill(pid, signal.SIGKILL)
        if freezer is not None:
            thaw_all(freezer.fd)


def make_group(name: str, above: Iterable[tuple[int, frozenset[str], int, str]]) -> Group:
    """Make a group in several hierarchies: version, controllers, descriptor and path of each.

    OSError leaves nothing behind.
    """
    made: list[Branch] = []
    try:
        for version, controllers, parent, path in above:
            here = f"{path}/{name}"
            try:
                fd = cgroups.make(parent, name)
                made.append(Branch(version, frozenset(), parent, fd, here))
                if version == 1 and "cpuset" in controllers:
                    _fill_cpuset(parent, fd)
            except OSError as error:
                raise OSError(error.errno, error.strerror, here) from None
            found = _controllers(version, controllers, fd)
            made[-1] = Branch(version, found, parent, fd, here)
    except OSError:
        group = Group(name, made)
        with suppress(OSError):
            group.remove()
        group.close()
        raise
    return Group(name, made)


def enable(group: int, controllers: Iterable[str]) -> None:
    """Let the groups in a version 2 group have controllers; OSError for the first that can't."""
    have = cgroups.words(group, SUBTREE)
    for name in controllers:
        if name not in have:
            cgroups.write(group, SUBTREE, f"+{name}")


def _controllers(version: int, known: frozenset[str], fd: int) -> frozenset[str]:
    if version == 1:
        return known
    return frozenset(map(controller_name, cgroups.words(fd, "cgroup.controllers")))


def _fill_cpuset(parent: int, fd: int) -> None:
    """A new group of version 1 has no CPU and no memory node, and can hold no process."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        if not cgroups.read(fd, name).strip():
            cgroups.write(fd, name, cgroups.read(parent, name).strip() or "0")


def _least_quota(parent: int, text: str) -> str:
    """In version 1 a group can't be given more than the one it is in; in version 2 it just has it.

    Both periods are the same here, unless somebody else has set the parent's.
    """
    try:
        quota = int(cgroups.read(parent, "cpu.cfs_quota_us"))
        period = int(cgroups.read(parent, "cpu.cfs_period_us"))
    except (OSError, ValueError):
        return text
    most = quota * PERIOD // period if period > 0 else -1
    return str(most) if 0 < most < int(text) else text
