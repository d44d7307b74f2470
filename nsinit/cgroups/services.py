"""The groups of services: below that of the sandbox, or one that init makes for itself.

A service has its group from its first process to the end of its last one; hooks and probes run in
it too. What can't be removed yet is tried again after each end of a process. Only `enter` raises:
PID 1 does without what fails here.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from nsinit.cgroups import freezing, usage
from nsinit.cgroups.group import LimitError
from nsinit.cgroups.here import find_spots, lacking, no_group, spots_within
from nsinit.cgroups.needs import controllers, wants, without
from nsinit.cgroups.steps import JoinGroup, limit_remedy
from nsinit.cgroups.top import Top
from nsinit.errors import SpawnError
from nsinit.kernel import cgroups
from nsinit.model.resources import UNLIMITED, Resources
from nsinit.process.steps import Enclosure

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from nsinit.cgroups.group import Group
    from nsinit.model.sandboxes import Sandbox
    from nsinit.model.spec import Service

_ENDING: Final = ".service"  # so that no file of a group has such a name
_INIT: Final = "init"  # the group of init itself in version 2, where its own may have no processes
_PATIENCE: Final = 0.3  # s at the very end


class ServiceGroups:
    """All of them."""

    def __init__(
        self,
        group: Group | None,
        services: Mapping[str, Service],
        tell: Callable[[str], object],
        sandbox: Sandbox | None = None,
    ) -> None:
        """`group` is that of the sandbox; without one init makes its own when it is needed."""
        self.above = group
        self.own: Top | None = None
        self._services = dict(services)
        self._sandbox = sandbox
        self._tell = tell
        self._groups: dict[str, tuple[Group, Resources]] = {}
        self._leaving: set[str] = set()
        self._told: set[str] = set()
        self._roomy = False  # init is not in the way of controllers of version 2

    # --- A process of a service -------------------------------------------------------------------

    def enter(self, name: str, spec: Service) -> Group | None:
        """The group for a new process of a service; SpawnError if it can't have one.

        None if there is none for it, and it may do without.
        """
        try:
            group, _ = self._groups.get(name) or self._make(name, spec)
        except LimitError as error:
            hint = "; ".join(filter(None, (str(error.filename), limit_remedy(error.errno or 0))))
            raise SpawnError(
                spec.command[0], f"limit {error.key} of", error.errno or errno.EIO, hint=hint,
                reason=error.strerror or "",
            ) from None  # fmt: skip
        except OSError as error:
            if not spec.resources_optional:
                where = str(error.filename or "")
                raise SpawnError(
                    spec.command[0], "make a cgroup for", error.errno or errno.EIO, hint=where,
                    reason=error.strerror or str(error),
                ) from None  # fmt: skip
            self._tell_once(f"{name}: is not limited: {error.strerror or error}")
            return None
        return group

    def enclose(self, name: str, spec: Service, rest: Enclosure | None) -> Enclosure | None:
        """What a process of a service is put into, with its group first; as `enter`."""
        group = self.enter(name, spec)
        if group is None:
            return rest
        rest = rest or Enclosure()
        root = "cgroup" in rest.kinds  # made by the clone it would have init's group as its root
        kinds = tuple(kind for kind in rest.kinds if kind != "cgroup")
        return rest._replace(kinds=kinds, first=(JoinGroup(group, root=root),))

    def _make(self, name: str, spec: Service) -> tuple[Group, Resources]:
        above = self._find_above()
        self._make_room(above, spec)
        try:
            group = above.make(name + _ENDING)
        except FileExistsError:  # of a run before, which could not be removed
            group = above.find(name + _ENDING)
        self._groups[name] = (group, UNLIMITED)
        try:
            self._limit(name, spec, group)
        except OSError:
            self._leave(name)
            raise
        return self._groups[name]

    def _limit(self, name: str, spec: Service, group: Group) -> None:
        """Set what is asked for and can be; LimitError if that is not enough."""
        before = self._groups[name][1]
        wished = spec.resources or UNLIMITED
        lacks = list(lacking(wished, spots_within(group)))
        if lacks and not spec.resources_optional:
            raise LimitError(OSError(errno.ENOTSUP, lacks[0].why), lacks[0].key, lacks[0].hint)
        for lack in lacks:
            self._tell_once(f"{name}: {lack.key} is not limited: {lack.why}")
            wished = without(wished, lack.key)
        while True:
            try:
                group.limit(wished, before)
                break
            except LimitError as error:
                less = without(wished, error.key)
                if not spec.resources_optional or less == wished:
                    raise
                self._tell_once(f"{name}: {error.key} is not limited: {error.strerror}")
                wished = less
        self._groups[name] = (group, wished)

    def _find_above(self) -> Group:
        """The group that all others are in."""
        if self.above is not None:
            return self.above
        wanted = controllers(wants(None, self._services))
        spots = find_spots(wanted, self._sandbox.cgroup_parent if self._sandbox else None)
        if none := no_group(spots):
            raise OSError(errno.EROFS, none.why, none.hint)
        self.own = Top("init", spots, spots.usable_of(wanted))
        try:
            self.above = self.own.make()
        except OSError:
            self.own.remove()
            self.own = None
            raise
        return self.above

    def _make_room(self, above: Group, spec: Service) -> None:
        """Have controllers of version 2 in the groups to come, which nobody may be beside."""
        unified = above.unified
        wanted = controllers(wants(None, {"": spec}))
        if unified is None or not wanted & unified.controllers:
            return
        if not self._roomy and os.getpid() in cgroups.members(unified.fd, 0):
            try:
                leaf = cgroups.make(unified.fd, _INIT)
            except FileExistsError:
                leaf = cgroups.open_group(_INIT, unified.fd)
            except OSError as error:
                where = f"{unified.path}/{_INIT}"
                raise OSError(error.errno, error.strerror, where) from None
            try:
                for pid in cgroups.members(unified.fd, 0):
                    with suppress(ProcessLookupError):
                        cgroups.write(leaf, cgroups.PROCS, str(pid))
            finally:
                os.close(leaf)
        self._roomy = True
        above.enable(wanted)

    # --- What the others want to know -------------------------------------------------------------

    def owners(self) -> dict[int, str]:
        """Which service each process in a group belongs to."""
        return {pid: name for name, (group, _) in self._groups.items() for pid in group.members()}

    def kill(self, name: str) -> bool:
        """KILL all of a service at once; whether it has a group."""
        if name not in self._groups:
            return False
        self._groups[name][0].kill()
        return True

    def group_of(self, name: str) -> Group | None:
        """The group of a service while it has one."""
        return self._groups[name][0] if name in self._groups else None

    @property
    def of_sandbox(self) -> Group | None:
        """The group of everything, if a launcher has made it for that."""
        return self.above if self.own is None else None

    def freeze(self, name: str, *, on: bool) -> None:
        """Freeze all of a service, or thaw it; OSError if that can't be."""
        group = self.group_of(name)
        if group is not None:
            freezing.freeze(group) if on else freezing.thaw(group)
        elif on:
            raise OSError(errno.ENOTSUP, "it has no cgroup of its own")

    def oom_kills(self, name: str) -> int | None:
        """How many in its group the kernel has killed for memory; None if nobody counts."""
        group = self.group_of(name)
        return usage.oom_kills(group) if group is not None else None

    def memory_limit(self, name: str) -> int | None:
        """How much memory it may have (bytes); None without a limit."""
        group = self.group_of(name)
        return usage.memory_limit(group) if group is not None else None

    def forget(self, name: str) -> None:
        """The run of a service is over."""
        if name in self._groups:
            self._leave(name)

    def tidy(self, living: Collection[str]) -> None:
        """Remove the groups of runs that are over, as far as there is nobody in them any more.

        A hook or a command of an operator may come back to one, or make it anew: those who are
        `living` are left alone, as one of their processes may be on its way into the group.
        """
        for name in self._leaving & self._groups.keys():
            if name not in living:
                self._leave(name)

    def _leave(self, name: str) -> None:
        group, _ = self._groups[name]
        self._leaving.add(name)  # for ever: the next run says when it is over as well
        try:
            group.remove()
        except OSError as error:
            if error.errno == errno.EBUSY:
                return
        group.close()
        del self._groups[name]

    def update(self, services: Mapping[str, Service]) -> None:
        """Have the limits of another configuration, of those who run as well."""
        self._services = dict(services)
        for name in list(self._groups):
            spec = services.get(name)
            if spec is None:
                continue
            group = self._groups[name][0]
            try:
                if self.above is not None:
                    self._make_room(self.above, spec)
                    group.refresh()
                self._limit(name, spec, group)
            except OSError as error:
                key = error.key if isinstance(error, LimitError) else "resources"
                self._tell(f"{name}: {key} stays as it was: {error.strerror} ({error.filename})")

    def close(self) -> None:
        """Init ends: so does everything in a group."""
        for group, _ in self._groups.values():
            with suppress(OSError):
                group.end(_PATIENCE)
            group.close()
        self._groups.clear()
        if self.own is not None:
            self.own.remove()

    def _tell_once(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self._tell(text)

    # --- For another init -------------------------------------------------------------------------

    def names(self) -> list[str]:
        """The services that have a group."""
        return sorted(self._groups)

    def go_on(self, above: Group, own: Top | None, names: list[str]) -> None:
        """Take over what another init in this process has made."""
        self.above, self.own = above, own
        for name in names:
            spec = self._services.get(name)
            resources = (spec.resources if spec is not None else None) or UNLIMITED
            self._groups[name] = (above.find(name + _ENDING), resources)
            if spec is None:
                self._leaving.add(name)
