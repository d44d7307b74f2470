"""A directory that modules come from, and how what is in it is read.

By its path as long as that leads there. When the root is about to change, by a mount of that
directory which is attached nowhere: whoever holds it can read what is in the directory, but can't
write there, and no way leads up or out of it. See open_tree(2), openat2(2).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from nsinit.kernel import mounts, seam
from nsinit.named import Named

if TYPE_CHECKING:
    from collections.abc import Iterator

_PIECE: Final = 1 << 18
_ATTRIBUTES: Final = mounts.RDONLY | mounts.NOSUID | mounts.NODEV


class Source(Named):
    """A directory: by its path alone, or `below` the root of a mount."""

    path: str  # as modules know it
    mount: int = -1
    below: str = "."

    def directory(self, name: str) -> Source:
        """The one of that name in it."""
        return self._replace(path=f"{self.path}/{name}", below=f"{self.below}/{name}")

    def entries(self) -> Iterator[os.DirEntry[str]]:
        """What is in it; nothing if it can't be read. Of an entry only the name and type count."""
        try:
            fd = self._open(".", os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            return
        try:
            with os.scandir(fd) as entries:
                yield from entries
        finally:
            os.close(fd)

    def read(self, name: str) -> bytes:
        """The content of a file."""
        fd = self._open(name, os.O_RDONLY)
        try:
            pieces = []
            while piece := seam.read(fd, _PIECE):
                pieces.append(piece)
            return b"".join(pieces)
        finally:
            os.close(fd)

    def stat(self, name: str) -> os.stat_result:
        """What is known of a file."""
        if self.mount < 0:
            return seam.stat(f"{self.path}/{name}")
        fd = self._open(name, os.O_PATH)
        try:
            return seam.fstat(fd)
        finally:
            os.close(fd)

    def _open(self, name: str, flags: int) -> int:
        if self.mount < 0:
            return seam.open_fd(f"{self.path}/{name}", flags | os.O_CLOEXEC)
        return mounts.open_beneath(self.mount, f"{self.below}/{name}", flags)


def hold(path: str) -> Source:
    """A directory, by a mount of it; OSError where that can't be had.

    It takes CAP_SYS_ADMIN over the mount namespace, and Linux 5.12.
    """
    fd = seam.open_fd(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        mount = mounts.clone_tree(fd, recursive=True)  # another one is refused over locked mounts
    finally:
        os.close(fd)
    try:
        mounts.set_attributes(mount, add=_ATTRIBUTES, propagation=mounts.PRIVATE, recursive=True)
    except OSError:
        os.close(mount)
        raise
    return Source(path, mount)
