"""The system calls that the standard library lacks, by ctypes: prototypes and constants, once.

Each wrapper raises SyscallError with its own name and what it was done to. Sources: the section 2
manual page of each name.
"""

from __future__ import annotations

import ctypes
import errno
import os

from nsinit.errors import SyscallError
from nsinit.kernel import seam

TYPE_CHECKING = False  # as `typing` has it, which would be loaded before the first service
if TYPE_CHECKING:
    from typing import Final

# PyDLL: the lock of the interpreter is kept, which a raw clone needs and the others don't mind.
_libc: Final = ctypes.PyDLL(None, use_errno=True)

_int, _long, _ulong, _str, _ptr = (
    ctypes.c_int,
    ctypes.c_long,
    ctypes.c_ulong,
    ctypes.c_char_p,
    ctypes.c_void_p,
)
for _name, _types in {
    "fchownat": [_int, _str, ctypes.c_uint, ctypes.c_uint, _int],
    "prctl": [_int, _ulong, _ulong, _ulong, _ulong],
    "signalfd": [_int, _ptr, _int],
    "mount": [_str, _str, _str, _ulong, _str],
    "umount2": [_str, _int],
    "sethostname": [_str, ctypes.c_size_t],
    "setdomainname": [_str, ctypes.c_size_t],
    "unshare": [_int],
    "setns": [_int, _int],
    "timerfd_create": [_int, _int],
    "timerfd_settime": [_int, _int, _ptr, _ptr],
    "inotify_init1": [_int],
    "inotify_add_watch": [_int, _str, ctypes.c_uint32],
    "inotify_rm_watch": [_int, _int],
}.items():
    getattr(_libc, _name).argtypes = _types
    getattr(_libc, _name).restype = _int
_libc.syscall.restype = _long

# The numbers of clone3(2) and close_range(2) are the same everywhere: they came after 2019.
NR_CLONE3: Final = 435
NR_CLOSE_RANGE: Final = 436
# clone(2) where its arguments come in the usual order.
_NR_CLONE: Final = {"x86_64": 56, "aarch64": 220, "riscv64": 220, "loongarch64": 220}

PR_SET_PDEATHSIG: Final = 1
PR_SET_DUMPABLE: Final = 4
PR_SET_NAME: Final = 15
PR_SET_CHILD_SUBREAPER: Final = 36
PR_SET_NO_NEW_PRIVS: Final = 38
CLOSE_RANGE_CLOEXEC: Final = 4
_AT_EMPTY_PATH: Final = 0x1000
SFD_CLOEXEC: Final = os.O_CLOEXEC
SFD_NONBLOCK: Final = os.O_NONBLOCK

CLOCK_REALTIME: Final = 0
CLOCK_MONOTONIC: Final = 1
TFD_TIMER_ABSTIME: Final = 1
TFD_TIMER_CANCEL_ON_SET: Final = 2

MS_RDONLY: Final = 1
MS_NOSUID: Final = 2
MS_NODEV: Final = 4
MS_NOEXEC: Final = 8
MS_REC: Final = 0x4000
MS_UNBINDABLE: Final = 0x20000
MS_PRIVATE: Final = 0x40000
MS_SLAVE: Final = 0x80000
MS_SHARED: Final = 0x100000
MNT_DETACH: Final = 2

CLONE_NEWTIME: Final = 0x80
CLONE_NEWNS: Final = 0x0002_0000
CLONE_NEWCGROUP: Final = 0x0200_0000
CLONE_NEWUTS: Final = 0x0400_0000
CLONE_NEWIPC: Final = 0x0800_0000
CLONE_NEWUSER: Final = 0x1000_0000
CLONE_NEWPID: Final = 0x2000_0000
CLONE_NEWNET: Final = 0x4000_0000
CLONE_FS: Final = 0x200
CLONE_FILES: Final = 0x400
CLONE_PIDFD: Final = 0x1000
CLONE_PARENT: Final = 0x8000
CLONE_SYSVSEM: Final = 0x4_0000
CLONE_INTO_CGROUP: Final = 0x2_0000_0000
_EXIT_SIGNAL: Final = 0xFF  # of the flags of clone(2)


