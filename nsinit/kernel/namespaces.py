"""Namespaces: kinds, flags, files, clocks, and why the kernel refuses. Knows no policy.

Sources: namespaces(7), user_namespaces(7), time_namespaces(7), ioctl_nsfs(2), clone(2).
"""

from __future__ import annotations

import errno
import fcntl
import os
from typing import TYPE_CHECKING, Final, Literal

from nsinit.kernel import libc, seam

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Kind = Literal["user", "ipc", "uts", "net", "pid", "mount", "cgroup", "time"]

FLAGS: Final[dict[Kind, int]] = {
    "user": libc.CLONE_NEWUSER,  # first: the others can then be made with its power
    "ipc": libc.CLONE_NEWIPC,
    "uts": libc.CLONE_NEWUTS,
    "net": libc.CLONE_NEWNET,
    "pid": libc.CLONE_NEWPID,
    "mount": libc.CLONE_NEWNS,
    "cgroup": libc.CLONE_NEWCGROUP,
    "time": libc.CLONE_NEWTIME,
}
_FILES: Final[dict[Kind, str]] = {"mount": "mnt"}
_NS_GET_NSTYPE: Final = 0xB703
# What distributions forbid user namespaces to ordinary users with, and the value that does.
_SWITCHES: Final = {
    "kernel/unprivileged_userns_clone": "0",
    "kernel/apparmor_restrict_unprivileged_userns": "1",
}


def is_supported(kind: Kind) -> bool:
    """Whether this kernel has that kind of namespace."""
    return os.path.exists(path_of(kind, "self"))


def path_of(kind: Kind, pid: int | Literal["self"]) -> str:
    """The file of a process's namespace of that kind."""
    return f"/proc/{pid}/ns/{_FILES.get(kind, kind)}"


def flags_of(kinds: Iterable[Kind]) -> int:
    """The flags of clone(2), unshare(2) and setns(2) for these kinds together."""
    flags = 0
    for kind in kinds:
        flags |= FLAGS[kind]
    return flags


def kind_of(fd: int) -> Kind | None:
    """Of which kind the namespace is that an open file stands for; None if it is another file."""
    try:
        seam.ask("ioctl")
        flag = fcntl.ioctl(fd, _NS_GET_NSTYPE)
    except OSError:
        return None
    return next((kind for kind, known in FLAGS.items() if known == flag), None)


def set_clocks(proc: int, offsets: Mapping[str, float]) -> None:
    """Set the clocks ("monotonic", "boottime": s from the host's) of the time namespace to come.

    By the one who has unshared it, before the first process is in it (time_namespaces(7)); `proc`
    is an open /proc, as that may be hidden by then.
    """
    lines = ""
    for clock, offset in offsets.items():
        whole, part = divmod(round(offset * 10**9), 10**9)
        lines += f"{clock} {whole} {part}\n"
    _write("self/timens_offsets", lines, proc)


def _write(path: str, text: str, directory: int | None = None) -> None:
    fd = seam.open_fd(path, os.O_WRONLY | os.O_CLOEXEC, dir_fd=directory)
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
        seam.ask("open")
        with open(f"/proc/sys/{name}", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""
