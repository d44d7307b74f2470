"""Namespaces: kinds, flags, id maps, and why the kernel refuses. Knows no policy.

Sources: namespaces(7), user_namespaces(7), clone(2).
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Final, Literal

from nsinit.kernel import libc, seam

if TYPE_CHECKING:
    from collections.abc import Iterable

Kind = Literal["user", "ipc", "uts", "pid", "mount"]

FLAGS: Final[dict[Kind, int]] = {
    "user": libc.CLONE_NEWUSER,  # first: the others can then be made with its power
    "ipc": libc.CLONE_NEWIPC,
    "uts": libc.CLONE_NEWUTS,
    "pid": libc.CLONE_NEWPID,
    "mount": libc.CLONE_NEWNS,
}
_FILES: Final[dict[Kind, str]] = {"mount": "mnt"}
# What distributions forbid user namespaces to ordinary users with, and the value that does.
_SWITCHES: Final = {
    "kernel/unprivileged_userns_clone": "0",
    "kernel/apparmor_restrict_unprivileged_userns": "1",
}
ALL_IDS: Final = "0 0 4294967295"


def flags_of(kinds: Iterable[Kind]) -> int:
    """The flags of clone(2), unshare(2) and setns(2) for these kinds together."""
    flags = 0
    for kind in kinds:
        flags |= FLAGS[kind]
    return flags


def is_supported(kind: Kind) -> bool:
    """Whether this kernel has that kind of namespace."""
    return os.path.exists(f"/proc/self/ns/{_FILES.get(kind, kind)}")


def write_map(pid: int, name: Literal["uid_map", "gid_map"], lines: str) -> None:
    """Write an id map: once, in one write(2), by somebody in the parent user namespace."""
    _write(f"/proc/{pid}/{name}", lines)


def deny_setgroups(pid: int) -> None:
    """Required before an unprivileged gid_map: dropping a group could open a file to somebody."""
    _write(f"/proc/{pid}/setgroups", "deny")


def _write(path: str, text: str) -> None:
    fd = seam.open_fd(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        seam.write(fd, text.encode())  # its result counts: file objects lose errors at close
    finally:
        os.close(fd)


def why_refused(number: int, kinds: list[Kind]) -> str:
    """What to do about a clone(2) that failed with this errno: the sysctl or capability."""
    if number in (errno.ENOSPC, errno.EUSERS):
        if "user" in kinds and _sysctl("user/max_user_namespaces") == "0":
            return "user namespaces are forbidden here: sysctl user.max_user_namespaces is 0"
        return "a limit is reached: see the sysctls user.max_*_namespaces; nesting ends at 32"
    missing = [kind for kind in kinds if not is_supported(kind)]
    if number != errno.EPERM:
        return f"this kernel has no {', '.join(missing)} namespaces" if missing else ""
    if "user" not in kinds:
        return 'CAP_SYS_ADMIN is missing; with namespaces = {user = "new"} none is needed'
    for name, forbids in _SWITCHES.items():
        if _sysctl(name) == forbids:
            return f"the sysctl {name.replace('/', '.')} is {forbids}"
    return "a seccomp filter (Docker: --security-opt seccomp=unconfined) or a chroot forbids it"


def _sysctl(name: str) -> str:
    try:
        with open(f"/proc/sys/{name}", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""
