"""Priorities and places of a process: ioprio, scheduler, CPUs, the score of the OOM killer.

All act on the caller, and raise OSError where the kernel refuses. Those that the standard library
lacks are made by ctypes.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from nsinit.errors import SyscallError
from nsinit.kernel import libc, seam

if TYPE_CHECKING:
    from collections.abc import Iterable

_libc: Final = ctypes.PyDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long

# ioprio_set(2) by machine and pointer size; a 32-bit Python may run on a 64-bit kernel.
_NR_IOPRIO_SET: Final = {
    ("x86_64", 64): 251, ("x86_64", 32): 289, ("i686", 32): 289, ("i586", 32): 289,
    ("aarch64", 64): 30, ("aarch64", 32): 314, ("armv8l", 32): 314, ("armv7l", 32): 314,
    ("armv6l", 32): 314, ("riscv64", 64): 30, ("loongarch64", 64): 30,
    ("ppc64le", 64): 273, ("s390x", 64): 282,
}  # fmt: skip
_WHO_PROCESS: Final = 1
_CLASS_SHIFT: Final = 13
_CPUS: Final = 8192  # more than any kernel knows


def set_nice(value: int) -> None:
    """setpriority(2): the nice value itself, not a change of it."""
    seam.ask("setpriority")
    os.setpriority(os.PRIO_PROCESS, 0, value)


def set_io_priority(kind: int, level: int) -> None:
    """ioprio_set(2) by class (1 realtime, 2 best-effort, 3 idle) and level (0 first, 7 last)."""
    seam.ask("ioprio_set")
    machine, bits = os.uname().machine, 64 if sys.maxsize > 1 << 32 else 32
    call = _NR_IOPRIO_SET.get((machine, bits))
    if call is None:
        raise SyscallError(errno.ENOSYS, "ioprio_set", f"on {machine}")
    value = kind << _CLASS_SHIFT | level
    arguments = (ctypes.c_long(number) for number in (call, _WHO_PROCESS, 0, value))
    if _libc.syscall(*arguments) < 0:
        raise SyscallError(ctypes.get_errno(), "ioprio_set", f"{kind}:{level}")


def set_scheduler(policy: int, priority: int) -> None:
    """sched_setscheduler(2); a priority for the real-time policies, else 0."""
    seam.ask("sched_setscheduler")
    os.sched_setscheduler(0, policy, os.sched_param(priority))


def set_cpus(cpus: Iterable[int]) -> None:
    """sched_setaffinity(2), which fails with EINVAL if it can't be on every one of the CPUs.

    The kernel itself leaves out what is not there, as long as anything is left.
    """
    wanted = set(cpus)
    seam.ask("sched_setaffinity")
    os.sched_setaffinity(0, wanted)
    if os.sched_getaffinity(0) != wanted:
        raise SyscallError(errno.EINVAL, "sched_setaffinity", str(sorted(wanted)))


def allowed_cpus() -> set[int]:
    """The CPUs that the caller could be on, whatever it is bound to now.

    There is no call that tells, but binding to all leaves those; then it is bound as before.
    """
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, range(_CPUS))
        return os.sched_getaffinity(0)
    except OSError:
        return before
    finally:
        with suppress(OSError):  # they are gone meanwhile: then all the others it is
            os.sched_setaffinity(0, before)


def set_oom_score_adj(value: int) -> None:
    """Write /proc/self/oom_score_adj, see proc_pid_oom_score_adj(5).

    Whose uid has changed is not dumpable, and its files in /proc are those of the machine's root
    (proc(5)): they are made its own for as long as it takes to open one.
    """
    path, flags = "/proc/self/oom_score_adj", os.O_WRONLY | os.O_CLOEXEC
    try:
        fd = seam.open_fd(path, flags)
    except PermissionError:
        libc.prctl(libc.PR_SET_DUMPABLE, 1, "dumpable")
        try:
            fd = seam.open_fd(path, flags)
        finally:
            libc.prctl(libc.PR_SET_DUMPABLE, 0, "dumpable")
    try:
        seam.write(fd, str(value).encode())
    finally:
        os.close(fd)
