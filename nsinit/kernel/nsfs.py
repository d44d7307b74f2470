"""What a namespace is, asked of a file of it: /proc/PID/ns/uts, or a file that holds one.

Source: ioctl_nsfs(2). Knows no policy.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from typing import Final

from nsinit.kernel import seam

# linux/nsfs.h: _IO(0xb7, n)
_NS_GET_USERNS: Final = 0xB701
_NS_GET_PARENT: Final = 0xB702
_NS_GET_NSTYPE: Final = 0xB703
_NS_GET_OWNER_UID: Final = 0xB704
_FLAGS: Final = {  # CLONE_NEW... of sched.h
    0x0002_0000: "mount",
    0x0200_0000: "cgroup",
    0x0400_0000: "uts",
    0x0800_0000: "ipc",
    0x1000_0000: "user",
    0x2000_0000: "pid",
    0x4000_0000: "net",
    0x0000_0080: "time",
}


def kind(path: str) -> str:
    """Which kind of namespace a file is of; OSError ENOTTY if it is of none."""
    fd = _open(path)
    try:
        return _FLAGS.get(_ioctl(fd, _NS_GET_NSTYPE), "?")
    finally:
        os.close(fd)


def owner(path: str) -> int | None:
    """The inode of the user namespace that a namespace belongs to; of a user namespace, its parent.

    None where we may not know: it lies beyond our own user namespace.
    """
    fd = _open(path)
    try:
        other = _ioctl(fd, _NS_GET_USERNS)
        try:
            return os.fstat(other).st_ino
        finally:
            os.close(other)
    except PermissionError:
        return None
    finally:
        os.close(fd)


def owner_uid(path: str) -> int | None:
    """The uid that owns a user namespace, 65534 if it is not mapped here; None for other kinds."""
    fd = _open(path)
    try:
        seam.ask("ioctl")
        data = fcntl.ioctl(fd, _NS_GET_OWNER_UID, bytes(4))
        return int(struct.unpack("=I", data)[0])
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.ENOTTY):
            return None
        raise
    finally:
        os.close(fd)


def _open(path: str) -> int:
    return seam.open_fd(path, os.O_RDONLY | os.O_CLOEXEC)


def _ioctl(fd: int, request: int) -> int:
    seam.ask("ioctl")
    return fcntl.ioctl(fd, request, 0)
