"""nsinit's own modules are found as Python finds them, or left to Python."""

from __future__ import annotations

import importlib.util
import os
import py_compile
import sys
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING

import pytest

from nsinit import finder

if TYPE_CHECKING:
    import pathlib

NAME = "nsinit.made_for_a_test"


@pytest.fixture
def source(tmp_path: pathlib.Path) -> pathlib.Path:
    """A module, compiled."""
    path = tmp_path / "made_for_a_test.py"
    path.write_text("WORD = 'first'\ndef fail():\n    raise ValueError\n")
    py_compile.compile(str(path), doraise=True)
    return path


def _spec(source: pathlib.Path) -> object:
    return finder.FINDER.find_spec(NAME, [str(source.parent)])


def test_module_is_made_when_it_is_compiled(source: pathlib.Path) -> None:
    """With what other modules have: a file, and the place of its byte code's lines."""
    spec = finder.FINDER.find_spec(NAME, [str(source.parent)])
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (module.WORD, module.__file__) == ("first", str(source))
    assert module.fail.__code__.co_filename == str(source)


def test_package_is_made_when_it_is_compiled(source: pathlib.Path) -> None:
    """Its modules are looked for in its directory."""
    package = source.parent / "made_for_a_test"
    package.mkdir()
    source.rename(package / "__init__.py")
    py_compile.compile(str(package / "__init__.py"), doraise=True)
    spec = finder.FINDER.find_spec(NAME, [str(source.parent)])
    assert (spec.submodule_search_locations, spec.parent) == ([str(package)], NAME)


def test_lines_are_those_of_the_file_when_it_was_moved(source: pathlib.Path) -> None:
    """An installed copy may have been compiled elsewhere."""
    place = source.parent / "elsewhere"
    place.mkdir()
    source.rename(place / source.name)
    (source.parent / "__pycache__").rename(place / "__pycache__")
    spec = finder.FINDER.find_spec(NAME, [str(place)])
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.fail.__code__.co_filename == str(place / source.name)


@pytest.mark.parametrize("how", ["older", "longer", "gone", "by hash", "torn", "uncompiled"])
def test_module_is_left_to_python_when_its_byte_code_does_not_count(
    how: str, source: pathlib.Path
) -> None:
    """Python then compiles it, or refuses it."""
    compiled = compiled_of(source)
    if how == "older":
        os.utime(source, (1, 1))
    elif how == "longer":
        found = source.stat()
        source.write_text(source.read_text() + "#")
        os.utime(source, ns=(found.st_atime_ns, found.st_mtime_ns))
    elif how == "gone":
        source.unlink()
    elif how == "by hash":
        mode = py_compile.PycInvalidationMode.CHECKED_HASH
        py_compile.compile(str(source), doraise=True, invalidation_mode=mode)
    elif how == "torn":
        compiled.write_bytes(compiled.read_bytes()[:10])
    else:
        compiled.unlink()
    assert _spec(source) is None


@pytest.mark.parametrize("name", ["json", "asyncio.events", "nsinitial.word"])
def test_module_is_left_to_python_when_it_is_of_others(name: str, source: pathlib.Path) -> None:
    """Whatever is in their directories."""
    assert finder.FINDER.find_spec(name, [str(source.parent)]) is None


@pytest.mark.parametrize("setting", ["pycache_prefix", None])
def test_finder_is_there_once_when_byte_code_is_where_it_looks(
    setting: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not at all where Python keeps it elsewhere."""
    monkeypatch.setattr(sys, "meta_path", [one for one in sys.meta_path if one != finder.FINDER])
    monkeypatch.setattr(sys, "pycache_prefix", "/elsewhere" if setting else None)
    finder.install()
    finder.install()
    assert sys.meta_path.count(finder.FINDER) == (0 if setting else 1)


def test_others_are_asked_first_when_they_want_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looks at imports, in a debugger or a test, sees those of nsinit too."""
    first = object()
    monkeypatch.setattr(sys, "meta_path", [first, PathFinder])
    finder.install()
    assert sys.meta_path == [first, finder.FINDER, PathFinder]


def compiled_of(source: pathlib.Path) -> pathlib.Path:
    """Where its byte code is."""
    return source.parent / "__pycache__" / f"{source.stem}.{sys.implementation.cache_tag}.pyc"
