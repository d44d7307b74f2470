"""What clone(2) alone does not do for new namespaces: clocks, cgroups, the loopback interface.

None of them needs an undo: what they change is gone with the namespaces.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from nsinit.isolation.basics import Inside
from nsinit.kernel import interfaces, libc, namespaces, seam

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nsinit.kernel.namespaces import Kind


class LoopbackUp(Inside):
    """A new network namespace has a lo that is down."""

    def describe(self) -> str:
        """For people."""
        return "set the interface lo up"

    def apply(self) -> None:
        """netdevice(7)."""
        interfaces.bring_up("lo")


class CgroupNamespace(Inside):
    """Made by init after it has been attached: its root is where the maker is by then."""

    def describe(self) -> str:
        """For people."""
        return "make a cgroup namespace"

    def apply(self) -> None:
        """unshare(2); see cgroup_namespaces(7)."""
        libc.unshare(libc.CLONE_NEWCGROUP)


class KeptProc:
    """An open /proc, for who can't see it any more when it is needed."""

    def __init__(self) -> None:
        self.fd = -1

    def describe(self) -> str:
        """For people."""
        return "open /proc"

    def apply(self) -> None:
        """open(2)."""
        self.fd = seam.open_fd("/proc", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def undo(self) -> None:
        """Close it, once."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def remedy(self, number: int) -> str:
        """What is usual."""
        return "/proc is needed here" if number == errno.ENOENT else ""


class TimeNamespace(Inside):
    """A time namespace for the children, whose clocks can be set until there is one.

    Where the caller has no power, a user namespace is made with it that gives it; all else has to
    be made in that too.
    """

    def __init__(self, offsets: Mapping[str, float], proc: KeptProc, *, user: bool) -> None:
        self._offsets, self._proc = offsets, proc
        self._flags = libc.CLONE_NEWTIME | (libc.CLONE_NEWUSER if user else 0)

    def describe(self) -> str:
        """For people."""
        clocks = ", ".join(f"{clock} {by:+g} s" for clock, by in self._offsets.items())
        user = "a user namespace and " if self._flags & libc.CLONE_NEWUSER else ""
        return f"make {user}a time namespace with {clocks}"

    def apply(self) -> None:
        """unshare(2), and the offsets before the first child."""
        libc.unshare(self._flags)
        namespaces.set_clocks(self._proc.fd, self._offsets)
        self._proc.undo()

    def remedy(self, number: int) -> str:
        """A clock can't show a time before it began."""
        if number == errno.ERANGE:
            return "a clock can be set back to 0 at most: see /proc/uptime"
        made: list[Kind] = ["time"]
        if self._flags & libc.CLONE_NEWUSER:
            made.append("user")
        return namespaces.why_refused(number, made)
