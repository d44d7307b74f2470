"""A /dev with what every program may expect, and nothing of the machine's."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, Final

from nsinit.errors import SyscallError
from nsinit.isolation.root import Mounted
from nsinit.kernel import mounts, seam

if TYPE_CHECKING:
    from nsinit.isolation.stage import Stage

# Linux's admin-guide/devices.txt.
NODES: Final = {
    "null": (1, 3),
    "zero": (1, 5),
    "full": (1, 7),
    "random": (1, 8),
    "urandom": (1, 9),
    "tty": (5, 0),
}
_LINKS: Final = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
    "ptmx": "pts/ptmx",
}
_QUIET: Final = mounts.NOSUID | mounts.NOEXEC
# Of a device of the machine: it can be read and written as ever, its mode and owner stay.
UNCHANGED: Final = mounts.RDONLY | mounts.NOSUID | mounts.NOEXEC
_TTY_GROUP: Final = 5  # of terminals, on every distribution


class MinimalDev(Mounted):
    """A tmpfs with six devices, terminals of its own, shared memory, and the usual links."""

    def __init__(self, stage: Stage, *, queues: bool) -> None:
        """With `queues` also POSIX message queues, for whom the ipc namespace must be our own."""
        self._stage, self._queues = stage, queues

    def describe(self) -> str:
        """For people."""
        more = ", mqueue" if self._queues else ""
        return f"mount a /dev with {', '.join(NODES)}, pts, shm{more}"

    def apply(self) -> None:
        """Everything is made by descriptor, in a file system that nobody else sees yet."""
        umask = os.umask(0)
        made = mounts.make("tmpfs", ["mode=755", "size=64k"], mounts.NOSUID | mounts.STRICTATIME)
        try:
            self._stage.attach(made, "/dev", directory=True)
            self._stage.owns(made)
            self._stage.dev = os.fstat(made).st_dev
            for name, number in NODES.items():
                make_node(made, name, os.makedev(*number))
            for name, text in _LINKS.items():
                os.symlink(text, name, dir_fd=made)
            _attach_new(made, "pts", _terminals())
            shm = mounts.make("tmpfs", ["mode=1777", "size=64m"], _QUIET | mounts.NODEV)
            self._stage.owns(shm)
            _attach_new(made, "shm", shm)
            if self._queues:
                _attach_new(made, "mqueue", mounts.make("mqueue", (), _QUIET | mounts.NODEV))
        finally:
            os.umask(umask)
            os.close(made)

    def remedy(self, number: int) -> str:
        """Where the root has no /dev."""
        if number in (errno.EROFS, errno.EACCES):
            return "there is no /dev in the root, and none can be made there"
        if number in (errno.ENOTDIR, errno.ELOOP):
            return "/dev in the root is to be a directory, or a link to one in it"
        return super().remedy(number)


def _terminals() -> int:
    """devpts; its group can be named only where that gid means something."""
    options = ["ptmxmode=0666", "mode=0620"]
    try:
        return mounts.make("devpts", [*options, f"gid={_TTY_GROUP}"], _QUIET)
    except SyscallError as error:
        if error.errno != errno.EINVAL:
            raise
    return mounts.make("devpts", options, _QUIET)


def _attach_new(directory: int, name: str, mount: int) -> None:
    try:
        os.mkdir(name, 0o755, dir_fd=directory)
        mounts.attach(mount, directory, name)
    finally:
        os.close(mount)


def make_node(directory: int, name: str, number: int) -> None:
    """A device, or where that is not allowed the machine's own one; never another than meant."""
    try:
        seam.ask("mknod")
        os.mknod(name, stat.S_IFCHR | 0o666, number, dir_fd=directory)
    except FileExistsError:
        pass
    except PermissionError:  # not the first user namespace, or no CAP_MKNOD
        _bind_node(directory, name, number)
    found = os.stat(name, dir_fd=directory, follow_symlinks=False)
    if not stat.S_ISCHR(found.st_mode) or found.st_rdev != number:
        raise SyscallError(errno.ENODEV, "make", f"/dev/{name}")


def _bind_node(directory: int, name: str, number: int) -> None:
    theirs = seam.open_fd(f"/dev/{name}", os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if os.fstat(theirs).st_rdev != number:
            raise OSError(errno.ENODEV, f"/dev/{name} of the machine is another device")
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
        os.close(seam.open_fd(name, flags, 0o666, dir_fd=directory))
        tree = mounts.clone_tree(theirs)
        try:
            mounts.set_attributes(tree, add=UNCHANGED)
            mounts.attach(tree, directory, name)
        finally:
            os.close(tree)
    finally:
        os.close(theirs)


class Device(Mounted):
    """A device of the machine, at the same or another path."""

    def __init__(self, stage: Stage, source: str, path: str) -> None:
        self._stage, self._source, self._path = stage, source, path

    def describe(self) -> str:
        """For people."""
        return f"bind the device {self._source} to {self._path}"

    def apply(self) -> None:
        """A bind: whoever may use it there may use it here."""
        theirs = seam.open_fd(self._source, os.O_PATH | os.O_CLOEXEC)
        try:
            mode = os.fstat(theirs).st_mode
            if not stat.S_ISCHR(mode) and not stat.S_ISBLK(mode):
                raise SyscallError(errno.ENODEV, "use", self._source)
            tree = mounts.clone_tree(theirs)
            try:
                mounts.set_attributes(tree, add=UNCHANGED)
                self._stage.attach(tree, self._path, directory=False)
            finally:
                os.close(tree)
        finally:
            os.close(theirs)

    def remedy(self, number: int) -> str:
        """What it is not."""
        if number == errno.ENODEV:
            return f'{self._source} is no device; use "mounts" for other files'
        return super().remedy(number)
