"""Freezing all that is in a group, and letting it go on.

In version 2 (cgroup.freeze, Linux 5.2) what is frozen can still be killed; in version 1
(freezer.state) a KILL counts only once it is thawed. Neither waits: the kernel freezes one process
after the other, and `is_frozen` tells when that is done.

Sources: admin-guide/cgroup-v2.rst and admin-guide/cgroup-v1/freezer-subsystem.rst of the kernel.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from nsinit.cgroups.counters import table
from nsinit.kernel import cgroups

if TYPE_CHECKING:
    from nsinit.cgroups.group import Group

STATE: Final = "freezer.state"
_FREEZE: Final = "cgroup.freeze"
_DEPTH: Final = 32


def can_freeze(group: Group) -> bool:
    """Whether there is a file for it."""
    unified = group.unified
    return group.branch("freezer") is not None or (
        unified is not None and cgroups.has(unified.fd, _FREEZE)
    )


def freeze(group: Group) -> None:
    """Begin to freeze it with all groups in it; OSError (ENOTSUP) if that can't be."""
    unified, freezer = group.unified, group.branch("freezer")
    if unified is not None and cgroups.has(unified.fd, _FREEZE):
        cgroups.write(unified.fd, _FREEZE, "1")
    elif freezer is not None:
        cgroups.write(freezer.fd, STATE, "FROZEN")
    else:
        raise OSError(errno.ENOTSUP, "no hierarchy of it can freeze")


def thaw(group: Group) -> None:
    """Let everything in it go on, whoever has frozen it and how; OSError if that can't be."""
    unified, freezer = group.unified, group.branch("freezer")
    if unified is not None and cgroups.has(unified.fd, _FREEZE):
        cgroups.write(unified.fd, _FREEZE, "0")
    if freezer is not None:
        cgroups.write(freezer.fd, STATE, "THAWED")


def thaw_all(fd: int, depth: int = _DEPTH) -> None:
    """Thaw a group of version 1 and each one in it, which may be frozen by itself. Never raises."""
    with suppress(OSError):
        cgroups.write(fd, STATE, "THAWED")
    for name in cgroups.groups_in(fd) if depth else ():
        with suppress(OSError):
            inner = cgroups.open_group(name, fd)
            try:
                thaw_all(inner, depth - 1)
            finally:
                os.close(inner)


def is_frozen(group: Group) -> bool:
    """Whether all that is in it stands still; what is only being frozen does not count."""
    unified, freezer = group.unified, group.branch("freezer")
    if unified is not None:
        with suppress(OSError):
            if table(cgroups.read(unified.fd, "cgroup.events")).get("frozen") == 1:
                return True
    if freezer is not None:
        with suppress(OSError):
            return cgroups.read(freezer.fd, STATE).strip() == "FROZEN"
    return False
