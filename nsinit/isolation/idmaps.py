"""The ids of a new user namespace, mapped by the launcher while init waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from nsinit.kernel import namespaces

if TYPE_CHECKING:
    from nsinit.process.steps import Born


class MapIds(NamedTuple):
    """The maps as /proc/PID/uid_map and gid_map take them."""

    uids: str
    gids: str
    deny_setgroups: bool

    def describe(self) -> str:
        """For people."""
        return f"map uids: {self.uids}; gids: {self.gids}"

    def apply(self, init: Born) -> None:
        """Write each once; the group map of somebody without power is taken after the denial."""
        if self.deny_setgroups:
            namespaces.deny_setgroups(init.pid)
        namespaces.write_map(init.pid, "gid_map", self.gids)
        namespaces.write_map(init.pid, "uid_map", self.uids)

    def undo(self) -> None:
        """Gone with the namespace."""

    def remedy(self, number: int) -> str:
        """The conditions of user_namespaces(7)."""
        return namespaces.why_refused(number, ["user"])
