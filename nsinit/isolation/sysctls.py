"""Settings of the kernel that a namespace has of its own (ipc_namespaces(7), sysctl(8))."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from nsinit.isolation.root import Mounted
from nsinit.kernel import mounts, seam

if TYPE_CHECKING:
    from nsinit.isolation.stage import Stage


class SetSysctl(Mounted):
    """One value, of the namespaces of the caller."""

    def __init__(self, stage: Stage, name: str, value: str) -> None:
        self._stage, self._name, self._value = stage, name, value

    def describe(self) -> str:
        """For people."""
        return f"set the sysctl {self._name} to {self._value}"

    def apply(self) -> None:
        """Through a proc that is certainly one: nothing in the root can redirect it."""
        fd = self._open()
        try:
            seam.write(fd, f"{self._value}\n".encode())
        finally:
            os.close(fd)

    def _open(self) -> int:
        path = "sys/" + (self._name if "/" in self._name else self._name.replace(".", "/"))
        beneath = mounts.RESOLVE_BENEATH
        if self._stage.proc >= 0:
            try:
                return mounts.open_beneath(self._stage.proc, path, os.O_WRONLY, resolve=beneath)
            except FileNotFoundError:
                pass  # an own /proc with subset=pid has none
        proc = seam.open_fd("/proc", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            return mounts.open_beneath(proc, path, os.O_WRONLY, resolve=beneath)
        finally:
            os.close(proc)

    def remedy(self, number: int) -> str:
        """Why it may not be."""
        hints = {
            errno.ENOENT: "this kernel has none of that name",
            errno.EROFS: "/proc/sys is read-only here; in Docker: --privileged",
            errno.EACCES: "it is not the sandbox's own, or not to be set by its root",
            errno.EPERM: "it is not the sandbox's own, or not to be set by its root",
        }
        return hints.get(number) or super().remedy(number)
