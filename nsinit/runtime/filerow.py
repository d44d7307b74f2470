"""A log file and those that were rotated, in a directory that is held open.

A service may own the directory, or one on the way to it: whatever becomes of them, what init does
here it does in no other directory.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from nsinit.kernel import seam
from nsinit.kernel.spot import Spot
from nsinit.runtime import rotation

if TYPE_CHECKING:
    from typing import Self

    from nsinit.runtime.rotation import Slot


class Row:
    """FILE, FILE.1, FILE.2.gz, and what is being packed."""

    def __init__(self, path: str) -> None:
        """OSError if there is no such directory, or somebody leads elsewhere on the way to it."""
        self._spot = Spot(path)
        self._at = self._spot.directory
        self.name = self._spot.name

    def __enter__(self) -> Self:
        """For `with`."""
        return self

    def __exit__(self, *error: object) -> None:
        """Let go of the directory."""
        self._spot.close()

    @property
    def unfinished(self) -> str:
        """The name of what is being packed."""
        return self.name + rotation.UNFINISHED

    def slots(self) -> list[Slot]:
        """What there is of rotated files, the newest first."""
        fd = seam.open_fd(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self._at)
        try:
            return rotation.find_slots(seam.list_directory(fd), self.name)
        finally:
            os.close(fd)

    def look(self, name: str) -> os.stat_result:
        """What has that name, if only a link."""
        return seam.stat(name, dir_fd=self._at, follow_symlinks=False)

    def open(self, name: str, flags: int, mode: int = 0) -> int:
        """A descriptor, which comes through no link and is closed on exec."""
        flags |= os.O_NOFOLLOW | os.O_CLOEXEC
        return seam.open_fd(name, flags, mode, dir_fd=self._at)

    def remove(self, name: str) -> None:
        """Whatever has that name."""
        seam.unlink(name, dir_fd=self._at)

    def rename(self, old: str, new: str) -> None:
        """Both names are in this directory."""
        seam.rename(old, new, src_dir_fd=self._at, dst_dir_fd=self._at)

    # --- Rotation ---------------------------------------------------------------------------------

    def shift(self, keep: int) -> None:
        """Make FILE the first of at most so many rotated ones; without any it is removed."""
        if not keep:
            self.remove(self.name)
            return
        gone, renames = rotation.moves(self.slots(), keep)
        for slot in gone:
            self.remove(slot.path(self.name))
        for old, new in renames:
            self.rename(old.path(self.name), new.path(self.name))
        self.rename(self.name, rotation.Slot(1, packed=False).path(self.name))

    def keep_below(self, total: int) -> None:
        """Remove the oldest of the rotated files, until they have so many bytes together."""
        names = [slot.path(self.name) for slot in self.slots()]
        sizes = [self.look(name).st_size for name in names]
        for name in names[rotation.over(sizes, total) :]:
            self.remove(name)

    # --- Packing ----------------------------------------------------------------------------------

    def make_unfinished(self, found: os.stat_result) -> int:
        """A new file with the mode and, if init may, the owner of another; its descriptor."""
        with suppress(FileNotFoundError):
            self.remove(self.unfinished)
        fd = self.open(self.unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with suppress(OSError):  # as strict as it was made, if it can't be the same
            seam.fchmod(fd, found.st_mode & 0o777)
            seam.fchown(fd, found.st_uid, found.st_gid)
        return fd

    def finish(self, source: tuple[int, int]) -> bool:
        """Put what was packed in the place of its source, if that still is anywhere."""
        for slot in self.slots():
            name = slot.path(self.name)
            found = self.look(name)
            if (found.st_dev, found.st_ino) == source:
                times = (found.st_atime_ns, found.st_mtime_ns)
                with suppress(OSError):
                    seam.utime(self.unfinished, ns=times, dir_fd=self._at, follow_symlinks=False)
                self.rename(self.unfinished, slot._replace(packed=True).path(self.name))
                self.remove(name)
                return True
        return False
