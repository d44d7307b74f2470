"""Reading a small file, as PID 1 may do it: nothing that blocks, nothing without an end.

Whoever can write to the file's directory could put a FIFO or /dev/zero in its place, or a link to
what only init may read.
"""

from __future__ import annotations

import errno
import os
import stat

from nsinit.kernel import seam
from nsinit.kernel.spot import Spot


def read_small(path: str, limit: int, *, private: bool = False) -> bytes:
    """The bytes of a regular file of at most `limit` bytes; OSError says why not.

    A `private` one nobody may write but its owner and group.
    """
    with Spot(path, follow=True) as spot:
        # Opening a device may do something already.
        if not stat.S_ISREG(spot.look().st_mode):
            raise _odd(path)
        fd = spot.open(os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        mode = seam.fstat(fd).st_mode
        if not stat.S_ISREG(mode):
            raise _odd(path)
        if private and mode & stat.S_IWOTH:
            raise OSError(errno.EPERM, "everybody may write it", path)
        parts: list[bytes] = []
        size = 0
        while part := seam.read(fd, min(1 << 16, limit + 1 - size)):
            parts.append(part)
            size += len(part)
            if size > limit:
                raise OSError(errno.EFBIG, f"it has over {limit >> 10} KiB", path)
        return b"".join(parts)
    finally:
        os.close(fd)


def _odd(path: str) -> OSError:
    return OSError(errno.EINVAL, "it is no regular file", path)
