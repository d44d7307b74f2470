"""The ids of a new user namespace: mapped by the launcher while init waits, then taken by init."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Final

from nsinit.kernel import idmaps, seam
from nsinit.model.idmaps import text
from nsinit.named import Named

if TYPE_CHECKING:
    from nsinit.kernel.idmaps import Which
    from nsinit.model.idmaps import Row
    from nsinit.process.steps import Born

_LIMIT: Final = "/proc/sys/user/max_user_namespaces"
_CAP_SYS_RESOURCE: Final = 24


class MapIds:
    """The maps of a user namespace; what only newuidmap and newgidmap may write is in `helped`."""

    def __init__(
        self,
        uids: tuple[Row, ...],
        gids: tuple[Row, ...],
        *,
        deny_setgroups: bool = False,
        helped: tuple[Which, ...] = (),
    ) -> None:
        self.rows: dict[Which, tuple[Row, ...]] = {"gid": gids, "uid": uids}
        self.deny_setgroups = deny_setgroups
        self.helped = helped
        self._remedy = ""

    def describe(self) -> str:
        """For people: "map uids: 0 1000 1; gids: none, by newuidmap"."""
        uids, gids = (", ".join(map(str, self.rows[w])) or "none" for w in ("uid", "gid"))
        by = " and ".join(f"new{which}map" for which in self.helped)
        denied = "; deny setgroups" if self.deny_setgroups else ""
        return f"map uids: {uids}; gids: {gids}{denied}{f'; by {by}' if by else ''}"

    def apply(self, init: Born) -> None:
        """Write each once; the group map of somebody without power is taken after the denial."""
        if self.deny_setgroups:
            try:
                idmaps.deny_setgroups(init.pid)
            except OSError as error:
                self._remedy = idmaps.why_refused(init.pid, "gid", "", error.errno or 0)
                raise
        for which, rows in self.rows.items():
            if rows:
                self._write(init.pid, which, rows)

    def _write(self, pid: int, which: Which, rows: tuple[Row, ...]) -> None:
        if which in self.helped:
            from nsinit.isolation import newidmap  # noqa: PLC0415  (most maps need no help)

            try:
                newidmap.write_map(pid, which, rows)
            except newidmap.HelperError as error:
                self._remedy = error.remedy
                raise
            return
        try:
            idmaps.write_map(pid, which, text(rows))
        except OSError as error:
            self._remedy = idmaps.why_refused(pid, which, text(rows), error.errno or 0)
            raise

    def undo(self) -> None:
        """Gone with the namespace."""

    def remedy(self, number: int) -> str:
        """Which of the conditions of user_namespaces(7) was not fulfilled."""
        del number
        return self._remedy


class DropGroups:
    """Leave the launcher's groups before init is made: inside it could not leave them any more."""

    def __init__(self) -> None:
        self._before: list[int] = []

    def describe(self) -> str:
        """For people."""
        return "leave all supplementary groups"

    def apply(self) -> None:
        """setgroups(2), which needs CAP_SETGID."""
        self._before = os.getgroups()
        seam.setgroups([])

    def undo(self) -> None:
        """Be in them again."""
        seam.setgroups(self._before)

    def remedy(self, number: int) -> str:
        """Only who has the capability has this step."""
        del number
        return ""


class TakeIds(Named):
    """What init is inside; None: what it is already. Its capabilities are not changed by it."""

    uid: int | None
    gid: int | None
    drop_groups: bool

    def describe(self) -> str:
        """For people."""
        ids = (("uid", self.uid), ("gid", self.gid))
        parts = [f"{which} {number}" for which, number in ids if number is not None]
        groups = "leave all groups" if self.drop_groups else ""
        become = f"become {', '.join(parts)}" if parts else ""
        return ", ".join(filter(None, (groups, become)))

    def apply(self) -> None:
        """Groups first, as the power to leave them may go with the uid (credentials(7))."""
        if self.drop_groups:
            seam.setgroups([])
        if self.gid is not None:
            seam.setresgid(self.gid, self.gid, self.gid)
        if self.uid is not None:
            seam.setresuid(self.uid, self.uid, self.uid)

    def undo(self) -> None:
        """Gone with init."""

    def remedy(self, number: int) -> str:
        """EINVAL: the id is not mapped."""
        return "the id is not in the map" if number == errno.EINVAL else ""


class NoMoreUsers:
    """Forbid user namespaces in this one and below, for good.

    The sysctl user.max_user_namespaces belongs to the user namespace of who writes it, and only who
    has CAP_SYS_RESOURCE in it may write (user_namespaces(7), sysctl of namespaces(7)). So init sets
    it to 0 and gives that capability up, with its bounding set: then nobody inside has it or can
    get it. Everything else that root may do inside stays as it is.
    """

    def describe(self) -> str:
        """For people."""
        return "forbid further user namespaces"

    def apply(self) -> None:
        """Write the sysctl, then leave the capability out of all sets."""
        from nsinit.kernel import creds  # noqa: PLC0415  (only for who asks for it)

        fd = seam.open_fd(_LIMIT, os.O_WRONLY | os.O_CLOEXEC)
        try:
            seam.write(fd, b"0")
        finally:
            os.close(fd)
        gone = 1 << _CAP_SYS_RESOURCE
        creds.drop_bounding(gone)
        caps = creds.read_caps()
        creds.set_caps(caps.effective & ~gone, caps.permitted & ~gone, caps.inheritable & ~gone)

    def undo(self) -> None:
        """Gone with the namespace."""

    def remedy(self, number: int) -> str:
        """The file may not be reachable."""
        if number == errno.EROFS:
            return "/proc is mounted read-only here; a new pid namespace has its own"
        return "this kernel has no user.max_user_namespaces" if number == errno.ENOENT else ""
