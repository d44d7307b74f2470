"""Binds whose files have other owners than on the disk (mount_setattr(2), MOUNT_ATTR_IDMAP)."""

from __future__ import annotations

import errno
import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from nsinit.isolation.mounting import Opened, clone_source
from nsinit.kernel import idmaps, libc, mounts, proc, seam

if TYPE_CHECKING:
    from nsinit.kernel.idmaps import Which
    from nsinit.model.mounting import Mount

_BOTH: Final[tuple[Which, ...]] = ("uid", "gid")
_ONE: Final[dict[str, tuple[Which, ...]]] = {"u": ("uid",), "g": ("gid",), "b": _BOTH}


class MapMount:
    """A step of the launcher, which has the power over the file system; init attaches the mount."""

    def __init__(self, mount: Mount, *, slave: bool = False, below: bool | None = None) -> None:
        """The copy is cut off from its original, with `slave` but for what the host mounts.

        With `below` also what is mounted below it, as if nothing is said for an "rbind".
        """
        self.opened = Opened()
        self._mount = mount
        self._propagation = mounts.SLAVE if slave else mounts.PRIVATE
        self._below = "bind" not in mount.options if below is None else below

    def describe(self) -> str:
        """For people."""
        return f"map the ids of {self._mount.source} as {self._mount.idmap}"

    def apply(self) -> None:
        """A detached copy of the mount, with the maps of a user namespace made for it."""
        tree = clone_source(self._mount)
        try:
            space = user_namespace(maps_of(self._mount.idmap or ""))
            try:
                cut = self._propagation  # it is of the launcher's mounts, which may be shared
                mounts.set_attributes(
                    tree, propagation=cut, user_namespace=space, recursive=self._below
                )
            finally:
                os.close(space)
        except BaseException:
            os.close(tree)
            raise
        self.opened.fd = tree

    def undo(self) -> None:
        """Init has its own descriptor."""
        if (fd := self.opened.take()) >= 0:
            os.close(fd)

    def remedy(self, number: int) -> str:
        """Who may, and where."""
        hints = {
            errno.EPERM: "only the root of the machine can map the ids of its file systems",
            errno.EINVAL: "not every file system can: ext4, xfs, btrfs and tmpfs can, since "
            "Linux 5.12 to 6.3; an overlay or what is mapped already can't",
            errno.ENOENT: f"there is no {self._mount.source}",
        }
        return hints.get(number, "")


def maps_of(text: str) -> dict[Which, str]:
    """The lines of both maps: "b:0:1000:1" is 0 on the disk, seen as 1000; u and g for one."""
    found: dict[Which, list[str]] = {"uid": [], "gid": []}
    for word in text.split():
        kind, numbers = (word[0], word[2:]) if word[0] in _ONE else ("b", word)
        for which in _ONE[kind]:
            found[which].append(numbers.replace(":", " "))
    return {which: "\n".join(lines) for which, lines in found.items()}


def user_namespace(maps: dict[Which, str]) -> int:
    """A descriptor of a new user namespace with these maps, and nobody in it."""
    launcher = os.getpid()
    pid, pidfd = libc.clone3(libc.CLONE_NEWUSER, signal.SIGCHLD)
    if pid == 0:
        with suppress(OSError):
            proc.die_with_parent(signal.SIGKILL)
        if os.getppid() == launcher:
            while True:
                signal.pause()  # until it is killed
        os._exit(0)
    try:
        for which, text in maps.items():
            if text:
                idmaps.write_map(pid, which, text)
        return seam.open_fd(f"/proc/{pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        with suppress(OSError):
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
            os.waitid(os.P_PID, pid, os.WEXITED)
        os.close(pidfd)
