"""Python in a root file system that has none, or anybody's.

After the change of root the path of a module leads somewhere else, and what is found there must
not be run. So init holds the directories that its modules come from until the first services run,
and then reads all that it may need; where it can't hold them, that is read before (or loaded, where
the C library can't keep a library for later). Nothing else is loaded any more but what the
interpreter has in itself. An import that fails so is an error of nsinit's: it is told, and costs
what needed it, not the init.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from importlib.machinery import BuiltinImporter, FrozenImporter
from typing import TYPE_CHECKING, Final, Literal

import nsinit
from nsinit.isolation import sources
from nsinit.isolation.basics import Inside
from nsinit.isolation.shelf import LIBRARIES, Shelf, can_map_libraries
from nsinit.isolation.sources import Source

if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.machinery import ModuleSpec
    from types import ModuleType

# Who init is to the host when it has a root of its own: the launcher, or maybe somebody else.
Reader = Literal["same", "other"]

# Parts of nsinit that run outside only.
OUTSIDE: Final = (
    "cli", "convert", "client", "aclient", "attached", "wire", "locate", "sandbox", "network",
    "images",
    "__main__", "start", "py.typed",
)  # fmt: skip
# What is there or not: without it init does without.
_OPTIONAL: Final = ("uvloop", "structlog", "h11")
# What the standard library and the loops import when it is first needed.
_LATER: Final = (
    "asyncio", "concurrent.futures.thread", "contextvars", "encodings.aliases", "encodings.ascii",
    "encodings.cp1252", "encodings.hex_codec", "encodings.idna", "encodings.latin_1",
    "encodings.punycode", "encodings.unicode_escape", "encodings.utf_8_sig", "http",
    "importlib.util", "ipaddress", "json", "linecache", "logging", "select", "shlex", "shutil",
    "signal", "socket", "ssl", "stringprep", "subprocess", "tempfile", "tokenize", "tomllib",
    "traceback", "unicodedata", "fnmatch", "glob", "hashlib", "termios", "warnings", "zlib",
    "zoneinfo",
)  # fmt: skip

# What of theirs is not in the standard library; "typing_extensions" is a file.
_OTHERS: Final = ("asyncio", "msgspec", "typing_extensions", *_OPTIONAL)

_RESOURCES: Final = ("status.html",)

refused: Final[list[str]] = []
_shelves: Final[list[Shelf]] = []
_sources: Final[list[tuple[str, Source, tuple[str, ...]]]] = []  # what is neither held nor read
_tell: Final[list[Callable[[str], object]]] = []


def places() -> set[str]:
    """The directories that modules come from."""
    found = {os.path.dirname(os.__file__), *nsinit.__path__, *filter(None, sys.path)}
    return found | set(map(os.path.realpath, found))


def provide() -> None:
    """Have everything that an init may need: what is not loaded yet is read."""
    find()
    _read()


def find() -> None:
    """Map the libraries, and note where the rest is, which is to be held or read."""
    _sources.clear()
    _shelves.clear()
    if not can_map_libraries():
        load_all()
        return
    shelf = Shelf()
    sys.modules.setdefault("rich", None)  # type: ignore[arg-type]  # as below
    standard = Source(os.path.dirname(os.__file__))
    _sources.append(("", standard, ()))
    shelf.add_libraries("", standard.directory(LIBRARIES))
    for name in _OTHERS:
        found = importlib.util.find_spec(name)
        if found is None or found.origin is None:
            continue
        shelf.left.add(name)  # of the rest of it, if there is any
        where = Source(os.path.dirname(found.origin))
        if not found.submodule_search_locations:
            shelf.add_file(name, where, os.path.basename(found.origin))
        elif os.path.dirname(where.path) != standard.path:
            shelf.add_libraries(name, where)
            _sources.append((name, where, ()))
    for top in map(Source, nsinit.__path__):
        for name in _RESOURCES:
            shelf.add_data(top.directory("resources"), name)
        _sources.append(("nsinit", top, OUTSIDE))
    _shelves.append(shelf)


def _read() -> None:
    while _sources:
        _shelves[0].add_package(*_sources.pop())


def hold() -> None:
    """Hold the directories of what has been found; where that can't be, read it."""
    if sys.pycache_prefix is not None:  # byte code is elsewhere
        _read()
        return
    held: list[Source] = []
    try:
        for _, source, _ in _sources:
            held.append(sources.hold(source.path))
    except OSError:
        for one in held:
            os.close(one.mount)
        _read()
        return
    for (name, _, spared), one in zip(_sources, held, strict=True):
        _shelves[0].hold(name, one, spared)
    _sources.clear()


