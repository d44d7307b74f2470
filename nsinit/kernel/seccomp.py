"""The filter of system calls of this process: which machine it is for, and its loading.

Knows no policy. Sources: seccomp(2), Documentation/userspace-api/seccomp_filter.rst of the kernel.
"""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Final

from nsinit import syscalls
from nsinit.kernel import libc

_SET_MODE_FILTER: Final = 1
FLAG_LOG: Final = 2  # every answer but ALLOW is logged
FLAG_SPEC_ALLOW: Final = 4  # the mitigation of speculative store bypass is left out
_INSTRUCTION_SIZE: Final = 8


class _Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))


def native_arch() -> str:
    """What this process's calls are made as: "x86_64", "i386", "aarch64" or another machine's name.

    A program of 32 bits on a kernel of 64 makes those of its own kind.
    """
    machine = os.uname().machine
    wide = sys.maxsize > 1 << 32
    if machine == "x86_64" and not wide:
        return "i386"
    if machine == "aarch64" and not wide:
        return "arm"
    return "i386" if machine in ("i486", "i586", "i686") else machine


def load(program: bytes, flags: int = 0) -> None:
    """Put this thread, and all that it forks or executes, under a filter for good.

    `program` is struct sock_filter[]. SyscallError: EACCES without no_new_privs and without
    CAP_SYS_ADMIN, EINVAL for a program that the kernel does not take, ENOMEM for too much of it.
    """
    number = syscalls.numbers(native_arch())["seccomp"]
    wrapped = _Program(len(program) // _INSTRUCTION_SIZE, program)
    address = ctypes.addressof(wrapped)
    libc.syscall("seccomp", "", number, _SET_MODE_FILTER, flags, address)
