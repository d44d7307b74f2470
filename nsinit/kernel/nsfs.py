"""Whom a namespace belongs to, asked of a file of it: /proc/PID/ns/uts, or one that holds it.

Source: ioctl_nsfs(2). Knows no policy.
"""

from __future__ import annotations

import fcntl
import os
import struct
from typing import Final, NamedTuple

from nsinit.kernel import seam

# linux/nsfs.h: _IO(0xb7, n)
_NS_GET_USERNS: Final = 0xB701
_NS_GET_OWNER_UID: Final = 0xB704


class Owner(NamedTuple):
    """Whose a namespace is; None where we may not know.

    `inode` is the user namespace that it belongs to, of a user namespace its parent; `uid` owns
    that one, or the user namespace itself. A uid that is not mapped here is shown as 65534.
    """

    inode: int | None
    uid: int | None


def owner(path: str) -> Owner:
    """The owner of a namespace; OSError if the file can't be opened or is of none."""
    fd = seam.open_fd(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        uid = _owner_uid(fd)  # works for user namespaces only
        try:
            above = _ioctl(fd, _NS_GET_USERNS)
        except PermissionError:  # it lies beyond our own user namespace
            return Owner(None, uid)
        try:
            return Owner(seam.fstat(above).st_ino, _owner_uid(above) if uid is None else uid)
        finally:
            os.close(above)
    finally:
        os.close(fd)


def _owner_uid(fd: int) -> int | None:
    seam.ask("ioctl")
    try:
        return int(struct.unpack("=I", fcntl.ioctl(fd, _NS_GET_OWNER_UID, bytes(4)))[0])
    except OSError:
        return None


def _ioctl(fd: int, request: int) -> int:
    seam.ask("ioctl")
    return fcntl.ioctl(fd, request, 0)
