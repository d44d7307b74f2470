"""Where the files of an image are: in a directory, or in a tar archive, packed by gzip or not.

Nothing is unpacked to be looked at: of a tar archive the places of its files are noted. Files of a
directory are found beneath it, whatever links are in there.
"""

from __future__ import annotations

import errno
import os
import posixpath
import stat
import tempfile
from typing import IO, TYPE_CHECKING, Final, NamedTuple, Protocol

from nsinit.errors import ImageError
from nsinit.images.streams import Unpacked
from nsinit.images.tar import BLOCK, TarReader
from nsinit.kernel import mounts, seam

if TYPE_CHECKING:
    from nsinit.images.streams import Readable

_DOCUMENT_MAX: Final = 4 << 20  # bytes of an index, a manifest or a configuration
_FILES_MAX: Final = 100_000  # in an archive: layers and what describes them
_LINKS_MAX: Final = 8
_PIECE: Final = 1 << 20
_GZIP: Final = b"\x1f\x8b"


class Part(Protocol):
    """One open file of an image."""

    size: int

    def read(self, size: int, /) -> bytes:
        """Up to that many bytes; none at the end."""

    def close(self) -> None:
        """Let go of it."""


class Archive(Protocol):
    """The files of an image, by their names."""

    title: str  # as messages name it

    def open(self, name: str) -> Part:
        """A file; ImageError if there is none of that name."""

    def has(self, name: str) -> bool:
        """Whether there is one."""

    def close(self) -> None:
        """Let go of all."""


def read_document(archive: Archive, name: str) -> bytes:
    """A small file as a whole."""
    part = archive.open(name)
    try:
        if part.size > _DOCUMENT_MAX:
            raise ImageError(f"{name} has {part.size} bytes in {archive.title}, which is too much")
        pieces = []
        while piece := part.read(_PIECE):
            pieces.append(piece)
        return b"".join(pieces)
    finally:
        part.close()


def open_archive(path: str, most: int) -> Archive:
    """What `path` is: a directory, an archive, or "-" for one on stdin. ImageError: it is neither.

    An archive that is packed as a whole, or comes through a pipe, is copied to a file without a
    name first; that has `most` bytes at most.
    """
    if path == "-":
        if os.isatty(0):
            hint = "such as docker save shop:1 | nsinit image import -"
            raise ImageError("there is no archive on stdin", hint=hint)
        return _opened(os.dup(0), "stdin", most)
    try:
        fd = seam.open_fd(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        hint = "name an OCI image layout, or what docker save wrote" if not path else ""
        raise ImageError(f"cannot read {path!r}: {error.strerror}", hint=hint) from None
    os.set_blocking(fd, True)
    if stat.S_ISDIR(seam.fstat(fd).st_mode):
        return Directory(fd, path)
    return _opened(fd, path, most)


def _opened(fd: int, title: str, most: int) -> Archive:
    file = open(fd, "rb")  # noqa: SIM115  (the archive closes it)
    try:
        regular = stat.S_ISREG(os.fstat(fd).st_mode)
        begin = file.peek(len(_GZIP))[: len(_GZIP)]
        if regular and begin != _GZIP:
            return TarFile(file, title)
        with file:
            return TarFile(_spooled(file, most), title)
    except OSError as error:
        file.close()
        raise ImageError(f"cannot read {title}: {error.strerror}") from None
    except BaseException:
        file.close()
        raise


def _spooled(source: Readable, most: int) -> IO[bytes]:
    made = tempfile.TemporaryFile(prefix="nsinit-", dir=os.environ.get("TMPDIR") or "/var/tmp")  # noqa: S108, SIM115  (it has no name)
    try:
        plain = Unpacked(source, most)
        while piece := plain.read(_PIECE):
            made.write(piece)
        made.seek(0)
    except BaseException:
        made.close()
        raise
    return made


class Directory:
    """An OCI image layout, or what is in an archive of docker, as a directory."""

    def __init__(self, fd: int, title: str) -> None:
        self.title = title
        self._fd = fd

    def open(self, name: str) -> Part:
        """As of an Archive; only regular files, and no other than below the directory."""
        flags = os.O_RDONLY | os.O_NONBLOCK  # a FIFO would be waited for
        try:
            fd = mounts.open_beneath(self._fd, name, flags)
        except OSError as error:
            raise ImageError(f"cannot read {name} in {self.title}: {error.strerror}") from None
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            os.close(fd)
            raise ImageError(f"cannot read {name} in {self.title}: it is no regular file")
        return _File(open(fd, "rb", buffering=0), found.st_size)

    def has(self, name: str) -> bool:
        """As of an Archive."""
        try:
            os.close(mounts.open_beneath(self._fd, name, os.O_PATH))
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR):
                return False
            raise ImageError(f"cannot read {name} in {self.title}: {error.strerror}") from None
        return True

    def close(self) -> None:
        """As of an Archive."""
        os.close(self._fd)


