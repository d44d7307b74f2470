"""What is done for the group of a sandbox, and for a process that joins one, as steps."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from nsinit.cgroups.group import LimitError
from nsinit.cgroups.here import find_spots, no_group
from nsinit.cgroups.needs import controllers, possible, wants
from nsinit.cgroups.top import Top
from nsinit.errors import SandboxError
from nsinit.kernel import libc
from nsinit.model.resources import UNLIMITED, asked

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nsinit.cgroups.group import Group
    from nsinit.model.resources import Resources
    from nsinit.model.sandboxes import Sandbox
    from nsinit.model.spec import Service
    from nsinit.process.steps import Born


class MakeGroup:
    """Make the group of a sandbox, with its limits; by the launcher, before there is an init."""

    def __init__(self, top: Top, resources: Resources, owner: tuple[int, int] | None) -> None:
        """`owner` is who root inside is, if the launcher is somebody else."""
        self._top, self._resources, self._owner = top, resources, owner
        self.record: Callable[[list[str]], object] = lambda _: None  # told the paths beforehand
        self.cloned = False  # init is in the directory of version 2 already
        self._refused: LimitError | None = None

    @property
    def group(self) -> Group:
        """What was made."""
        return self._top.group

    @property
    def fd(self) -> int | None:
        """What a clone can begin in; None if that has to be done afterwards."""
        unified = self.group.unified
        return unified.fd if unified is not None else None

    def describe(self) -> str:
        """For people."""
        keys = asked(self._resources)
        limits = f", with limits of {', '.join(keys)}" if keys else ""
        return f"make the cgroup {self._top.name}-* ({', '.join(self._top.controllers)}){limits}"

    def apply(self) -> None:
        """Directories, limits, owner."""
        try:
            group = self._top.make(self.record)
            group.limit(self._resources)
            if self._owner is not None:
                self._top.give(*self._owner)
        except OSError as error:
            self._refused = error if isinstance(error, LimitError) else None
            self.undo()
            raise

    def undo(self) -> None:
        """Kill what is left in it, and remove it."""
        self._top.remove()

    def remedy(self, number: int) -> str:
        """Which limit it was, and what the kernel may mean."""
        if self._refused is None:
            return _WHY.get(number, "")
        return f"{self._refused.key} in {self._refused.filename}; {limit_remedy(number)}".strip(
            "; "
        )


class AttachInit:
    """Move init into its group, while it waits: what it makes later begins there."""

    def __init__(self, made: MakeGroup) -> None:
        self._made = made

    def describe(self) -> str:
        """For people."""
        return "move init into its cgroup"

    def apply(self, init: Born) -> None:
        """cgroup.procs of each hierarchy."""
        self._made.group.attach(init.pid, cloned=self._made.cloned)

    def undo(self) -> None:
        """Its end is awaited before the group is removed."""

    def remedy(self, number: int) -> str:
        """For what the kernel says of moving processes."""
        return _WHY.get(number, "")


class JoinGroup:
    """A process moves into a group, before it is anything else."""

    def __init__(self, group: Group, *, root: bool = False) -> None:
        """With `root` the group becomes that of a cgroup namespace."""
        self._group, self._root = group, root

    def describe(self) -> str:
        """For people."""
        return "join its cgroup"

    def apply(self) -> None:
        """cgroup.procs; 0 is who writes it. Then unshare(2), see cgroup_namespaces(7)."""
        self._group.attach(0)
        if self._root:
            libc.unshare(libc.CLONE_NEWCGROUP)

    def undo(self) -> None:
        """It ends in there."""

    def remedy(self, number: int) -> str:
        """For what the kernel says of moving processes."""
        return _WHY.get(number, "")


_WHY = {
    errno.EACCES: "that group, or the one above both, belongs to another user",
    errno.EPERM: "that group, or the one above both, belongs to another user",
    errno.EBUSY: "there are processes in a group that is to give its controllers to others",
    errno.EOPNOTSUPP: "there are processes in a group above that gives controllers to others",
    errno.ENODEV: "the group has been removed by somebody else",
    errno.ENOSPC: "a cpuset without CPUs can hold nobody",
}


def limit_remedy(number: int) -> str:
    """What an errno of a limit may mean."""
    return {
        errno.EINVAL: "the kernel can't have that value, or not within the group above",
        errno.ERANGE: "there is no such CPU",
        errno.ENODEV: "there is no such device",
        errno.EBUSY: "more than that is in use",
        errno.EACCES: "it belongs to another user",
    }.get(number, "")


def plan_group(
    sandbox: Sandbox,
    name: str,
    services: Sequence[Service],
    owner: tuple[int, int] | None,
) -> MakeGroup | None:
    """The group of a sandbox if it or a service wants one; SandboxError if there can't be one."""
    found = wants(sandbox, {str(at): spec for at, spec in enumerate(services)})
    if not found:
        return None
    wanted = controllers(found)
    spots = find_spots(wanted, sandbox.cgroup_parent)
    wanted = spots.usable_of(wanted)
    none = no_group(spots)
    if none is not None:
        if all(want.optional for want in found):
            return None
        raise SandboxError(f"cannot make a cgroup: {none.why}", hint=none.hint)
    wished = UNLIMITED
    if sandbox.resources is not None:
        wished = possible(sandbox.resources, spots, optional=sandbox.resources_optional)
    return MakeGroup(Top(name, spots, wanted), wished, owner)