def settle() -> None:
    """Read what was not needed yet, and hold no directory any more; when the services run."""
    for shelf in _shelves:
        shelf.settle()


def _can_be_read(uid: int) -> bool:
    """Whether somebody who is `uid` outside, and has no power there, can read all that was found.

    One module stands for those beside it: who installs a package gives all of it the same mode.
    """
    return all(
        _is_open(f"{source.path}/{'__init__' if name else 'os'}.py", uid)
        for name, source, _ in _sources
    )


def _is_open(path: str, uid: int) -> bool:
    wanted = 0o4
    while True:
        try:
            found = os.stat(path)
        except OSError:
            return False
        mode = found.st_mode >> 6 if found.st_uid == uid else found.st_mode
        if mode & wanted != wanted:
            return False
        if path == "/":
            return True
        path, wanted = os.path.dirname(path), 0o1


def load_all() -> None:
    """Load everything that an init may need."""
    sys.modules.setdefault("rich", None)  # type: ignore[arg-type]  # structlog would load it
    for name in (*_LATER, *_OPTIONAL):
        try:
            importlib.import_module(name)
        except ImportError:
            continue
    for name in _own_modules():
        importlib.import_module(name)


def _own_modules() -> list[str]:
    found: list[str] = []
    for top in nsinit.__path__:
        for directory, below, files in os.walk(top):
            relative = os.path.relpath(directory, top)
            if relative == ".":
                below[:] = [name for name in below if name not in (*OUTSIDE, "__pycache__")]
                package = "nsinit"
            else:
                below[:] = [name for name in below if name != "__pycache__"]
                package = f"nsinit.{relative.replace(os.sep, '.')}"
            for file in files:
                name, ending = os.path.splitext(file)
                if ending == ".py" and name not in (*OUTSIDE, "__init__"):
                    found.append(f"{package}.{name}")
    return sorted(found)


def _is_missed(name: str) -> bool:
    """Whether it would have been found before: many modules look for others that are not there."""
    top = name.partition(".")[0]
    return top == "nsinit" or not _shelves or any(top in shelf.left for shelf in _shelves)


class _Guard:
    """The last finder: nothing is found."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: ModuleType | None = None) -> ModuleSpec:
        """Refuse; tell of what should have been there."""
        del path, target
        if not _is_missed(name):
            raise ModuleNotFoundError(f"there is no {name}", name=name)
        refused.append(name)
        for tell in _tell:
            tell(f"internal error: {name} was not loaded before the change of root")
        raise ModuleNotFoundError(f"{name} can't be loaded within the sandbox", name=name)


def forbid() -> None:
    """Load nothing from any file from now on; what was provided is loaded still."""
    sys.path[:] = []
    sys.path_importer_cache.clear()
    sys.meta_path[:] = [BuiltinImporter, FrozenImporter, *_shelves, _Guard]


def is_forbidden() -> bool:
    """Whether that has been done."""
    return _Guard in sys.meta_path


def tell(listener: Callable[[str], object]) -> None:
    """Tell this listener of what is refused, and of what has been."""
    for name in refused:
        listener(f"internal error: {name} was not loaded before the change of root")
    _tell.append(listener)


class ReadModules(Inside):
    """A step of the launcher."""

    def describe(self) -> str:
        """For people."""
        return "read all of nsinit, as there may be no Python in the root"

    def apply(self) -> None:
        """See the module."""
        provide()


class FindModules(Inside):
    """A step of the launcher, where init holds the directories when it has a root."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def describe(self) -> str:
        """For people."""
        return "find all of nsinit, as there may be no Python in the root"

    def apply(self) -> None:
        """What init will have no right to read is read by the launcher."""
        find()
        if not _can_be_read(os.geteuid() if self._reader == "same" else -1):
            _read()


class HoldModules(Inside):
    """A step of init, before anything is mounted."""

    def describe(self) -> str:
        """For people."""
        return "hold the directories that nsinit is in"

    def apply(self) -> None:
        """See the module."""
        hold()


class ForbidImports(Inside):
    """A step of init, after the change of root."""

    def describe(self) -> str:
        """For people."""
        return "load nothing from the root"

    def apply(self) -> None:
        """See the module."""
        forbid()
