"""nsinit's own modules, found and read with fewer questions than Python asks.

Python looks for a module in a listing of its directory, by every ending that one can have, and
reads its byte code as any file: 50 µs for each, and nsinit loads 150 of its own before the first
service. Here the byte code is opened where it has to be, and counts on the same condition: that it
was made of the source file as that is now (PEP 3147, PEP 552). Whatever is not just so is left to
Python, as are all modules of others.
"""

from __future__ import annotations

import _imp
import marshal
import posix
import sys
from _frozen_importlib import ModuleSpec
from _frozen_importlib_external import MAGIC_NUMBER, PathFinder

TYPE_CHECKING = False  # as `typing` has it, which this need not load
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import CodeType, ModuleType
    from typing import Any

_PREFIX = "nsinit."
_ENDING = f".{sys.implementation.cache_tag}.pyc"
_HEADER = 16  # bytes: the magic number, flags, the time and the size of the source
_BY_TIME = MAGIC_NUMBER + bytes(4)  # and not by a hash of the source


class Finder:
    """A finder and a loader; see importlib.abc.MetaPathFinder and Loader."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: object = None
    ) -> ModuleSpec | None:
        """A module of nsinit that has been compiled; None leaves it to others."""
        del target
        if not path or not name.startswith(_PREFIX):
            return None
        stem = name.rpartition(".")[2]
        return _find(name, path[0], stem, package=False) or _find(
            name, f"{path[0]}/{stem}", "__init__", package=True
        )

    def create_module(self, spec: ModuleSpec) -> None:
        """As usual."""

    def exec_module(self, module: ModuleType) -> None:
        """Make it of the byte code that was read when it was found."""
        spec: Any = module.__spec__
        data = memoryview(spec.loader_state)[_HEADER:]
        code: CodeType = marshal.loads(data)  # noqa: S302  (as import does)
        spec.loader_state = None
        _imp._fix_co_filename(code, spec.origin)  # type: ignore[attr-defined]  # noqa: SLF001  (as import does)
        exec(code, module.__dict__)  # noqa: S102  (as import does)

    def get_data(self, path: str) -> bytes:
        """A file beside a module; see importlib.abc.ResourceLoader."""
        with open(path, "rb") as file:
            return file.read()


def _find(name: str, place: str, stem: str, *, package: bool) -> ModuleSpec | None:
    source = f"{place}/{stem}.py"
    try:
        data = _read(f"{place}/__pycache__/{stem}{_ENDING}")
        found = posix.stat(source)
    except OSError:
        return None
    made_of = int(found.st_mtime) & 0xFFFFFFFF, found.st_size & 0xFFFFFFFF
    if data[:_HEADER] != _BY_TIME + b"".join(one.to_bytes(4, "little") for one in made_of):
        return None
    spec = ModuleSpec(name, FINDER, origin=source, loader_state=data, is_package=package)
    spec.has_location = True  # so that it has a __file__
    if package:
        spec.submodule_search_locations = [place]
    return spec


def _read(path: str) -> bytes:
    fd = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC)
    try:
        return posix.read(fd, posix.fstat(fd).st_size)
    finally:
        posix.close(fd)


def install() -> None:
    """Ask this one before Python looks in directories, and after whoever wants to be asked first.

    Not if Python keeps byte code elsewhere, or makes another kind of it.
    """
    finders: list[Any] = sys.meta_path
    if sys.pycache_prefix is None and not sys.flags.optimize and FINDER not in finders:
        at = finders.index(PathFinder) if PathFinder in finders else len(finders)
        finders.insert(at, FINDER)


FINDER: Any = Finder()  # a loader has two more methods for type checkers than for Python
