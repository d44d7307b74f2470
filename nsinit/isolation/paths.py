"""What of a root is hidden, or can be read only: mostly what in /proc and /sys is the machine's.

Whoever has CAP_SYS_ADMIN in the first user namespace can take all this away again.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, Final

from nsinit.isolation.root import Mounted
from nsinit.isolation.stage import open_null
from nsinit.kernel import mounts

if TYPE_CHECKING:
    from nsinit.isolation.stage import Stage

# What runc and Docker hide and protect, too; and file systems that the host has below its /sys: it
# comes with all of them unless the network is the sandbox's own.
MASKED: Final = (
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
    "/sys/fs/bpf",
    "/sys/fs/pstore",
    "/sys/kernel/debug",
    "/sys/kernel/security",
    "/sys/kernel/tracing",
)
READONLY: Final = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")


class _Covered(Mounted):
    """Something is mounted over what is there; what is not there needs none."""

    def __init__(self, stage: Stage, path: str) -> None:
        self._stage, self._path = stage, path

    def apply(self) -> None:
        """Make the cover for what is there, and attach it."""
        try:
            target = self._stage.find(self._path)
        except (FileNotFoundError, NotADirectoryError):
            return
        try:
            cover = self._cover(target)
            try:
                mounts.attach(cover, target)
            finally:
                os.close(cover)
        finally:
            os.close(target)

    def _cover(self, target: int) -> int:
        """A detached mount for that place."""
        raise NotImplementedError


class Mask(_Covered):
    """Nothing is seen there: an empty directory, or a file without content."""

    def describe(self) -> str:
        """For people."""
        return f"mask {self._path}"

    def remedy(self, number: int) -> str:
        """What covers a file is the machine's own device."""
        if number in (errno.ENOENT, errno.ENODEV):
            return "a file is masked by /dev/null, which there is not on this machine"
        return super().remedy(number)

    def _cover(self, target: int) -> int:
        """An empty read-only tmpfs, or /dev/null."""
        if stat.S_ISDIR(os.fstat(target).st_mode):
            options = ["size=0", "nr_inodes=1", "mode=755"]
            flags = mounts.RDONLY | mounts.NOSUID | mounts.NODEV | mounts.NOEXEC
            return mounts.make("tmpfs", options, flags)
        null = open_null()
        try:
            cover = mounts.clone_tree(null)
        finally:
            os.close(null)
        # It is the host's: who is root here is not to change its mode or owner.
        return _limited(cover, mounts.RDONLY | mounts.NOSUID | mounts.NOEXEC)


class ReadonlyPath(_Covered):
    """Nothing can be changed there, nor in what is mounted below it."""

    def describe(self) -> str:
        """For people."""
        return f"make {self._path} read-only"

    def _cover(self, target: int) -> int:
        """A read-only copy."""
        return _limited(mounts.clone_tree(target, recursive=True), mounts.RDONLY, recursive=True)


def _limited(tree: int, flags: int, *, recursive: bool = False) -> int:
    try:
        mounts.set_attributes(tree, add=flags, recursive=recursive)
    except OSError:
        os.close(tree)
        raise
    return tree
