"""Modules as bytes in memory: read where they are, loaded where they no longer are.

Most of what an init may need it never does, and most of the rest only when its services run. Before
a change of root the files are read, which takes hardly a tenth of the time that loading takes; a
module is made of them when it is first imported. Libraries in machine code can't be had from
bytes: those are mapped, and initialised when they are imported. The C library finds a mapped one by
the path by which it was mapped, whatever is at that path by then (glibc's dlopen(3)).
"""

from __future__ import annotations

import errno
import marshal
import os
import sys
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, ModuleSpec
from importlib.util import MAGIC_NUMBER, cache_from_source
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from nsinit.kernel import libc, seam

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import ModuleType

_HEADER: Final = 16  # bytes in front of the code (PEP 552)
_NEWEST: Final = (3, 13)  # later interpreters may open a library's file before they ask for it
_PIECE: Final = 1 << 18
# Directories of the standard library that hold nothing for an init.
_SPARED: Final = frozenset(
    ("__phello__", "__pycache__", "_pyrepl", "curses", "dbm", "distutils", "email", "ensurepip",
     "html", "idlelib", "lib2to3", "msilib", "multiprocessing", "pydoc_data", "site-packages",
     "dist-packages", "sqlite3", "test", "tests", "tkinter", "turtledemo", "unittest", "venv",
     "wsgiref", "xml", "xmlrpc", "zipfile")
)  # fmt: skip
_LIBRARIES: Final = "lib-dynload"
# And single modules of it, the biggest that nothing of ours leads to.
_SPARED_FILES: Final = frozenset(
    ("_pydatetime", "_pydecimal", "_pyio", "aifc", "cgi", "doctest", "ftplib", "imaplib", "mailbox",
     "nntplib", "optparse", "pdb", "pickletools", "pyclbr", "pydoc", "smtplib", "statistics",
     "tarfile", "telnetlib", "turtle", "zipfile")
)  # fmt: skip
# Of the many encodings, those that are asked for by name in the standard library.
_ENCODINGS: Final = frozenset(
    ("aliases", "ascii", "charmap", "cp1252", "hex_codec", "idna", "latin_1", "punycode",
     "unicode_escape", "utf_8", "utf_8_sig")
)  # fmt: skip
# Libraries of it by how their names begin: for terminals, databases, sound, tests of itself.
_SPARED_LIBRARIES: Final = (
    "_codecs_", "_crypt", "_ctypes_test", "_curses", "_dbm", "_elementtree", "_gdbm", "_interp",
    "_lsprof", "_multi", "_sqlite3", "_test", "_tkinter", "_xx", "audioop", "nis", "ossaudiodev",
    "pyexpat", "readline", "xx",
)  # fmt: skip


class Book(NamedTuple):
    """A module that can be made."""

    path: str
    data: bytes  # compiled unless `source`; nothing for a library
    package: bool
    source: bool = False
    library: bool = False


def can_map_libraries() -> bool:
    """Whether a mapped library is found again when its file is not."""
    try:
        return bool(os.confstr("CS_GNU_LIBC_VERSION")) and sys.version_info[:2] <= _NEWEST
    except (OSError, ValueError):
        return False


