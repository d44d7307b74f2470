"""The first steps in new namespaces: names, propagation, an own /proc.

None of them needs an undo: what they change is gone with the namespaces.
"""

from __future__ import annotations

import errno

from nsinit.kernel import creds, libc
from nsinit.named import Named

_CAP_SYS_ADMIN = 21


def has_cap_sys_admin() -> bool:
    """Whether this process may make namespaces without a user namespace (capabilities(7))."""
    return creds.has_cap(_CAP_SYS_ADMIN)


class Inside:
    """Gone with the namespace."""

    def undo(self) -> None:
        """Nothing to do."""

    def remedy(self, number: int) -> str:
        """Usually the kernel's own word is all there is to say."""
        del number
        return ""


class PrivateMounts(Inside):
    """Cut the mounts off from the host's, so that none of ours shows there, nor theirs here."""

    def describe(self) -> str:
        """For people."""
        return "make all mounts private"

    def apply(self) -> None:
        """mount(2) with MS_REC | MS_PRIVATE."""
        libc.mount("", "/", "", libc.MS_REC | libc.MS_PRIVATE)


class OwnProc(Inside):
    """A /proc that shows the processes of the new pid namespace."""

    def describe(self) -> str:
        """For people."""
        return "mount proc on /proc"

    def apply(self) -> None:
        """mount(2); proc belongs to the pid namespace of the one who mounts it."""
        libc.mount("proc", "/proc", "proc", libc.MS_NOSUID | libc.MS_NODEV | libc.MS_NOEXEC)

    def remedy(self, number: int) -> str:
        """The kernel allows no new proc where parts of the visible one are covered."""
        if number == errno.EPERM:
            return (
                "parts of /proc are masked here; in Docker: "
                "--security-opt systempaths=unconfined, or --cap-add SYS_ADMIN"
            )
        return ""


class _Named(Named):
    name: str


class HostName(_Named, Inside):
    """The host name of the new uts namespace; any 64 bytes will do, underscores too."""

    def describe(self) -> str:
        """For people."""
        return f"set the host name to {self.name}"

    def apply(self) -> None:
        """sethostname(2)."""
        libc.sethostname(self.name)


class DomainName(_Named, Inside):
    """The NIS domain name of the new uts namespace."""

    def describe(self) -> str:
        """For people."""
        return f"set the domain name to {self.name}"

    def apply(self) -> None:
        """setdomainname(2)."""
        libc.setdomainname(self.name)
