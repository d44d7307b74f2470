"""What a process may do: its five sets of capabilities, and the flags that go with them.

Sets are masks of bits, bit n for capability n. All calls act on the calling thread and raise
SyscallError; "creds" to the seam is every prctl(2) of these that changes something. Sources:
capabilities(7), capget(2), prctl(2), keyctl(2).
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from typing import Final

from nsinit.errors import SyscallError
from nsinit.kernel import libc, seam
from nsinit.named import Named

_libc: Final = ctypes.PyDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
_libc.prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
_libc.capget.argtypes = _libc.capset.argtypes = [ctypes.c_void_p, ctypes.c_void_p]

_VERSION_3: Final = 0x2008_0522  # of struct __user_cap_header_struct: 64 bits in two halves
_HALF: Final = 0xFFFF_FFFF
_CAPS_MAX: Final = 64

PR_GET_DUMPABLE: Final = 3
PR_GET_KEEPCAPS: Final = 7
PR_SET_KEEPCAPS: Final = 8
PR_CAPBSET_READ: Final = 23
PR_CAPBSET_DROP: Final = 24
PR_GET_SECUREBITS: Final = 27
PR_SET_SECUREBITS: Final = 28
PR_GET_NO_NEW_PRIVS: Final = 39
PR_CAP_AMBIENT: Final = 47
PR_CAP_AMBIENT_IS_SET: Final = 1
PR_CAP_AMBIENT_RAISE: Final = 2
PR_CAP_AMBIENT_CLEAR_ALL: Final = 4

# linux/securebits.h: each has a lock in the bit after it.
SECBIT_NOROOT: Final = 1
SECBIT_NO_SETUID_FIXUP: Final = 1 << 2
SECBIT_KEEP_CAPS: Final = 1 << 4
SECBIT_NO_CAP_AMBIENT_RAISE: Final = 1 << 6

_KEYCTL_JOIN_SESSION_KEYRING: Final = 1
# keyctl(2) by machine and pointer size; a 32-bit Python may run on a 64-bit kernel.
_NR_KEYCTL: Final = {
    ("x86_64", 64): 250, ("x86_64", 32): 288, ("i686", 32): 288, ("i586", 32): 288,
    ("aarch64", 64): 219, ("aarch64", 32): 311, ("armv8l", 32): 311, ("armv7l", 32): 311,
    ("armv6l", 32): 311, ("riscv64", 64): 219, ("loongarch64", 64): 219,
    ("ppc64le", 64): 271, ("s390x", 64): 280,
}  # fmt: skip


class Caps(Named):
    """The five sets of a thread."""

    effective: int
    permitted: int
    inheritable: int
    bounding: int
    ambient: int


class _Half(ctypes.Structure):
    """struct __user_cap_data_struct."""

    _fields_ = tuple((name, ctypes.c_uint32) for name in ("effective", "permitted", "inheritable"))


def full_caps() -> Caps:
    """What the first process of a new user namespace has in it (user_namespaces(7))."""
    every = (1 << last_cap() + 1) - 1
    return Caps(every, every, 0, every, 0)


def has_cap(number: int) -> bool:
    """Whether a capability is effective in this thread."""
    return bool(_read_sets()[0] >> number & 1)


def read_caps() -> Caps:
    """All five sets of this thread."""
    effective, permitted, inheritable = _read_sets()
    bounding = ambient = 0
    for cap in range(last_cap() + 1):
        bounding |= _prctl(PR_CAPBSET_READ, cap) << cap
        if (permitted & inheritable) >> cap & 1:  # nothing else can be ambient
            ambient |= _prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap) << cap
    return Caps(effective, permitted, inheritable, bounding, ambient)


def set_caps(effective: int, permitted: int, inheritable: int) -> None:
    """capset(2): EPERM for what is not permitted already, or effective without being permitted."""
    halves = (_Half * 2)(
        _Half(effective & _HALF, permitted & _HALF, inheritable & _HALF),
        _Half(effective >> 32, permitted >> 32, inheritable >> 32),
    )
    seam.ask("capset")
    _capabilities("capset", halves)


def _read_sets() -> tuple[int, int, int]:
    """Effective, permitted and inheritable."""
    halves = (_Half * 2)()
    seam.ask("capget")
    _capabilities("capget", halves)
    low, high = halves
    return (
        low.effective | high.effective << 32,
        low.permitted | high.permitted << 32,
        low.inheritable | high.inheritable << 32,
    )


def _capabilities(name: str, halves: ctypes.Array[_Half]) -> None:
    header = (ctypes.c_uint32 * 2)(_VERSION_3, 0)
    if getattr(_libc, name)(ctypes.byref(header), ctypes.byref(halves)) < 0:
        raise SyscallError(ctypes.get_errno(), name, "the capabilities")


def last_cap() -> int:
    """The highest number that this kernel has; asked of itself, since there may be no /proc."""
    low, high = 0, _CAPS_MAX  # the first is known to every kernel, the last to none
    while high - low > 1:
        middle = (low + high) // 2
        if _libc.prctl(PR_CAPBSET_READ, middle, 0, 0, 0) >= 0:
            low = middle
        else:
            high = middle
    return low


def drop_bounding(mask: int) -> None:
    """PR_CAPBSET_DROP of each: no exec gives them back. Needs CAP_SETPCAP."""
    for cap in range(mask.bit_length()):
        if mask >> cap & 1:
            _set(PR_CAPBSET_DROP, cap, what=f"bounding set without {cap}")


def keep_caps(*, keep: bool) -> None:
    """PR_SET_KEEPCAPS: a change from root to another uid leaves the permitted set."""
    _set(PR_SET_KEEPCAPS, int(keep), what="keep capabilities")


def raise_ambient(mask: int) -> None:
    """PR_CAP_AMBIENT_RAISE of each; they must be permitted and inheritable."""
    for cap in range(mask.bit_length()):
        if mask >> cap & 1:
            _ambient(PR_CAP_AMBIENT_RAISE, cap, "raise")


def clear_ambient() -> None:
    """PR_CAP_AMBIENT_CLEAR_ALL."""
    _ambient(PR_CAP_AMBIENT_CLEAR_ALL, 0, "clear")


def _ambient(how: int, cap: int, what: str) -> int:
    return _set(PR_CAP_AMBIENT, how, cap, what=f"ambient set: {what} {cap}")


def _set(option: int, value: int, more: int = 0, *, what: str) -> int:
    seam.ask("creds")
    return _prctl(option, value, more, what=what)


def _prctl(option: int, value: int = 0, more: int = 0, what: str = "") -> int:
    result = _libc.prctl(option, value, more, 0, 0)
    if result < 0:
        raise SyscallError(ctypes.get_errno(), "prctl", what or str(option))
    return int(result)


def securebits() -> int:
    """PR_GET_SECUREBITS: how root is treated, as a sum of SECBIT_... ."""
    return _prctl(PR_GET_SECUREBITS)


def set_securebits(bits: int) -> None:
    """PR_SET_SECUREBITS. Needs CAP_SETPCAP."""
    _set(PR_SET_SECUREBITS, bits, what="securebits")


def keeps_caps() -> bool:
    """PR_GET_KEEPCAPS."""
    return bool(_prctl(PR_GET_KEEPCAPS))


def has_no_new_privs() -> bool:
    """PR_GET_NO_NEW_PRIVS."""
    return bool(_prctl(PR_GET_NO_NEW_PRIVS))


def set_no_new_privs() -> None:
    """PR_SET_NO_NEW_PRIVS: no exec gives more than there is now, for ever."""
    _set(libc.PR_SET_NO_NEW_PRIVS, 1, what="no_new_privs")


def is_dumpable() -> bool:
    """PR_GET_DUMPABLE: whether processes of the same user may look into this one, ptrace(2)."""
    return _prctl(PR_GET_DUMPABLE) == 1


def set_dumpable(*, dumpable: bool) -> None:
    """PR_SET_DUMPABLE: without it the files of /proc/PID are root's; see proc(5)."""
    _set(libc.PR_SET_DUMPABLE, int(dumpable), what="dumpable")


def join_new_keyring() -> int:
    """KEYCTL_JOIN_SESSION_KEYRING: a new, nameless session keyring; its serial number."""
    seam.ask("keyctl")
    machine, bits = os.uname().machine, 64 if sys.maxsize > 1 << 32 else 32
    number = _NR_KEYCTL.get((machine, bits))
    if number is None:
        raise SyscallError(errno.ENOSYS, "keyctl", f"on {machine}")
    nothing = ctypes.c_void_p(None)
    result = _libc.syscall(
        ctypes.c_long(number), ctypes.c_long(_KEYCTL_JOIN_SESSION_KEYRING), nothing
    )
    if result < 0:
        raise SyscallError(ctypes.get_errno(), "keyctl", "a new session keyring")
    return int(result)
