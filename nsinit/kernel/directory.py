"""The working directory as the kernel itself tells it.

getcwd(3) is no use for that: where the kernel says that a directory is not below the root, the C
library looks for a path of its own, and finds one that is right in another mount namespace.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from typing import Final

from nsinit.errors import SyscallError
from nsinit.kernel import seam

_libc: Final = ctypes.PyDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long

# getcwd(2) by machine and pointer size; a 32-bit Python may run on a 64-bit kernel.
_NR_GETCWD: Final = {
    ("x86_64", 64): 79, ("x86_64", 32): 183, ("i686", 32): 183, ("i586", 32): 183,
    ("aarch64", 64): 17, ("aarch64", 32): 183, ("armv8l", 32): 183, ("armv7l", 32): 183,
    ("armv6l", 32): 183, ("riscv64", 64): 17, ("loongarch64", 64): 17,
    ("ppc64le", 64): 182, ("s390x", 64): 183,
}  # fmt: skip
_SIZE: Final = 4096  # PATH_MAX, which is as much as the call itself can do


def is_below_root() -> bool:
    """getcwd(2): whether the working directory can be reached from the root of this process.

    One whose path is too long for the call counts as reachable; a removed one does too.
    """
    seam.ask("getcwd")
    machine, bits = os.uname().machine, 64 if sys.maxsize > 1 << 32 else 32
    number = _NR_GETCWD.get((machine, bits))
    if number is None:
        raise SyscallError(errno.ENOSYS, "getcwd", f"on {machine}")
    buffer = ctypes.create_string_buffer(_SIZE)
    if _libc.syscall(ctypes.c_long(number), buffer, ctypes.c_size_t(_SIZE)) < 0:
        failed = ctypes.get_errno()
        if failed in (errno.ENAMETOOLONG, errno.ENOENT, errno.ERANGE):
            return True
        raise SyscallError(failed, "getcwd")
    return buffer.value.startswith(b"/")
