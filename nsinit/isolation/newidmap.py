"""newuidmap(1) and newgidmap(1): how an ordinary user gets more ids than the own one.

They are set-uid programs of the package uidmap (shadow), and write the maps that /etc/subuid and
/etc/subgid grant. The launcher runs them while init waits; neither may hang it.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from nsinit.process import programs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nsinit.kernel.idmaps import Which
    from nsinit.model.idmaps import Row

_TIMEOUT: Final = 10.0  # s; it reads two files, but the names may come from a network


class HelperError(OSError):
    """It did not write the map: what it said, and what helps."""

    def __init__(self, number: int, message: str, remedy: str) -> None:
        super().__init__(number, message)
        self.remedy = remedy


def write_map(pid: int, which: Which, rows: Sequence[Row]) -> None:
    """Let the helper write one map of a process. HelperError tells why it did not."""
    name = f"new{which}map"
    path = find(name)
    words = [name, str(pid), *(str(number) for row in rows for number in row)]
    ended = programs.run(path, words, "", _TIMEOUT)
    if ended.code == 0:
        return
    if ended.code is None:
        raise HelperError(
            errno.ETIMEDOUT,
            f"{path} did not answer within {_TIMEOUT:.0f} s",
            "it may be asking a network for names: see subid in /etc/nsswitch.conf",
        )
    text = " ".join(ended.said.split()) or f"{path} ended with {ended.code}"
    raise HelperError(errno.EPERM, text, _why(path, which))


def find(name: str) -> str:
    """The path of the helper; HelperError if it isn't installed."""
    if path := programs.find(name):
        return path
    raise HelperError(
        errno.ENOENT,
        f"{name} is not installed, and only it may map more than the own id",
        'Debian and Ubuntu: apt-get install uidmap; or map = "root" for one id',
    )


def _why(path: str, which: Which) -> str:
    """What helps when it refused: as far as that can be seen from here."""
    with suppress(OSError):
        with open("/proc/self/status", encoding="ascii", errors="replace") as file:
            if "NoNewPrivs:\t1\n" in file.read():
                return f"no_new_privs is set here, so that {path} gets no power"
        found, mounted = os.stat(path), os.statvfs(path)
        if mounted.f_flag & os.ST_NOSUID:
            return f"{path} is on a file system that is mounted nosuid"
        if not found.st_mode & 0o6000 and not _has_file_caps(path):
            return f"{path} is neither set-uid nor has it capabilities: reinstall uidmap"
    return f"see what /etc/sub{which} grants; your own id needs an entry in /etc/passwd too"


def _has_file_caps(path: str) -> bool:
    try:
        return bool(os.getxattr(path, "security.capability"))
    except OSError:
        return False
