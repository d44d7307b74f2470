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

from nsinit.kernel import seam


class HoldUpper:
    """A step of the launcher, which holds the lock until the sandbox has ended."""

    def __init__(self, upper: str, work: str | None) -> None:
        self.upper = upper
        self.work = work if work is not None else f"{upper.rstrip('/')}.work"
        self._given = work is not None
        self._fd = -1

    def describe(self) -> str:
        """For people."""
        return f"hold {self.upper}, and make {self.work}"

    def apply(self) -> None:
        """flock(2) of the directory itself."""
        fd = seam.open_fd(self.upper, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            seam.ask("flock")
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(fd)
            os.close(fd)
            raise OSError(errno.EBUSY, f"it is in use{holder}") from None
        except BaseException:
            os.close(fd)
            raise
        self._fd = fd
        try:
            seam.mkdir(self.work, 0o700)
        except FileExistsError:
            pass
        except OSError:
            self._given = True  # nothing is there to be removed
            self.undo()
            raise

    def undo(self) -> None:
        """Let go of it; a work directory holds nothing that anybody needs."""
        if self._fd < 0:
            return
        inner = os.path.join(self.work, "work")
        with suppress(OSError):
            os.chmod(inner, 0o700)  # the kernel makes it so that only root can look into it
        shutil.rmtree(inner if self._given else self.work, ignore_errors=True)
        os.close(self._fd)
        self._fd = -1

    def forget(self) -> None:
        """Close the copy of the descriptor in init, whose holder could leave the root by it.

        The lock is the launcher's, without whom init does not live.
        """
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def remedy(self, number: int) -> str:
        """Who uses it can be waited for."""
        if number == errno.EBUSY:
            return "every sandbox needs an upper directory of its own"
        if number == errno.ENOENT:
            return f"make the directory {self.upper}"
        if number in (errno.EACCES, errno.EROFS):
            return 'name another directory of the same file system: work = "DIR"'
        return ""


def _holder(fd: int) -> str:
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