class Shelf:
    """A finder and a loader; see importlib.abc.MetaPathFinder and Loader."""

    def __init__(self) -> None:
        self._books: dict[str, Book] = {}
        self._mapped: list[object] = []
        self._data: dict[str, bytes] = {}  # files that are no modules, by their paths
        self.left: set[str] = set()  # modules of the standard library that are there but not here

    def __contains__(self, name: str) -> bool:
        return name in self._books

    # --- Filling ----------------------------------------------------------------------------------

    def add_package(self, name: str, directory: str, spared: Iterable[str] = ()) -> None:
        """All modules below a directory, but for those of these names in it."""
        for entry in _entries(directory):
            stem, ending = os.path.splitext(entry.name)
            if stem in spared or (name == "encodings" and stem not in _ENCODINGS):
                continue
            if ending == ".py":
                package = stem == "__init__"
                self._add_file(name if package else f"{name}.{stem}", entry.path, package=package)
            elif ending == ".so":
                self._add_library(name, entry)
            elif not ending and entry.name not in _SPARED and entry.is_dir():
                self.add_package(f"{name}.{entry.name}", entry.path)

    def add_standard_library(self, directory: str) -> None:
        """What an init could need of it, and a lot more: which module leads where is not known."""
        for entry in _entries(directory):
            stem, ending = os.path.splitext(entry.name)
            if stem in _SPARED_FILES or entry.name in _SPARED:
                self.left.add(stem)
            elif ending == ".py":
                self._add_file(stem, entry.path, package=False)
            elif entry.name == _LIBRARIES:
                for library in _entries(entry.path):
                    self._add_library("", library)
            elif not ending and entry.is_dir():
                self.add_package(entry.name, entry.path)

    def add_file(self, name: str, path: str) -> None:
        """A module that is one file."""
        self._add_file(name, path, package=False)

    def add_data(self, path: str) -> None:
        """A file that is no module."""
        try:
            self._data[path] = _read(path)
        except OSError:
            return  # as above

    def _add_file(self, name: str, path: str, *, package: bool) -> None:
        if name in sys.modules and not package:
            return
        try:
            code = _read_compiled(path)
            self._books[name] = Book(path, code or _read(path), package, source=not code)
        except OSError:
            return  # as if it were not there: then what needs it says so

    def _add_library(self, package: str, entry: os.DirEntry[str]) -> None:
        ending = next((end for end in EXTENSION_SUFFIXES if entry.name.endswith(end)), "")
        stem = entry.name.removesuffix(ending)
        name = f"{package}.{stem}" if package else stem
        if not ending or name in sys.modules:
            return
        if not package and stem.startswith(_SPARED_LIBRARIES):
            self.left.add(stem)
            return
        try:
            self._mapped.append(libc.map_library(entry.path))
        except OSError:
            return
        self._books[name] = Book(entry.path, b"", package=False, library=True)

    # --- Importing --------------------------------------------------------------------------------

    def find_spec(
        self, name: str, path: object = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """How to make a module."""
        del path, target
        book = self._books.get(name)
        if book is None:
            return None
        if book.library:
            if not libc.has_library(book.path):  # what is at that path now is somebody else's
                return None
            loader = ExtensionFileLoader(name, book.path)
            return ModuleSpec(name, loader, origin=book.path)
        spec = ModuleSpec(name, cast("Any", self), origin=book.path, is_package=book.package)
        spec.has_location = True  # so that it has a __file__
        if book.package:
            spec.submodule_search_locations = [os.path.dirname(book.path)]
        return spec

    def create_module(self, spec: ModuleSpec) -> None:
        """As usual."""

    def get_data(self, path: str) -> bytes:
        """A file that was kept; see importlib.abc.ResourceLoader."""
        try:
            return self._data.pop(path)
        except KeyError:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path) from None

    def exec_module(self, module: ModuleType) -> None:
        """Make it; once that is done its bytes are not needed any more."""
        book = self._books[module.__name__]
        code = (
            compile(book.data, book.path, "exec", dont_inherit=True)
            if book.source
            else marshal.loads(memoryview(book.data)[_HEADER:])  # noqa: S302  (as import does)
        )
        exec(code, module.__dict__)  # noqa: S102  (as import does)
        del self._books[module.__name__]


def _entries(directory: str) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(directory) as entries:
            yield from entries
    except OSError:
        return


def _read_compiled(path: str) -> bytes:
    """The byte code of a source file, if there is some that is not older; else nothing."""
    try:
        data = _read(cache_from_source(path))
    except (OSError, NotImplementedError):
        return b""
    flags = int.from_bytes(data[4:8], "little")
    if data[:4] != MAGIC_NUMBER or flags > 1:  # what is to be checked by its hash, import checks
        return b""
    if flags == 0:
        found = os.stat(path)
        stamp = found.st_mtime_ns // 1_000_000_000 & 0xFFFFFFFF, found.st_size & 0xFFFFFFFF
        if stamp != (int.from_bytes(data[8:12], "little"), int.from_bytes(data[12:16], "little")):
            return b""
    return data


def _read(path: str) -> bytes:
    fd = seam.open_fd(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        pieces = []
        while piece := seam.read(fd, _PIECE):
            pieces.append(piece)
        return b"".join(pieces)
    finally:
        os.close(fd)
