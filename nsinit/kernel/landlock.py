"""Landlock: a process gives up access to files, ports and other processes. Knows no policy.

Sources: landlock(7), Documentation/userspace-api/landlock.rst of the kernel. What a kernel knows
is told by the number of its ABI; 0 where there is none. The numbers of the three calls are the
same on every architecture.
"""

from __future__ import annotations

import errno
import os
import stat
import struct
from ctypes import addressof, create_string_buffer
from typing import Final

from nsinit.kernel import libc, seam

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION: Final = 1  # LANDLOCK_CREATE_RULESET_VERSION
_BENEATH, _PORT = 1, 2  # enum landlock_rule_type

EXECUTE: Final = 1 << 0
WRITE_FILE: Final = 1 << 1
READ_FILE: Final = 1 << 2
READ_DIR: Final = 1 << 3
REMOVE_DIR: Final = 1 << 4
REMOVE_FILE: Final = 1 << 5
MAKE_CHAR: Final = 1 << 6
MAKE_DIR: Final = 1 << 7
MAKE_REG: Final = 1 << 8
MAKE_SOCK: Final = 1 << 9
MAKE_FIFO: Final = 1 << 10
MAKE_BLOCK: Final = 1 << 11
MAKE_SYM: Final = 1 << 12
REFER: Final = 1 << 13  # ABI 2: move or link from one directory to another
TRUNCATE: Final = 1 << 14  # ABI 3
IOCTL_DEV: Final = 1 << 15  # ABI 5

BIND_TCP: Final = 1 << 0  # ABI 4
CONNECT_TCP: Final = 1 << 1

SCOPE_ABSTRACT_UNIX: Final = 1 << 0  # ABI 6
SCOPE_SIGNAL: Final = 1 << 1

OF_FILES: Final = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV  # not of directories
_FS_SINCE: Final = {1: (1 << 13) - 1, 2: REFER, 3: TRUNCATE, 5: IOCTL_DEV}
_NET_SINCE: Final = {4: BIND_TCP | CONNECT_TCP}
_SCOPE_SINCE: Final = {6: SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL}


def abi() -> int:
    """What this kernel can do, 7 and more at this time; 0 if nothing (ENOSYS, EOPNOTSUPP)."""
    try:
        return libc.syscall("landlock_create_ruleset", "", _CREATE_RULESET, 0, 0, _VERSION)
    except OSError as error:
        if error.errno in (errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM):
            return 0  # EPERM: a filter of system calls that knows none of it
        raise


def known(version: int) -> tuple[int, int, int]:
    """The accesses to files, to ports, and the scopes that a version of the ABI can restrict."""
    fs, net, scope = (
        sum(bits for since, bits in table.items() if since <= version)
        for table in (_FS_SINCE, _NET_SINCE, _SCOPE_SINCE)
    )
    return fs, net, scope


def create_ruleset(fs: int, net: int, scope: int) -> int:
    """A descriptor for rules; what is named here is forbidden but for what a rule allows.

    A kernel that does not know a part of it answers EINVAL (its bits) or E2BIG (its field).
    """
    fields = [fs, net, scope]
    while len(fields) > 1 and not fields[-1]:
        fields.pop()  # older kernels know a shorter struct
    raw = struct.pack(f"={len(fields)}Q", *fields)
    buffer = create_string_buffer(raw, len(raw))
    address = addressof(buffer)
    return libc.syscall("landlock_create_ruleset", "", _CREATE_RULESET, address, len(raw), 0)


def allow_beneath(ruleset: int, path: str, access: int) -> None:
    """Allow access to a file, or to a directory and all that is below it; OSError as open(2)'s."""
    fd = seam.open_fd(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not stat.S_ISDIR(seam.fstat(fd).st_mode):
            access &= OF_FILES
        if access:
            raw = struct.pack("=Qi", access, fd)
            _add(ruleset, _BENEATH, raw, path)
    finally:
        os.close(fd)


def allow_port(ruleset: int, port: int, access: int) -> None:
    """Allow a TCP port; 0 is that of the kernel's choice, for BIND_TCP."""
    _add(ruleset, _PORT, struct.pack("=QQ", access, port), f"port {port}")


def _add(ruleset: int, kind: int, raw: bytes, what: str) -> None:
    buffer = create_string_buffer(raw, len(raw))
    libc.syscall("landlock_add_rule", what, _ADD_RULE, ruleset, kind, addressof(buffer), 0)


def restrict_self(ruleset: int) -> None:
    """Let the rules hold for this thread, and all that it forks or executes, for good.

    EPERM without no_new_privs and without CAP_SYS_ADMIN; E2BIG after 16 of them.
    """
    libc.syscall("landlock_restrict_self", "", _RESTRICT_SELF, ruleset, 0)
