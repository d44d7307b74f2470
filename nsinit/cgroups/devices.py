"""Devices in limits: which one a path names, and which may be used."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

from nsinit.kernel import devicefilter, seam

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nsinit.model.resources import DeviceRule

_ACCESS = {"r": devicefilter.READ, "w": devicefilter.WRITE, "m": devicefilter.MKNOD}


def limit_devices(group: int, rules: Iterable[DeviceRule] | None) -> None:
    """Let only these be used in a group of version 2, by its descriptor; None: all."""
    if rules is None:
        devicefilter.attach(group, None)
        return
    devicefilter.attach(group, [
        devicefilter.Rule(one.kind, one.major, one.minor, sum(map(_ACCESS.__getitem__, one.access)))
        for one in rules
    ])  # fmt: skip


def device_numbers(name: str) -> str:
    """The numbers ("8:0") of a device node, of the device that a file is on, or as they are.

    Of a partition those of its disk: only that can be limited. OSError if there is none (ENOTBLK
    for a file that is on no device, such as one of an overlay or a tmpfs).
    """
    if not name.startswith("/"):
        return name
    found = seam.stat(name)
    number = found.st_rdev if stat.S_ISBLK(found.st_mode) else found.st_dev
    major, minor = os.major(number), os.minor(number)
    if not major:
        raise OSError(errno.ENOTBLK, "it is on no block device", name)
    entry = f"/sys/dev/block/{major}:{minor}"
    if os.path.exists(f"{entry}/partition"):
        with open(os.path.join(os.path.realpath(entry), "..", "dev"), encoding="ascii") as file:
            return file.read().strip()
    return f"{major}:{minor}"
