"""Python in a root file system that has none, or anybody's.

After the change of root the path of a module leads somewhere else, and what is found there must
not be run. So all that init may need is read before (or loaded, where the C library can't keep a
library for later), and then nothing is loaded any more but that and what the interpreter has in
itself. An import that fails so is an error of nsinit's: it is told, and costs what needed it, not
the init.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from importlib.machinery import BuiltinImporter, FrozenImporter
from typing import TYPE_CHECKING, Final

import nsinit
from nsinit.isolation.basics import Inside
from nsinit.isolation.shelf import Shelf, can_map_libraries

if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.machinery import ModuleSpec
    from types import ModuleType

# Parts of nsinit that run outside only.
OUTSIDE: Final = (
    "cli", "convert", "client", "aclient", "attached", "wire", "locate", "sandbox", "network",
    "images",
    "__main__", "py.typed",
)  # fmt: skip
# What is there or not: without it init does without.
_OPTIONAL: Final = ("uvloop", "structlog", "h11")
# What the standard library and the loops import when it is first needed.
_LATER: Final = (
    "asyncio", "concurrent.futures.thread", "contextvars", "encodings.aliases", "encodings.ascii",
    "encodings.cp1252", "encodings.hex_codec", "encodings.idna", "encodings.latin_1",
    "encodings.punycode", "encodings.unicode_escape", "encodings.utf_8_sig", "http",
    "importlib.util", "json", "linecache", "logging", "select", "shlex", "shutil", "signal",
    "socket", "ssl", "stringprep",
    "subprocess", "tempfile", "tokenize", "tomllib", "traceback", "unicodedata",
    "fnmatch", "glob", "hashlib", "termios", "warnings", "zlib", "zoneinfo",
)  # fmt: skip

# What of theirs is not in the standard library; "typing_extensions" is a file.
_OTHERS: Final = ("asyncio", "msgspec", "typing_extensions", *_OPTIONAL)

_RESOURCES: Final = ("status.html",)

refused: Final[list[str]] = []
_shelves: list[Shelf] = []
_tell: list[Callable[[str], object]] = []


def places() -> set[str]:
    """The directories that modules come from."""
    found = {os.path.dirname(os.__file__), *nsinit.__path__, *filter(None, sys.path)}
    return found | set(map(os.path.realpath, found))


def provide() -> None:
    """Have everything that an init may need: what is not loaded yet is read."""
    if not can_map_libraries():
        load_all()
        return
    shelf = Shelf()
    shelf.add_standard_library(os.path.dirname(os.__file__))
    sys.modules.setdefault("rich", None)  # type: ignore[arg-type]  # as below
    for name in _OTHERS:
        found = importlib.util.find_spec(name)
        if found is None or found.origin is None:
            continue
        shelf.left.add(name)  # of the rest of it, if there is any
        if found.submodule_search_locations:
            shelf.add_package(name, os.path.dirname(found.origin))
        else:
            shelf.add_file(name, found.origin)
    for top in nsinit.__path__:
        shelf.add_package("nsinit", top, OUTSIDE)
        for name in _RESOURCES:
            shelf.add_data(os.path.join(top, "resources", name))
    _shelves[:] = [shelf]


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


class ForbidImports(ReadModules):
    """A step of init, after the change of root."""

    def describe(self) -> str:
        """For people."""
        return "load nothing from the root"

    def apply(self) -> None:
        """See the module."""
        forbid()
