"""The writable layer of an overlay: held by one sandbox at a time, with a work directory.

The kernel mounts one upper directory twice without a word, and what is in it then is undefined
(Documentation/filesystems/overlayfs.rst). So its user holds a lock, for as long as it lives.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from contextlib import suppress
from typing import Final

from nsinit.kernel import seam

_OWN: Final = frozenset(
    {"work", "index"}
)  # what the kernel has in a work directory, and empties itself


class HoldUpper:
    """A step of the launcher, which holds the lock until the sandbox has ended."""

    def __init__(self, upper: str, work: str | None) -> None:
        self.upper = upper
        self.work = work if work is not None else f"{upper.rstrip('/')}.work"
        self._given = work is not None
        self._fds: list[int] = []

    def describe(self) -> str:
        """For people."""
        return f"hold {self.upper}, and make {self.work}"

    def apply(self) -> None:
        """flock(2) of the directories themselves."""
        try:
            self._fds.append(_hold(self.upper))
            with suppress(FileExistsError):
                seam.mkdir(self.work, 0o700)
            # Beside the upper directory anybody may have put a link of that name.
            work = _hold(self.work, 0 if self._given else os.O_NOFOLLOW)
            self._fds.append(work)
            _refuse_others(work, self.work)
        except BaseException:
            self._let_go()
            raise

    def undo(self) -> None:
        """Let go of it, and remove what the kernel had in the work directory."""
        if not self._fds:
            return
        for name in _OWN:
            inner = os.path.join(self.work, name)
            with suppress(OSError):
                os.chmod(inner, 0o700)  # the kernel makes it so that only root can look into it
            shutil.rmtree(inner, ignore_errors=True)
        if not self._given:
            with suppress(OSError):  # somebody may have put a file there
                seam.rmdir(self.work)
        self._let_go()

    def forget(self) -> None:
        """Close the copies of the descriptors in init, whose holder could leave the root by them.

        The locks are the launcher's, without whom init does not live.
        """
        self._let_go()

    def _let_go(self) -> None:
        while self._fds:
            os.close(self._fds.pop())

    def remedy(self, number: int) -> str:
        """Who uses it can be waited for."""
        if number == errno.EBUSY:
            return "every sandbox needs an upper and a work directory of its own"
        if number == errno.ENOENT:
            return f"make the directory {self.upper}"
        if number == errno.ENOTEMPTY:
            return 'name a directory that is empty, or that can be made: work = "DIR"'
        if number in (errno.EACCES, errno.EROFS, errno.ELOOP, errno.ENOTDIR):
            return 'name another directory of the same file system: work = "DIR"'
        return ""


def _refuse_others(fd: int, path: str) -> None:
    """The kernel empties a work directory, and so do we."""
    if not _OWN.issuperset(os.listdir(fd)):
        raise OSError(errno.ENOTEMPTY, f"there are other files in {path}")


def _hold(path: str, flags: int = 0) -> int:
    """A descriptor of a directory that nobody else holds; else OSError says who does."""
    fd = seam.open_fd(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | flags)
    try:
        seam.ask("flock")
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        who = holder(fd)
        os.close(fd)
        raise OSError(errno.EBUSY, f"{path} is in use{who}") from None
    except BaseException:
        os.close(fd)
        raise
    return fd


def holder(fd: int) -> str:
    """Who holds a lock of this file, as far as /proc/locks tells."""
    found = os.fstat(fd)
    device = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    with suppress(OSError), open("/proc/locks", encoding="ascii") as file:
        for line in file:
            words = line.split()
            if len(words) > 5 and words[1] == "FLOCK" and words[5] == device:
                return f" by process {words[4]}{_command(words[4])}"
    return " by another sandbox"


def _command(pid: str) -> str:
    with suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
        words = file.read(4096).decode("utf-8", "replace").split("\0")
        return f" ({' '.join(words).strip()})"
    return ""
