"""A layer in the making: a directory, and nothing outside of it, whatever names and links say.

Every name is looked up with the directory as its "/" by the kernel itself (openat2(2) with
RESOLVE_IN_ROOT), and the last word of it without following a link; what is made is made by the
descriptor of the directory that was found so. Other people's processes can't reach in here: the
store is its owner's alone.

A layer is written as an overlay reads it: what hides something of the layers below is a character
device 0,0 or an opaque directory (Documentation/filesystems/overlayfs.rst).
"""

from __future__ import annotations

import errno
import os
import stat
import time
from typing import TYPE_CHECKING, Final

from nsinit.errors import ImageError
from nsinit.kernel import mounts, seam

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

TRASH: Final = "trash"
_RESOLVE: Final = mounts.RESOLVE_IN_ROOT | mounts.RESOLVE_NO_XDEV
_OPAQUE: Final = ("trusted.overlay.opaque", "user.overlay.opaque")
_HIDING: Final = os.makedev(0, 0)
_WHITEOUT: Final = stat.S_IFCHR
_DEPTH_MAX: Final = 512  # words of a name


class Tree:
    """The directory of one layer, by descriptor; `trash` is one beside it, on the same disk."""

    def __init__(self, root: int, trash: int, *, privileged: bool) -> None:
        """Who is `privileged` writes the attributes that an overlay of root looks for, too."""
        self.root = root
        self._trash = trash
        self._opaque = _OPAQUE if privileged else _OPAQUE[1:]
        self._trashed = 0
        self.implied = 0  # directories that were made as something is in them
        self._above = -1
        self._above_words: tuple[str, ...] | None = None

    def close(self) -> None:
        """Let go of what was found last."""
        self._forget()

    def _forget(self) -> None:
        if self._above >= 0:
            os.close(self._above)
        self._above, self._above_words = -1, None

    # --- Looking ----------------------------------------------------------------------------------

    def above(self, words: tuple[str, ...]) -> int:
        """The directory that the last of the words is to be in, made if it is missing.

        The descriptor is good until the next call.
        """
        directories = words[:-1]
        if directories != self._above_words:
            self._forget()
            self._above = self._find(directories) if directories else os.dup(self.root)
            self._above_words = directories
        return self._above

    def _find(self, words: tuple[str, ...]) -> int:
        if len(words) > _DEPTH_MAX:
            raise ImageError("it is nested too deeply")
        flags = os.O_PATH | os.O_DIRECTORY
        try:
            return mounts.open_beneath(self.root, "/".join(words), flags, resolve=_RESOLVE)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                raise
        here = os.dup(self.root)
        for count, word in enumerate(words, 1):
            try:
                path = "/".join(words[:count])
                try:
                    below = mounts.open_beneath(self.root, path, flags, resolve=_RESOLVE)
                except OSError as error:
                    if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                        raise
                    self._make_directory(here, word)
                    below = mounts.open_beneath(self.root, path, flags, resolve=_RESOLVE)
            finally:
                os.close(here)
            here = below
        return here

    def _make_directory(self, above: int, name: str) -> None:
        """One that is missing, or hidden: then nothing of the layers below is to be in it."""
        found = _look(above, name)
        if found is not None and not _hides(found):
            what = "a link that leads nowhere" if stat.S_ISLNK(found.st_mode) else "no directory"
            raise ImageError(f"{name!r} in its name is {what}")
        if found is not None:
            seam.unlink(name, dir_fd=above)
        seam.mkdir(name, 0o755, dir_fd=above)
        self.implied += 1
        if found is not None:
            self._make_opaque(above, name)

    # --- Making -----------------------------------------------------------------------------------

    def directory(self, words: tuple[str, ...]) -> int:
        """Make a directory unless there is one; a descriptor of it."""
        if not words:
            return os.dup(self.root)
        above, name = self.above(words), words[-1]
        try:
            seam.mkdir(name, 0o755, dir_fd=above)
        except FileExistsError:
            found = _look(above, name)
            if found is None or not stat.S_ISDIR(found.st_mode):
                self._clear(above, name)
                seam.mkdir(name, 0o755, dir_fd=above)
                if found is not None and _hides(found):
                    self._make_opaque(above, name)
        return self._open_directory(above, name)

    def existing(self, words: tuple[str, ...]) -> int:
        """A descriptor of a directory that was made; OSError if there is none any more."""
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
        path = "/".join(words) or "."
        return mounts.open_beneath(self.root, path, flags, resolve=_RESOLVE)

    def _open_directory(self, above: int, name: str) -> int:
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        return seam.open_fd(name, flags, dir_fd=above)

    def file(self, words: tuple[str, ...]) -> int:
        """Make a new file, in the place of anything that was there; a descriptor to write to."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        name = words[-1]
        return self._instead(words, lambda above: seam.open_fd(name, flags, 0o600, dir_fd=above))

    def symlink(self, words: tuple[str, ...], target: str) -> int:
        """Make a symbolic link; the descriptor of its directory, good until the next call."""
        self._instead(words, lambda above: seam.symlink(target, words[-1], dir_fd=above))
        return self.above(words)

    def node(self, words: tuple[str, ...], mode: int, device: int) -> int:
        """Make a device or a FIFO; the descriptor of its directory, good until the next call."""
        self._instead(words, lambda above: seam.mknod(words[-1], mode, device, dir_fd=above))
        return self.above(words)

    def link(self, words: tuple[str, ...], target: tuple[str, ...]) -> None:
        """Make another name of a file of this layer. ImageError: there is no such file."""
        try:
            flags = os.O_PATH | os.O_DIRECTORY
            path = "/".join(target[:-1]) or "."
            there = mounts.open_beneath(self.root, path, flags, resolve=_RESOLVE)
        except OSError as error:
            raise ImageError(f"it is linked to {'/'.join(target)!r}: {error.strerror}") from None
        try:
            found = _look(there, target[-1])
            if found is None or stat.S_ISDIR(found.st_mode) or _hides(found):
                raise ImageError(f"it is linked to {'/'.join(target)!r}, which is not in the layer")
            here = _look(self.above(words), words[-1])
            if here is not None and os.path.samestat(here, found):
                return

            def make(above: int) -> None:
                seam.link(
                    target[-1],
                    words[-1],
                    src_dir_fd=there,
                    dst_dir_fd=above,
                    follow_symlinks=False,
                )

            self._instead(words, make)
        finally:
            os.close(there)

    def _instead(self, words: tuple[str, ...], make: Callable[[int], int | None]) -> int:
        above = self.above(words)
        try:
            made = make(above)
        except FileExistsError:
            self._clear(above, words[-1])
            made = make(self.above(words))
        return made if made is not None else -1

    def _clear(self, above: int, name: str) -> None:
        """Take away what has that name; a directory goes to the trash, with all that is in it."""
        found = _look(above, name)
        if found is None:
            return
        if stat.S_ISDIR(found.st_mode):
            self._trashed += 1
            seam.rename(name, str(self._trashed), src_dir_fd=above, dst_dir_fd=self._trash)
        else:
            seam.unlink(name, dir_fd=above)

    # --- Hiding -----------------------------------------------------------------------------------

    def hide(self, words: tuple[str, ...]) -> None:
        """Let nothing of that name be seen of the layers below; what this one has stays."""
        above, name = self.above(words), words[-1]
        found = _look(above, name)
        if found is None:
            seam.mknod(name, _WHITEOUT, _HIDING, dir_fd=above)
        elif stat.S_ISDIR(found.st_mode):
            self._make_opaque(above, name)

    def hide_all(self, words: tuple[str, ...]) -> None:
        """Let nothing be seen of what the layers below have in that directory."""
        fd = self.directory(words)
        try:
            self._mark(fd)
        finally:
            os.close(fd)

    def _make_opaque(self, above: int, name: str) -> None:
        fd = self._open_directory(above, name)
        try:
            self._mark(fd)
        finally:
            os.close(fd)

    def _mark(self, fd: int) -> None:
        for name in self._opaque:
            try:
                seam.setxattr(fd, name, b"y")
            except OSError as error:
                if error.errno == errno.EOPNOTSUPP:
                    hint = "keep images on ext4, xfs, btrfs, or a tmpfs of Linux 6.6"
                    message = "the file system of the store keeps no extended attributes"
                    raise ImageError(message, hint=hint) from None
                if error.errno != errno.EPERM or not name.startswith("trusted."):
                    raise


def _look(above: int, name: str) -> os.stat_result | None:
    try:
        return seam.stat(name, dir_fd=above, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _hides(found: os.stat_result) -> bool:
    return stat.S_ISCHR(found.st_mode) and found.st_rdev == _HIDING


def clear_away(directory: int, names: Sequence[str]) -> None:
    """Remove things of a directory, however deep they are: with few descriptors, and no recursion.

    A directory in another is moved up first. The directory is a place for that: nobody else uses
    names of it that begin with a dot.
    """
    left, count, now = list(names), 0, time.monotonic_ns()
    while left:
        name = left.pop()
        try:
            seam.unlink(name, dir_fd=directory)
            continue
        except FileNotFoundError:
            continue
        except (IsADirectoryError, PermissionError) as error:
            found = _look(directory, name)
            if found is not None and not stat.S_ISDIR(found.st_mode):
                raise error from None
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = seam.open_fd(name, flags, dir_fd=directory)
        try:
            with os.scandir(fd) as entries:
                below = [(one.name, one.is_dir(follow_symlinks=False)) for one in entries]
            for inner, is_directory in below:
                if is_directory:
                    count += 1
                    moved = f".{now}-{count}"
                    seam.rename(inner, moved, src_dir_fd=fd, dst_dir_fd=directory)
                    left.append(moved)
                else:
                    seam.unlink(inner, dir_fd=fd)
        finally:
            os.close(fd)
        seam.rmdir(name, dir_fd=directory)