def _checked(name: str, target: str, result: int) -> int:
    if result < 0:
        raise SyscallError(ctypes.get_errno(), name, target)
    return result


def prctl(option: int, value: int, what: str) -> None:
    """prctl(2) with one argument; `what` says in words what it sets."""
    seam.ask("prctl")
    _checked("prctl", what, _libc.prctl(option, value, 0, 0, 0))


def become_subreaper() -> None:
    """Adopt orphaned descendants without being PID 1; PR_SET_CHILD_SUBREAPER(2const)."""
    prctl(PR_SET_CHILD_SUBREAPER, 1, "child subreaper")


def signalfd(mask: int) -> int:
    """signalfd(2): a descriptor that gives the blocked signals of `mask` (bit n-1 for signal n)."""
    seam.ask("signalfd")
    buffer = ctypes.create_string_buffer(mask.to_bytes(128, "little"), 128)  # a glibc sigset_t
    return _checked("signalfd", "", _libc.signalfd(-1, buffer, SFD_CLOEXEC | SFD_NONBLOCK))


def close_range(first: int, last: int, flags: int) -> None:
    """close_range(2), Linux 5.9; CLOSE_RANGE_CLOEXEC needs 5.11."""
    seam.ask("close_range")
    arguments = (_ulong(first), _ulong(last), _ulong(flags))
    _checked("close_range", "", _libc.syscall(_long(NR_CLOSE_RANGE), *arguments))


def syscall(name: str, target: str, number: int, *arguments: int) -> int:
    """A call that the C library has no function for, by its number on this machine."""
    seam.ask(name)
    words = (_ulong(argument) for argument in arguments)
    return _checked(name, target, int(_libc.syscall(_long(number), *words)))


def chown_fd(fd: int, uid: int, gid: int) -> None:
    """fchownat(2) of an open file itself, also of one that is open with O_PATH; OSError."""
    seam.ask("chown")
    result = _libc.fchownat(fd, b"", uid, gid, _AT_EMPTY_PATH)
    _checked("chown", "", result)


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    """mount(2)."""
    seam.ask("mount")
    result = _libc.mount(
        os.fsencode(source), os.fsencode(target), os.fsencode(kind), flags, os.fsencode(data)
    )
    _checked("mount", f"{kind or source or 'propagation'} on {target}", result)


def umount2(target: str, flags: int) -> None:
    """umount2(2)."""
    seam.ask("umount")
    _checked("unmount", target, _libc.umount2(os.fsencode(target), flags))


def sethostname(name: str) -> None:
    """sethostname(2), in the uts namespace of the caller."""
    seam.ask("sethostname")
    raw = os.fsencode(name)
    _checked("sethostname", name, _libc.sethostname(raw, len(raw)))


def setdomainname(name: str) -> None:
    """setdomainname(2), in the uts namespace of the caller."""
    seam.ask("setdomainname")
    raw = os.fsencode(name)
    _checked("setdomainname", name, _libc.setdomainname(raw, len(raw)))


def unshare(flags: int) -> None:
    """unshare(2): the caller itself moves, but for pid (and time) namespaces only its children."""
    seam.ask("unshare")
    _checked("unshare", f"{flags:#x}", _libc.unshare(flags))


def setns(fd: int, kind: int = 0) -> None:
    """setns(2): enter the namespace of an open file; it must be of that kind, unless that is 0."""
    seam.ask("setns")
    _checked("setns", f"{kind:#x}", _libc.setns(fd, kind))


def timerfd_create(clock: int) -> int:
    """timerfd_create(2): a descriptor that can be read from once its time has come."""
    seam.ask("timerfd_create")
    return _checked("timerfd_create", "", _libc.timerfd_create(clock, os.O_CLOEXEC | os.O_NONBLOCK))


