"""Opening a log file: nothing but a regular file, through no link, and without waiting."""

from __future__ import annotations

import errno
import os
import stat
from typing import Final

from nsinit.kernel import fds, seam
from nsinit.kernel.spot import Spot

_FLAGS: Final = os.O_RDWR | os.O_APPEND | os.O_NONBLOCK | os.O_NOCTTY


def open_log(path: str, mode: int) -> tuple[int, bool]:
    """A descriptor to append by, and whether the file was made; OSError."""
    with Spot(path) as spot:
        try:
            return spot.open(_FLAGS | os.O_CREAT | os.O_EXCL, mode), True
        except FileExistsError:
            return spot.open(_FLAGS), False


def check(fd: int) -> os.stat_result:
    """What a descriptor leads to, if that is a file and others have descriptors left."""
    found = seam.fstat(fd)
    if fds.is_nearly_last(fd):
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is no regular file")
    return found
