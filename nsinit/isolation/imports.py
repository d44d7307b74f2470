"""Python in a root file system that has none, or anybody's.

After the change of root the path of a module leads somewhere else, and what is found there must
not be run. So all that init may need is loaded before, and then nothing is loaded any more but
what the interpreter has in itself. An import that fails so is an error of nsinit's: it is told,
and costs what needed it, not the init.
"""

from __future__ import annotations

import importlib
import os
import sys
from importlib.machinery import BuiltinImporter, FrozenImporter
from typing import TYPE_CHECKING, Final

import nsinit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

# Parts of nsinit that run outside only.
OUTSIDE: Final = (
    "cli", "client", "attached", "wire", "locate", "sandbox", "__main__", "py.typed",
)  # fmt: skip
# What is there or not: without it init does without.
_OPTIONAL: Final = ("uvloop", "structlog", "h11")
# What the standard library and the loops import when it is first needed.
_LATER: Final = (
    "asyncio", "concurrent.futures.thread", "contextvars", "encodings.aliases", "encodings.ascii",
    "encodings.cp1252", "encodings.hex_codec", "encodings.idna", "encodings.latin_1",
    "encodings.punycode", "encodings.unicode_escape", "encodings.utf_8_sig", "http", "json",
    "linecache", "logging", "select", "shlex", "shutil", "signal", "socket", "ssl", "stringprep",
    "subprocess", "tempfile", "tokenize", "tomllib", "traceback", "unicodedata",
    "fnmatch", "glob", "hashlib", "termios", "warnings", "zlib", "zoneinfo",
)  # fmt: skip

refused: Final[list[str]] = []
_tell: list[Callable[[str], object]] = []


def load_all(more: Sequence[str] = ()) -> None:
    """Load everything that an init may need; `more` is what this configuration asks for."""
    sys.modules.setdefault("rich", None)  # type: ignore[arg-type]  # structlog would load it
    for name in (*_LATER, *_OPTIONAL, *more):
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


class _Guard:
    """The last finder: nothing is found."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: ModuleType | None = None) -> ModuleSpec:
        """Refuse, and tell."""
        del path, target
        refused.append(name)
        for tell in _tell:
            tell(f"internal error: {name} was not loaded before the change of root")
        raise ModuleNotFoundError(f"{name} can't be loaded within the sandbox", name=name)


def forbid() -> None:
    """Load nothing from any file from now on."""
    sys.path[:] = []
    sys.path_importer_cache.clear()
    sys.meta_path[:] = [BuiltinImporter, FrozenImporter, _Guard]


def is_forbidden() -> bool:
    """Whether that has been done."""
    return _Guard in sys.meta_path


def tell(listener: Callable[[str], object]) -> None:
    """Tell this listener of what is refused, and of what has been."""
    for name in refused:
        listener(f"internal error: {name} was not loaded before the change of root")
    _tell.append(listener)


class LoadAll:
    """A step of the launcher."""

    def __init__(self, more: Sequence[str] = ()) -> None:
        self._more = more

    def describe(self) -> str:
        """For people."""
        return "load all of nsinit, as there may be no Python in the root"

    def apply(self) -> None:
        """Import."""
        load_all(self._more)

    def undo(self) -> None:
        """Nothing to do."""

    def remedy(self, number: int) -> str:
        """None is known."""
        del number
        return ""


class ForbidImports(LoadAll):
    """A step of init, after the change of root."""

    def describe(self) -> str:
        """For people."""
        return "load nothing from the root"

    def apply(self) -> None:
        """See the module."""
        forbid()