def timerfd_settime(fd: int, flags: int, at: float | None) -> None:
    """timerfd_settime(2): once, at an instant of its clock (s); None disarms it."""
    seam.ask("timerfd_settime")
    whole, part = divmod(round(at * 1e9), 10**9) if at is not None else (0, 0)
    if at is not None and (whole, part) <= (0, 0):
        whole, part = 0, 1  # zero would disarm it
    spec = (_long * 4)(0, 0, whole, part)
    _checked("timerfd_settime", "", _libc.timerfd_settime(fd, flags, ctypes.byref(spec), None))


def inotify_init() -> int:
    """inotify_init1(2): a descriptor that tells of changes of files."""
    seam.ask("inotify_init")
    return _checked("inotify_init", "", _libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK))


def inotify_add_watch(fd: int, path: str, mask: int) -> int:
    """inotify_add_watch(2): tell of what `mask` names; the number of the watch."""
    seam.ask("inotify_add_watch")
    return _checked("watch", path, _libc.inotify_add_watch(fd, os.fsencode(path), mask))


def inotify_rm_watch(fd: int, watch: int) -> None:
    """inotify_rm_watch(2)."""
    seam.ask("inotify_rm_watch")
    _checked("inotify_rm_watch", str(watch), _libc.inotify_rm_watch(fd, watch))


def map_library(path: str) -> ctypes.CDLL:
    """dlopen(3): have a shared library in memory; what it needs besides comes with it."""
    seam.ask("dlopen")
    return ctypes.CDLL(path)


def has_library(path: str) -> bool:
    """dlopen(3) with RTLD_NOLOAD: whether the library of that path is in memory already."""
    try:
        ctypes.CDLL(path, os.RTLD_NOLOAD)
    except OSError:
        return False
    return True


class CloneArgs(ctypes.Structure):
    """struct clone_args of clone3(2), version 2."""

    _fields_ = tuple(
        (field, ctypes.c_uint64)
        for field in (
            "flags", "pidfd", "child_tid", "parent_tid", "exit_signal", "stack", "stack_size",
            "tls", "set_tid", "set_tid_size", "cgroup",
        )
    )  # fmt: skip


def clone3(flags: int, exit_signal: int, cgroup: int | None = None) -> tuple[int, int]:
    """clone3(2) without a new stack, as fork(2) but with flags: (pid, pidfd), in the child (0, -1).

    A version 2 `cgroup` (a descriptor) is where the child begins, since Linux 5.7. The caller has
    one thread. The interpreter is told as os.fork does it; without that, children
    hang now and then. With CLONE_PARENT the exit signal is the caller's own, and must be 0 here.
    """
    seam.ask("clone3")
    pidfd = _int(-1)
    flags |= CLONE_INTO_CGROUP if cgroup is not None else 0
    arguments = CloneArgs(
        flags=flags | CLONE_PIDFD,
        pidfd=ctypes.addressof(pidfd),
        exit_signal=exit_signal,
        cgroup=cgroup or 0,
    )
    size = ctypes.c_size_t(ctypes.sizeof(arguments))
    ctypes.pythonapi.PyOS_BeforeFork()
    pid = _libc.syscall(_long(NR_CLONE3), ctypes.byref(arguments), size)
    number = ctypes.get_errno()
    old = _NR_CLONE.get(os.uname().machine)
    fits = not flags & _EXIT_SIGNAL and cgroup is None  # no such bits there
    if pid < 0 and number == errno.ENOSYS and old and fits:  # a seccomp filter can't look inside
        both = _ulong(flags | CLONE_PIDFD | exit_signal)
        pid = _libc.syscall(_long(old), both, _ptr(), ctypes.byref(pidfd), _ptr(), _ptr())
        number = ctypes.get_errno()
    if pid == 0:
        ctypes.pythonapi.PyOS_AfterFork_Child()
        return 0, -1
    ctypes.pythonapi.PyOS_AfterFork_Parent()
    if pid < 0:
        raise SyscallError(number, "clone", "")
    return int(pid), pidfd.value