class _File:
    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file, self.size = file, size
        self.read, self.close = file.read, file.close


class _Place(NamedTuple):
    """Where the data of a file are in the archive, or what it is a link to."""

    at: int
    size: int
    link: str = ""


class TarFile:
    """The same as one archive that can be read from anywhere."""

    def __init__(self, file: IO[bytes], title: str) -> None:
        """Read all headers; ImageError if it is no archive."""
        self.title = title
        self._file = file
        self._places: dict[str, _Place] = {}
        try:
            self._look(TarReader(_Seekable(file)))
        except ImageError as error:
            raise ImageError(f"cannot read {title}: {error.message}", hint=error.hint) from None

    def _look(self, reader: TarReader) -> None:
        """Note where everything is."""
        for entry in reader.entries():
            name = posixpath.normpath(entry.name).lstrip("/")
            if entry.kind == "file" and entry.pieces is None:
                self._places[name] = _Place(reader.at, entry.size)
            elif entry.kind == "symlink":  # docker save, for a layer that is there twice
                target = posixpath.join(posixpath.dirname(name), entry.link)
                self._places[name] = _Place(0, 0, posixpath.normpath(target))
            elif entry.kind == "link":
                self._places[name] = _Place(0, 0, posixpath.normpath(entry.link))
            if len(self._places) > _FILES_MAX:
                raise ImageError("it has too many files to be an image")

    def open(self, name: str) -> Part:
        """As of an Archive."""
        place = self._find(name)
        if place is None:
            raise ImageError(f"cannot read {name} in {self.title}: there is no such file")
        return _Slice(self._file, place)

    def _find(self, name: str) -> _Place | None:
        for _ in range(_LINKS_MAX):
            place = self._places.get(name)
            if place is None or not place.link:
                return place
            name = place.link
        return None

    def has(self, name: str) -> bool:
        """As of an Archive."""
        return self._find(name) is not None

    def close(self) -> None:
        """As of an Archive."""
        self._file.close()


class _Seekable:
    """A stream of a file that need not be read to be passed over."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._end = os.fstat(file.fileno()).st_size

    def read(self, size: int) -> bytes:
        return self._file.read(size)

    def skip(self, size: int) -> None:
        if size % BLOCK == 0 and self._file.tell() + size > self._end:
            raise ImageError("the archive ends in the middle of an entry")
        self._file.seek(size, os.SEEK_CUR)


class _Slice:
    """A part of an open file, which others may read other parts of."""

    def __init__(self, file: IO[bytes], place: _Place) -> None:
        self._file, self._at, self.size = file, place.at, place.size
        self._end = place.at + place.size

    def read(self, size: int, /) -> bytes:
        data = os.pread(self._file.fileno(), min(size, self._end - self._at), self._at)
        self._at += len(data)
        return data

    def close(self) -> None:
        """The file stays open."""
