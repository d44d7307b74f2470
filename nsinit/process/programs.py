"""Other programs that do something for the launcher: found, run with a time limit, listened to."""

from __future__ import annotations

import os
import select
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from nsinit.kernel import seam
from nsinit.named import Named

if TYPE_CHECKING:
    from collections.abc import Sequence

PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_MOST: Final = 1 << 16  # bytes of what it says that are kept


class Ended(Named):
    """How a program ended: its exit code, 128+n for a signal; None if it was killed as too slow."""

    code: int | None
    said: str


def find(name: str) -> str:
    """The path of a program, where it usually is too; "" if it isn't installed."""
    for directory in f"{os.environ.get('PATH', '')}:{PATH}".split(":"):
        path = f"{directory}/{name}"
        if directory.startswith("/") and os.access(path, os.X_OK) and os.path.isfile(path):
            return path
    return ""


def run(path: str, words: Sequence[str], text: str, seconds: float) -> Ended:
    """Run a program with some input to its end; what it says on both streams is one text."""
    given, reader, writer = -1, -1, -1
    try:
        given = _input(text)
        reader, writer = seam.pipe(os.O_CLOEXEC)
        seam.ask("fork")
        pid = os.posix_spawn(
            path,
            list(words),
            {"PATH": PATH, "LC_ALL": "C"},
            file_actions=[
                (os.POSIX_SPAWN_DUP2, given, 0),
                (os.POSIX_SPAWN_DUP2, writer, 1),
                (os.POSIX_SPAWN_DUP2, writer, 2),
            ],
            setsigmask=[],
            setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],
        )
        os.close(writer)
        writer = -1
        return _listen(pid, reader, seconds)
    finally:
        for fd in (given, reader, writer):
            if fd >= 0:
                os.close(fd)


def _input(text: str) -> int:
    """A file without a name that has the text: nobody has to write while the program reads."""
    seam.ask("memfd_create")
    fd = os.memfd_create("input", os.MFD_CLOEXEC)
    data = text.encode()
    try:
        while data:
            data = data[seam.write(fd, data) :]
    except BaseException:
        os.close(fd)
        raise
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def _listen(pid: int, reader: int, seconds: float) -> Ended:
    until = seam.monotonic() + seconds
    parts: list[bytes] = []
    size = 0
    pidfd = seam.pidfd_open(pid)
    try:
        poll = select.poll()
        for fd in (reader, pidfd):
            poll.register(fd, select.POLLIN)
        in_time = True
        while in_time:
            ready = {fd for fd, _ in poll.poll(max(0.0, until - seam.monotonic()) * 1000)}
            in_time = bool(ready)
            if reader in ready:
                part = seam.read(reader, _MOST)
                parts += [part] if size < _MOST else []
                size += len(part)
                if not part:
                    poll.unregister(reader)
            elif pidfd in ready:  # all that it has said has been read
                break
        if not in_time:
            with suppress(OSError):
                seam.kill(pid, signal.SIGKILL)
        ended = seam.waitid(os.P_PID, pid, os.WEXITED)
    finally:
        os.close(pidfd)
    said = b"".join(parts).decode("utf-8", "backslashreplace")
    if not in_time or ended is None:
        return Ended(None, said)
    code = ended.si_status if ended.si_code == os.CLD_EXITED else 128 + ended.si_status
    return Ended(code, said)
