"""newuidmap(1) and newgidmap(1): how an ordinary user gets more ids than the own one.

They are set-uid programs of the package uidmap (shadow), and write the maps that /etc/subuid and
/etc/subgid grant. The launcher runs them while init waits; neither may hang it.
"""

from __future__ import annotations

import errno
import os
import select
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from nsinit.kernel import seam

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nsinit.kernel.idmaps import Which
    from nsinit.model.idmaps import Row

_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_TIMEOUT: Final = 10.0  # s; it reads two files, but the names may come from a network
_MOST: Final = 4096  # bytes of what it says


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
    said, ended = _run(path, words)
    if ended == 0:
        return
    if ended is None:
        raise HelperError(
            errno.ETIMEDOUT,
            f"{path} did not answer within {_TIMEOUT:.0f} s",
            "it may be asking a network for names: see subid in /etc/nsswitch.conf",
        )
    text = " ".join(said.split()) or f"{path} ended with {ended}"
    raise HelperError(errno.EPERM, text, _why(path, which))


def find(name: str) -> str:
    """The path of the helper; HelperError if it isn't installed."""
    for directory in (os.environ.get("PATH", "") + ":" + _PATH).split(":"):
        path = f"{directory}/{name}"
        if directory.startswith("/") and os.access(path, os.X_OK) and os.path.isfile(path):
            return path
    raise HelperError(
        errno.ENOENT,
        f"{name} is not installed, and only it may map more than the own id",
        'Debian and Ubuntu: apt-get install uidmap; or map = "root" for one id',
    )


def _run(path: str, words: list[str]) -> tuple[str, int | None]:
    """What it said, and its exit code; None when it took too long and was killed."""
    reader, writer = seam.pipe(os.O_CLOEXEC)
    try:
        seam.ask("fork")
        pid = os.posix_spawn(
            path,
            words,
            {"PATH": _PATH, "LC_ALL": "C"},
            file_actions=[(os.POSIX_SPAWN_DUP2, writer, 1), (os.POSIX_SPAWN_DUP2, writer, 2)],
            setsigmask=[],
            setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],
        )
    finally:
        os.close(writer)
    try:
        in_time = _await(pid)
        if not in_time:
            with suppress(OSError):
                seam.kill(pid, signal.SIGKILL)
        ended = seam.waitid(os.P_PID, pid, os.WEXITED)
        os.set_blocking(reader, False)
        with suppress(BlockingIOError):
            said = seam.read(reader, _MOST).decode("utf-8", "backslashreplace")
            return said, _code(ended) if in_time else None
        return "", _code(ended) if in_time else None
    finally:
        os.close(reader)


def _code(ended: os.waitid_result | None) -> int:
    if ended is None:
        return 0
    return ended.si_status if ended.si_code == os.CLD_EXITED else 128 + ended.si_status


def _await(pid: int) -> bool:
    """Whether it ended in time. It has yet to be reaped."""
    pidfd = seam.pidfd_open(pid)
    try:
        poll = select.poll()
        poll.register(pidfd, select.POLLIN)
        return bool(poll.poll(_TIMEOUT * 1000))
    finally:
        os.close(pidfd)


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
