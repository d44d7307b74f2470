"""From the tar archive of a layer to files, with whiteouts as an overlay has them.

    NAME                made, over what the layer had of that name before
    .wh.NAME            hides NAME of the layers below
    .wh..wh..opq        hides all that the layers below have in its directory
    .wh..wh.*           notes of aufs: left out

Kept are modes (set-uid too), times, hard links, FIFOs, capabilities of files and the attributes
user.*; owners and devices as far as whoever unpacks may make them. What is left out is counted.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, Final, Literal

from nsinit.errors import ImageError
from nsinit.images.tar import TarReader
from nsinit.kernel import seam

if TYPE_CHECKING:
    from nsinit.images.streams import Unpacked
    from nsinit.images.tar import Entry
    from nsinit.images.tree import Tree

# Whose the files become: as they were; the same within the ranges of /etc/subuid; all the caller's.
Ids = Literal["kept", "mapped", "single"]

_WHITEOUT: Final = ".wh."
_OPAQUE: Final = ".wh..wh..opq"
_META: Final = ".wh..wh."
_TIME_MAX: Final = 1 << 34  # s, about as much as ext4 keeps
_ENTRY: Final = 512  # bytes that an empty file is counted as


class Bounds:
    """How much may come of an image, over all its layers."""

    def __init__(self, size: int, files: int) -> None:
        self.size, self.files = size, files
        self._size = self._files = 0

    def count(self, size: int, files: int = 1) -> None:
        """So many bytes more in so many files; ImageError if that is too much."""
        self._files += files
        self._size += size + files * _ENTRY
        if self._files > self.files:
            raise ImageError(f"the image has over {self.files} files", hint="see --max-files")
        if self._size > self.size:
            raise ImageError("the image is larger than it may be", hint="see --max-size")


class Unpacker:
    """Takes the entries of one layer into a tree."""

    def __init__(self, tree: Tree, ids: Ids, bounds: Bounds) -> None:
        self._tree, self._ids, self._bounds = tree, ids, bounds
        self._times: dict[tuple[str, ...], int] = {}  # of directories, which what comes changes
        self.left_out: dict[str, int] = {}  # what could not be kept, and how often

    def unpack(self, stream: Unpacked) -> None:
        """All of it. ImageError names the entry that can't be, or must not be, unpacked."""
        reader = TarReader(stream)
        for entry in reader.entries():
            self._bounds.count(entry.size)
            before = self._tree.implied
            try:
                self._take(entry, reader)
                self._bounds.count(0, self._tree.implied - before)
            except ImageError as error:
                message = f"cannot unpack {entry.name!r}: {error.message}"
                raise ImageError(message, hint=error.hint) from None
            except OSError as error:
                raise ImageError(f"cannot unpack {entry.name!r}: {error.strerror}") from None
        self._set_times()

    def _take(self, entry: Entry, reader: TarReader) -> None:
        words = safe_words(entry.name)
        if any(word.startswith(_META) and word != _OPAQUE for word in words):
            return
        if any(word.startswith(_WHITEOUT) for word in words[:-1]):
            raise ImageError("nothing can be below a whiteout")
        if not words:
            if entry.kind == "directory":
                self._directory((), entry)
            return
        if words[-1] == _OPAQUE:
            self._tree.hide_all(words[:-1])
        elif words[-1].startswith(_WHITEOUT):
            name = words[-1].removeprefix(_WHITEOUT)
            if name in ("", ".", ".."):
                raise ImageError("this is no name that can be hidden")
            self._tree.hide((*words[:-1], name))
        else:
            self._make(words, entry, reader)

    def _make(self, words: tuple[str, ...], entry: Entry, reader: TarReader) -> None:
        match entry.kind:
            case "directory":
                self._directory(words, entry)
            case "file":
                self._file(words, entry, reader)
            case "symlink":
                above = self._tree.symlink(words, entry.link)
                self._finish_name(above, words[-1], entry, None)
            case "link":
                target = safe_words(entry.link)
                if not target:
                    raise ImageError("it is linked to the root")
                self._tree.link(words, target)
            case _:
                self._node(words, entry)

    def _directory(self, words: tuple[str, ...], entry: Entry) -> None:
        fd = self._tree.directory(words)
        try:
            self._finish(fd, entry)
        finally:
            os.close(fd)
        self._times[words] = entry.mtime

    def _file(self, words: tuple[str, ...], entry: Entry, reader: TarReader) -> None:
        fd = self._tree.file(words)
        try:
            if entry.pieces is None:
                for data in reader.data():
                    _write(fd, data)
            else:
                _write_pieces(fd, entry, reader)
            self._finish(fd, entry)
            _set_time(fd, entry.mtime)
        finally:
            os.close(fd)

    def _node(self, words: tuple[str, ...], entry: Entry) -> None:
        device = os.makedev(0, 0)
        if entry.kind != "fifo":
            if self._ids != "kept" or not _is_device(entry):
                self._leave_out("devices")
                return
            device = os.makedev(*entry.device)
        kind = {"char": stat.S_IFCHR, "block": stat.S_IFBLK, "fifo": stat.S_IFIFO}[entry.kind]
        try:
            above = self._tree.node(words, kind | 0o600, device)
        except PermissionError:
            self._leave_out("devices")  # root without CAP_MKNOD
            return
        self._finish_name(above, words[-1], entry, entry.mode)

    # --- What a file has besides its data ---------------------------------------------------------

    def _finish(self, fd: int, entry: Entry) -> None:
        """Owner, then mode and capabilities: a change of the owner takes these away (chown(2))."""
        if self._ids != "single":
            try:
                seam.fchown(fd, entry.uid, entry.gid)
            except (OSError, OverflowError) as error:
                self._not_ours(error)
        seam.fchmod(fd, entry.mode)
        for name, value in entry.xattrs.items():
            self._set_attribute(fd, name, value)

    def _finish_name(self, above: int, name: str, entry: Entry, mode: int | None) -> None:
        """The same of what can't be opened; a symbolic link has no mode."""
        if self._ids != "single":
            try:
                seam.chown(name, entry.uid, entry.gid, dir_fd=above, follow_symlinks=False)
            except (OSError, OverflowError) as error:
                self._not_ours(error)
        if mode is not None:
            seam.chmod(name, mode, dir_fd=above)
        at = _in_range(entry.mtime)
        seam.utime(name, ns=(at, at), dir_fd=above, follow_symlinks=False)

    def _not_ours(self, error: OSError | OverflowError) -> None:
        """An id that there is not in our user namespace: the file stays root's."""
        if isinstance(error, OSError) and error.errno != errno.EINVAL:
            raise error
        self._leave_out("owners outside of the range")

    def _set_attribute(self, fd: int, name: str, value: bytes) -> None:
        kept = name == "security.capability" or (
            name.startswith("user.") and not name.startswith("user.overlay.")
        )
        if not kept:
            self._leave_out("extended attributes")
            return
        try:
            seam.setxattr(fd, name, value)
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.EINVAL, errno.ERANGE):
                raise
            self._leave_out("extended attributes")

    def _leave_out(self, what: str) -> None:
        self.left_out[what] = self.left_out.get(what, 0) + 1

    def _set_times(self) -> None:
        for words, at in self._times.items():
            try:
                fd = self._tree.existing(words)
            except OSError:
                continue  # it has become something else since
            try:
                _set_time(fd, at)
            finally:
                os.close(fd)


