"""Which process a daemon is, once the parent that a service was started as has ended."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final

from nsinit.kernel import proc, seam
from nsinit.kernel.spot import Spot
from nsinit.named import Named

if TYPE_CHECKING:
    from collections.abc import Container

    from nsinit.process.strays import Strays

_LONGEST: Final = 32  # bytes of a pid file that make sense
_ZOMBIE: Final = "Z"


class Found(Named):
    """The daemon's pid; or 0 with why, and whether waiting could help."""

    pid: int
    why: str = ""
    hopeless: bool = False


def find_daemon(service: str, pid_file: str | None, strays: Strays) -> Found:
    """From its pid file, or as the only orphan of the service (systemd's GuessMainPID=)."""
    strays.refresh()
    ours = {
        pid: found
        for pid, (found, who) in strays.look().items()
        if who == service and found.state != _ZOMBIE
    }
    if not ours:
        if _of_nobody(strays):
            return Found(0, "for its daemon")
        return Found(0, "it left no process", hopeless=True)
    if pid_file is not None:
        return _by_file(pid_file, ours)
    orphans = [pid for pid, found in ours.items() if found.parent == os.getpid()]
    if len(orphans) == 1:
        return Found(orphans[0])
    if not orphans:
        return Found(0, "for its daemon")
    return Found(0, f"it left {len(orphans)} processes: pid_file must tell which", hopeless=True)


def _of_nobody(strays: Strays) -> bool:
    """Whether there are orphans of unknown origin: in the midst of an exec none can be told."""
    owned = strays.look()
    others = [proc.stat(pid) for pid in strays.strangers() if pid not in owned]
    return any(found is not None and found.state != _ZOMBIE for found in others)


def _by_file(pid_file: str, ours: Container[int]) -> Found:
    pid = _read(pid_file)
    if pid is None:
        return Found(0, f"for its pid file {pid_file}")
    if pid not in ours:
        return Found(0, f"{pid_file} names {pid}, which is no process of it")
    return Found(pid)


def _read(path: str) -> int | None:
    """The number in a pid file; None while there is none. Never waits, whatever the file is."""
    try:
        with Spot(path, follow=True) as spot:
            if not stat.S_ISREG(spot.look().st_mode):  # opening a device may do something already
                return None
            fd = spot.open(os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return None
    try:
        text = seam.read(fd, _LONGEST).strip()
    except OSError:
        return None
    finally:
        os.close(fd)
    return int(text) if text.isdigit() else None
