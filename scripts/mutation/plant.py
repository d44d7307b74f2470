"""Puts the code of a mutant in the place of nsinit's: in functions that exist, or at import."""

from __future__ import annotations

import gc
import importlib.util
import inspect
import sys
from importlib.abc import Loader, MetaPathFinder
from types import CodeType, FunctionType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

Key = tuple[str, int]  # qualified name and first line


def differing(old: CodeType, new: CodeType) -> dict[Key, CodeType] | None:
    """The functions of a module that are other ones now; None if more than functions is other."""
    if _shape(old) != _shape(new):
        return None
    before, after = dict(_functions(old)), dict(_functions(new))
    if before.keys() != after.keys():
        return None
    made = {key: code for key, code in after.items() if code != before[key]}
    return None if any(name.endswith(">") for name, _ in made) else made  # run at import, perhaps


def _shape(code: CodeType) -> tuple[object, ...]:
    """All of the code that runs at import, but for that of functions."""
    consts = tuple(
        c if not isinstance(c, CodeType) else (c.co_name if _is_function(c) else _shape(c))
        for c in code.co_consts
    )
    return (code.co_code, code.co_names, consts, tuple(map(type, code.co_consts)))


def _functions(code: CodeType) -> Iterator[tuple[Key, CodeType]]:
    """Those of the module and of its classes, not those inside of functions."""
    for const in code.co_consts:
        if isinstance(const, CodeType):
            if _is_function(const):
                yield (const.co_qualname, const.co_firstlineno), const
            else:
                yield from _functions(const)


def _is_function(code: CodeType) -> bool:
    return bool(code.co_flags & inspect.CO_OPTIMIZED)


def living(path: str) -> dict[Key, list[FunctionType]]:
    """The functions of a file that are loaded."""
    made: dict[Key, list[FunctionType]] = {}
    for one in gc.get_objects():
        if type(one) is FunctionType and one.__code__.co_filename == path:
            key = (one.__code__.co_qualname, one.__code__.co_firstlineno)
            made.setdefault(key, []).append(one)
    return made


class Planted(MetaPathFinder, Loader):
    """Finds one module, and gives it other code than that of its file."""

    def __init__(self, name: str, path: str, code: CodeType) -> None:
        self._name = name
        self._path = path
        self._code = code

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Only that one."""
        if fullname != self._name:
            return None
        return importlib.util.spec_from_file_location(fullname, self._path, loader=self)

    def create_module(self, spec: ModuleSpec) -> None:
        """As usual."""

    def exec_module(self, module: ModuleType) -> None:
        """Run the other code."""
        exec(self._code, module.__dict__)

    def plant(self) -> None:
        """Before anybody imports it."""
        assert self._name not in sys.modules, self._name
        sys.meta_path.insert(0, self)