def safe_words(name: str) -> tuple[str, ...]:
    """The words of a name, which is one of the layer whatever it begins with; ImageError: no."""
    words = tuple(word for word in name.split("/") if word not in ("", "."))
    if ".." in words:
        raise ImageError('a name in a layer has no ".."')
    return words


def _is_device(entry: Entry) -> bool:
    """Whether there is one of these numbers; 0,0 would hide something in an overlay."""
    major, minor = entry.device
    return 0 < major < 1 << 12 and 0 <= minor < 1 << 20


def _write(fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[seam.write(fd, rest) :]


def _write_pieces(fd: int, entry: Entry, reader: TarReader) -> None:
    """The pieces of a sparse file where they belong, and holes between them."""
    pieces = iter(entry.pieces or ())
    left = 0
    for chunk in reader.data():
        rest = chunk
        while rest:
            while not left:
                offset, left = next(pieces)
                os.lseek(fd, offset, os.SEEK_SET)
            now, rest = rest[:left], rest[left:]
            _write(fd, now)
            left -= len(now)
    seam.ftruncate(fd, entry.size)


def _in_range(nanoseconds: int) -> int:
    return max(-(1 << 31) * 10**9, min(nanoseconds, _TIME_MAX * 10**9))


def _set_time(fd: int, nanoseconds: int) -> None:
    at = _in_range(nanoseconds)
    seam.utime(fd, ns=(at, at))
