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
from contextlib import suppress
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, ModuleSpec
from importlib.util import MAGIC_NUMBER, cache_from_source
from typing import TYPE_CHECKING, Any, Final, cast

from nsinit.isolation.sources import Source
from nsinit.kernel import libc
from nsinit.named import Named

if TYPE_CHECKING:
    from collections.abc import Collection
    from types import ModuleType

_HEADER: Final = 16  # bytes in front of the code (PEP 552)
_NEWEST: Final = (3, 13)  # later interpreters may open a library's file before they ask for it
_PACKAGE: Final = "__init__.py"
_COMPILED: Final = cache_from_source("m.py").rpartition("m.")[2]  # "cpython-311.pyc"
# Directories of the standard library that hold nothing for an init.
_SPARED: Final = frozenset(
    ("__phello__", "__pycache__", "_pyrepl", "curses", "dbm", "distutils", "email", "ensurepip",
     "html", "idlelib", "lib2to3", "msilib", "multiprocessing", "pydoc_data", "site-packages",
     "dist-packages", "sqlite3", "test", "tests", "tkinter", "turtledemo", "unittest", "venv",
     "wsgiref", "xml", "xmlrpc", "zipfile")
)  # fmt: skip
LIBRARIES: Final = "lib-dynload"
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
    "_codecs_", "_crypt", "_csv", "_ctypes_test", "_curses", "_dbm", "_elementtree", "_gdbm",
    "_interp", "_lsprof", "_multi", "_posixshmem", "_sqlite3", "_statistics", "_test", "_tkinter",
    "_xx", "audioop", "cmath", "nis", "ossaudiodev", "pyexpat", "readline", "spwd", "xx",
)  # fmt: skip


class Book(Named):
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
        self._held: list[tuple[str, Source, Collection[str]]] = []
        self.left: set[str] = set()  # modules that are there but not here

    def __contains__(self, name: str) -> bool:
        return name in self._books

    # --- Filling ----------------------------------------------------------------------------------

    def add_package(self, name: str, source: Source, spared: Collection[str] = ()) -> None:
        """All modules below a directory, but for those of these names in it; "" has no name."""
        for entry in source.entries():
            stem, ending = os.path.splitext(entry.name)
            whole = f"{name}.{stem}" if name else stem
            if _is_spared(name, stem, spared):
                self.left.add(whole)
            elif entry.name == _PACKAGE:
                self._add_file(name, source, entry.name)
            elif ending == ".py":
                self._add_file(whole, source, entry.name)
            elif stem.isidentifier() and not ending and entry.is_dir():
                self.add_package(whole, source.directory(entry.name))

    def add_file(self, name: str, source: Source, file: str) -> None:
        """A module that is one file."""
        self._add_file(name, source, file)

    def add_data(self, source: Source, file: str) -> None:
        """A file that is no module."""
        with suppress(OSError):  # as if it were not there
            self._data[f"{source.path}/{file}"] = source.read(file)

    def add_libraries(self, package: str, source: Source) -> None:
        """The libraries in a directory, which are modules of that package; "" has no name."""
        for entry in source.entries():
            ending = next((end for end in EXTENSION_SUFFIXES if entry.name.endswith(end)), "")
            if ending:
                self._add_library(package, source, entry.name, ending)

    def _add_file(self, name: str, source: Source, file: str) -> None:
        if name in self._books or (name in sys.modules and file != _PACKAGE):
            return
        book = _read_book(source, file)
        if book is not None:
            self._books[name] = book

    def _add_library(self, package: str, source: Source, file: str, ending: str) -> None:
        stem = file.removesuffix(ending)
        name = f"{package}.{stem}" if package else stem
        if name in sys.modules:
            return
        if not package and stem.startswith(_SPARED_LIBRARIES):
            self.left.add(stem)
            return
        path = f"{source.path}/{file}"
        try:
            self._mapped.append(libc.map_library(path))
        except OSError:
            return
        self._books[name] = Book(path, b"", package=False, library=True)

    # --- Holding ----------------------------------------------------------------------------------

    def hold(self, name: str, source: Source, spared: Collection[str] = ()) -> None:
        """Look for modules of a package in a directory, until they are settled."""
        self._held.append((name, source, spared))
        self._held.sort(key=lambda one: not one[0])  # what is in no package is looked for last

    def settle(self) -> None:
        """Read what has not been asked for yet, and let go of the directories."""
        while self._held:
            name, source, spared = self._held.pop()
            self.add_package(name, source, spared)
            os.close(source.mount)

    def _look_up(self, name: str) -> Book | None:
        words = name.split(".")
        for package, source, spared in self._held:
            if not package:
                return _find("", source, words, spared)
            if words[0] == package:  # it is nowhere else
                return _find(package, source, words[1:], spared)
        return None

    # --- Importing --------------------------------------------------------------------------------

    def find_spec(
        self, name: str, path: object = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """How to make a module."""
        del path, target
        book = self._books.get(name) or self._look_up(name)
        if book is None:
            return None
        self._books[name] = book
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


def _is_spared(package: str, stem: str, spared: Collection[str]) -> bool:
    if stem in _SPARED or stem in spared:
        return True
    return (
        stem not in _ENCODINGS if package == "encodings" else not package and stem in _SPARED_FILES
    )


def _find(package: str, source: Source, words: list[str], spared: Collection[str]) -> Book | None:
    """The module that these words lead to from a package."""
    if not words:
        return _read_book(source, _PACKAGE)
    word, *rest = words
    if _is_spared(package, word, spared):
        return None
    module = None if rest else _read_book(source, f"{word}.py")  # as most are
    whole = f"{package}.{word}" if package else word
    return module or _find(whole, source.directory(word), rest, ())


def _read_book(source: Source, file: str) -> Book | None:
    """A module; none if it can't be read, as if it were not there: then what needs it says so."""
    try:
        code = _read_compiled(source, file)
        data = code or source.read(file)
    except OSError:
        return None
    return Book(f"{source.path}/{file}", data, package=file == _PACKAGE, source=not code)


def _read_compiled(source: Source, file: str) -> bytes:
    """The byte code of a source file, if there is some that is not older; else nothing."""
    try:
        if sys.pycache_prefix is None:
            data = source.read(f"__pycache__/{file.removesuffix('py')}{_COMPILED}")
        else:
            path = cache_from_source(f"{source.path}/{file}")
            data = Source(os.path.dirname(path)).read(os.path.basename(path))
    except (OSError, NotImplementedError):
        return b""
    flags = int.from_bytes(data[4:8], "little")
    if data[:4] != MAGIC_NUMBER or flags > 1:  # what is to be checked by its hash, import checks
        return b""
    if flags == 0:
        found = source.stat(file)
        stamp = found.st_mtime_ns // 1_000_000_000 & 0xFFFFFFFF, found.st_size & 0xFFFFFFFF
        if stamp != (int.from_bytes(data[8:12], "little"), int.from_bytes(data[12:16], "little")):
            return b""
    return data
