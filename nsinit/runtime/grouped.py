"""What another init has to know of the cgroups of services."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from nsinit.cgroups.group import Branch, Group
from nsinit.cgroups.top import Top
from nsinit.runtime.handover import pack, unpack

if TYPE_CHECKING:
    from nsinit.cgroups.services import ServiceGroups


class BranchState(Struct, frozen=True, kw_only=True):
    """A directory of the group that they are in."""

    version: int
    controllers: list[str]
    path: str
    parent: int  # descriptors
    fd: int


class GroupsState(Struct, frozen=True, kw_only=True):
    """That group, and the services that have one in it."""

    name: str = ""
    branches: list[BranchState] = []
    services: list[str] = []
    own: bool = False  # init has made it, and was in `outside[0]` before
    outside: tuple[str, str] | None = None


class Carried:
    """Takes the groups along."""

    def __init__(self, groups: ServiceGroups) -> None:
        self._groups = groups

    def export(self) -> tuple[bytes, list[int]]:
        """As of a `Portable`."""
        above, own = self._groups.above, self._groups.own
        if above is None:
            return pack(GroupsState()), []
        state = GroupsState(
            name=above.name,
            branches=[
                BranchState(
                    version=one.version,
                    controllers=sorted(one.controllers),
                    path=one.path,
                    parent=one.parent,
                    fd=one.fd,
                )
                for one in above.branches
            ],
            services=self._groups.names(),
            own=own is not None,
            outside=own.outside if own is not None else None,
        )
        return pack(state), [fd for one in above.branches for fd in (one.parent, one.fd)]

    def adopt(self, data: bytes, fds: list[int]) -> None:
        """As of a `Portable`; the limits are those of the services as they are now."""
        del fds  # they have kept their numbers
        state = check_part(data)
        if not state.branches:
            return
        above = Group(
            state.name,
            [
                Branch(one.version, frozenset(one.controllers), one.parent, one.fd, one.path)
                for one in state.branches
            ],
        )
        own = Top.adopted(above, state.outside) if state.own else None
        self._groups.go_on(above, own, state.services)


def check_part(data: bytes) -> GroupsState:
    """What `pack` made of a state; BadHandoverError for anything else."""
    made: GroupsState = unpack(data, GroupsState)
    return made
