"""The devices of a bundle: those that every container has, and those that its bundle lists.

They are made in whatever the bundle has mounted on /dev, or in the /dev of its root. Source:
runtime-spec, config-linux.md "Devices" and "Default Devices", runtime-linux.md "Dev symbolic
links".
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from nsinit.errors import SyscallError
from nsinit.isolation.devices import NODES, UNCHANGED, make_node
from nsinit.isolation.root import Mounted
from nsinit.kernel import mounts, seam, terminals

if TYPE_CHECKING:
    import _socket
    from collections.abc import Container

    from nsinit.bundles.linux import Node
    from nsinit.isolation.stage import Stage

_LINKS: Final = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
    "core": "/proc/kcore",
    "ptmx": "pts/ptmx",
}
_FORMATS: Final = {"c": stat.S_IFCHR, "b": stat.S_IFBLK, "p": stat.S_IFIFO}
_CONSOLE: Final = "/dev/console"
_PTMX: Final = os.makedev(5, 2)


class DefaultDevices(Mounted):
    """null, zero, full, random, urandom, tty, and the usual links."""

    def __init__(self, stage: Stage, listed: Container[str] = ()) -> None:
        """What is `listed` by its path is made as it says there."""
        self._stage = stage
        self._nodes = {name: at for name, at in NODES.items() if f"/dev/{name}" not in listed}

    def describe(self) -> str:
        """For people."""
        return f"make /dev/{{{','.join(self._nodes)}}} and links"

    def apply(self) -> None:
        """What is there already, and right, stays."""
        umask = os.umask(0)
        directory = self._stage.place("/dev", directory=True)
        try:
            for name, number in self._nodes.items():
                make_node(directory, name, os.makedev(*number))
            for name, text in _LINKS.items():
                if name == "ptmx":  # a device of that name would be one of the host's terminals
                    with suppress(FileNotFoundError):
                        seam.ask("unlink")
                        os.unlink(name, dir_fd=directory)
                if name == "core" and not self._has(text):
                    continue
                with suppress(FileExistsError):
                    os.symlink(text, name, dir_fd=directory)
        finally:
            os.umask(umask)
            os.close(directory)

    def _has(self, path: str) -> bool:
        try:
            os.close(self._stage.find(path))
        except OSError:
            return False
        return True

    def remedy(self, number: int) -> str:
        """What stands in the way."""
        if number == errno.ENODEV:
            return "the /dev of the bundle has another file of that name"
        if number in (errno.EROFS, errno.EACCES):
            return "mount a tmpfs on /dev, as `runc spec` does"
        return super().remedy(number)


class MakeNode(Mounted):
    """One device, or a FIFO."""

    def __init__(self, stage: Stage, node: Node) -> None:
        self._stage, self._node = stage, node

    def describe(self) -> str:
        """For people."""
        node = self._node
        number = "" if node.type == "p" else f" {node.major}:{node.minor}"
        return f"make the device {node.path} ({node.type}{number}, mode {node.mode:o})"

    def apply(self) -> None:
        """mknod(2); where that may not be, a bind of the same device of the machine."""
        umask = os.umask(0)
        directory, name = self._stage.parent(self._node.path)
        try:
            self._make(directory, name)
        finally:
            os.umask(umask)
            os.close(directory)

    def _make(self, directory: int, name: str) -> None:
        node = self._node
        number = os.makedev(node.major, node.minor) if node.type != "p" else 0
        kind = _FORMATS[node.type]
        try:
            seam.ask("mknod")
            os.mknod(name, kind | node.mode, number, dir_fd=directory)
            os.chown(name, node.uid, node.gid, dir_fd=directory, follow_symlinks=False)
        except PermissionError:
            if node.type == "p":  # that of the host is somebody's
                raise
            self._bind(number, kind)
            return
        except FileExistsError:
            pass
        found = os.stat(name, dir_fd=directory, follow_symlinks=False)
        if stat.S_IFMT(found.st_mode) != kind or found.st_rdev != number:
            raise SyscallError(errno.EEXIST, "make", node.path)

    def _bind(self, number: int, kind: int) -> None:
        theirs = seam.open_fd(self._node.path, os.O_PATH | os.O_CLOEXEC)
        try:
            found = os.fstat(theirs)
            if stat.S_IFMT(found.st_mode) != kind or found.st_rdev != number:
                raise SyscallError(errno.ENODEV, "use", self._node.path)
            tree = mounts.clone_tree(theirs)
            try:
                mounts.set_attributes(tree, add=UNCHANGED)
                self._stage.attach(tree, self._node.path, directory=False)
            finally:
                os.close(tree)
        finally:
            os.close(theirs)

    def remedy(self, number: int) -> str:
        """Without the power to make one there must be one."""
        if number in (errno.ENODEV, errno.ENOENT, errno.EPERM):
            return "this user can make no devices, and the machine has no such one at that path"
        return super().remedy(number)


class Console(Mounted):
    """A terminal of the container's own devpts, which is its /dev/console too.

    The master goes by SCM_RIGHTS to whoever has the other end of `socket`, with `note` as the
    data; the slave stays here, for the process.
    """

    def __init__(self, stage: Stage, size: tuple[int, int] | None, owner: int) -> None:
        """The size is rows and columns, the owner the uid of the process."""
        self.socket: _socket.socket | None = None
        self.note = b"\0"
        self.slave = -1
        self._stage, self._size, self._owner = stage, size, owner

    def describe(self) -> str:
        """For people."""
        return f"make a terminal, and have it as {_CONSOLE}"

    def apply(self) -> None:
        """By descriptor: what is at the paths of the root may be anything."""
        if self.socket is None:
            return  # nobody wants it
        master = self._open()
        try:
            self.slave = terminals.slave_of(master)
            if self._size is not None:
                terminals.resize(master, *self._size)
            with suppress(OSError):  # without CAP_CHOWN, or for an id that is not mapped
                seam.fchown(self.slave, self._owner, -1)
            tree = mounts.clone_tree(self.slave)
            try:
                self._stage.attach(tree, _CONSOLE, directory=False)
            finally:
                os.close(tree)
            terminals.send(self.socket, master, self.note)
        finally:
            os.close(master)
        self.socket.close()

    def _open(self) -> int:
        """A master, and nothing that only has its name."""
        path = "/dev/pts/ptmx"
        fd = self._stage.find(path)
        try:
            found = os.fstat(fd)
        finally:
            os.close(fd)
        if not stat.S_ISCHR(found.st_mode) or found.st_rdev != _PTMX:
            raise SyscallError(errno.ENODEV, "use", path)
        return self._stage.find(path, os.O_RDWR | os.O_NOCTTY)

    def remedy(self, number: int) -> str:
        """What it takes."""
        if number in (errno.ENOENT, errno.ENOTTY, errno.ENODEV):
            return "a terminal needs a devpts on /dev/pts"
        if number in (errno.EPIPE, errno.ECONNRESET):
            return "whoever was to get the terminal has closed the socket"
        return super().remedy(number)
