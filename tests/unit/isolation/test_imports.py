"""What is loaded before the change of root, and that nothing is loaded after it."""

from __future__ import annotations

import ast
import asyncio
import compileall
import importlib
import importlib.util
import os
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

import pytest

from nsinit.isolation import imports
from nsinit.isolation.imports import OUTSIDE
from nsinit.isolation.shelf import Shelf
from nsinit.isolation.sources import Source
from tests.support.live import ROOT, environment

if TYPE_CHECKING:
    import pathlib

# What is imported where it is known to be there, or not missed.
SPARED = {"cronsim", "nsinit.model.cron"}


def _python(script: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script],
        env={**environment(), **more}, capture_output=True, text=True, check=False, cwd="/",
    )  # fmt: skip


def _imported() -> set[str]:
    """The modules that any part of nsinit imports which runs inside, wherever in its text."""
    found: set[str] = set()
    for path in (ROOT / "nsinit").rglob("*.py"):
        if {path.stem, *path.relative_to(ROOT / "nsinit").parts} & set(OUTSIDE):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module)
    return found - SPARED - {"__future__"}


_ELSEWHERE = """
import os, sys, tempfile
from nsinit.isolation import imports
from nsinit.kernel import libc
{how}
names = imports._LATER + tuple(n for n in imports._OPTIONAL if n in {there!r})
names += tuple(imports._own_modules())
libc.unshare(0x10020000)  # a user namespace: it may change its root, and make mounts
{inside}
with tempfile.TemporaryDirectory() as other:
    for book in [book for shelf in imports._shelves for book in shelf._books.values()]:
        os.makedirs(other + os.path.dirname(book.path), exist_ok=True)
        with open(other + book.path, "w") as file:
            file.write("somebody else's")
    os.chroot(other)
    os.chdir("/")
    imports.forbid()
    for number, name in enumerate(names):
        if number == len(names) // 2:
            imports.settle()
        __import__(name)
    print("refused:", *imports.refused)
    print(*sys.modules)
    from asyncio import runners
    print(runners.__file__, flush=True)
    os._exit(0)  # the directory is somebody else's to remove
"""


@pytest.mark.userns
@pytest.mark.parametrize(
    ("how", "inside"),
    [
        ("imports.provide()", "imports.hold()"),
        ("imports.find()", "imports.hold()"),
        ("imports.load_all()", ""),
    ],
)
def test_all_can_be_imported_when_the_root_has_changed(
    how: str, inside: str, tmp_path: pathlib.Path
) -> None:
    """Whatever any line of nsinit may import later, outside of type checking too."""
    there = [name for name in ("uvloop", "structlog", "h11") if importlib.util.find_spec(name)]
    done = _python(_ELSEWHERE.format(how=how, inside=inside, there=there), TMPDIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    refused, modules, file = done.stdout.splitlines()
    assert refused == "refused:"
    loaded = set(modules.split())
    assert _imported() - loaded == set()
    assert "pyroute2" not in loaded
    assert "rich.console" not in loaded
    assert file == asyncio.runners.__file__


def test_little_is_loaded_when_all_is_provided() -> None:
    """What services do not wait for is read only."""
    done = _python(
        "from nsinit.isolation import imports; imports.provide()\n"
        "import sys; print(imports.can_map_libraries(), *sys.modules)"
    )
    assert done.returncode == 0, done.stderr
    can, *loaded = done.stdout.split()
    if can == "True":
        assert {"asyncio", "ssl", "structlog", "h11", "nsinit.runtime.boot"}.isdisjoint(loaded)


@pytest.mark.userns
def test_no_way_leads_out_when_a_directory_is_held(tmp_path: pathlib.Path) -> None:
    """Neither up nor by a link nor by writing; and it is let go of when all is settled."""
    package = tmp_path / "package"
    package.mkdir()
    (package / "here").write_text("here")
    (package / "below").symlink_to("../secret")
    (tmp_path / "secret").write_text("secret")
    done = _python(
        "import os\n"
        "from nsinit.isolation import imports, sources\n"
        "from nsinit.kernel import libc\n"
        "libc.unshare(0x10020000)\n"
        f"held = sources.hold({str(package)!r})\n"
        "print(held.read('here'), sorted(one.name for one in held.entries()))\n"
        "for name in ('../secret', 'below', '../package/../secret'):\n"
        "    try: print(held.read(name))\n"
        "    except FileNotFoundError as error: print(error.errno)\n"
        "up = os.stat('..', dir_fd=held.mount)\n"
        "print(os.path.samestat(up, os.fstat(held.mount)))\n"
        "try: os.open('new', os.O_CREAT | os.O_WRONLY, dir_fd=held.mount)\n"
        "except OSError as error: print(error.errno)\n"
        "before = os.listdir('/proc/self/fd')\n"
        "imports.find(); imports.hold()\n"
        "during = os.listdir('/proc/self/fd')\n"
        "imports.settle()\n"
        "print(len(during) > len(before), os.listdir('/proc/self/fd') == before)\n"
    )
    assert done.stdout.splitlines() == [
        "b'here' ['below', 'here']", "2", "2", "2", "True", "30", "True True",
    ], done.stderr  # fmt: skip


def test_all_is_read_when_directories_cannot_be_held() -> None:
    """Without power over the mounts, or where others may not read what root installed."""
    done = _python(
        "from nsinit.isolation import imports\n"
        "from nsinit.kernel import mounts\n"
        "def refuse(*_, **__): raise PermissionError(1, 'no')\n"
        "mounts.clone_tree = refuse\n"
        "imports.find()\n"
        "print('asyncio.events' in imports._shelves[0], bool(imports._sources))\n"
        "imports.hold()\n"
        "print('asyncio.events' in imports._shelves[0], bool(imports._sources))\n"
    )
    assert done.stdout.splitlines() == ["False True", "True False"], done.stderr


@pytest.mark.parametrize(
    ("above", "mode", "is_open"),
    [(0o755, 0o644, True), (0o700, 0o644, False), (0o755, 0o600, False)],
)
def test_file_is_open_to_others_when_all_above_it_is(above: int, mode: int, is_open: bool) -> None:
    """What an init without the power of the launcher can read; the owner always can."""
    with tempfile.TemporaryDirectory(dir="/tmp") as place:  # pytest's own are closed to others
        path = f"{place}/file"
        with open(path, "w") as file:
            os.fchmod(file.fileno(), mode)
        os.chmod(place, above)
        assert imports._is_open(path, -1) is is_open
        assert imports._is_open(path, os.geteuid())
        assert not imports._is_open(f"{place}/missing", os.geteuid())


def test_module_is_made_of_its_source_when_its_byte_code_is_old(tmp_path: pathlib.Path) -> None:
    """And a module that fails is tried again."""
    package = tmp_path / "shelved"
    package.mkdir()
    (package / "__init__.py").write_text("first = 1")
    (package / "other.py").write_text("value = 1")
    (package / "picky.py").write_text("import shelved\nif shelved.first: raise OSError('no')")
    compileall.compile_dir(package, quiet=1)
    (package / "other.py").write_text("value = 22")
    shelf = Shelf()
    shelf.add_package("shelved", Source(str(package)), spared=("none",))
    assert "shelved.other" in shelf
    for path in sorted(package.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    sys.meta_path.append(shelf)
    try:
        other = importlib.import_module("shelved.other")
        assert (other.value, other.__file__) == (22, str(package / "other.py"))
        for _ in range(2):
            with pytest.raises(OSError, match="no"):
                importlib.import_module("shelved.picky")
        sys.modules["shelved"].__dict__["first"] = 0
        assert importlib.import_module("shelved.picky").__name__ == "shelved.picky"
    finally:
        sys.meta_path.remove(shelf)
        for name in [name for name in sys.modules if name.startswith("shelved")]:
            del sys.modules[name]


def test_nothing_is_loaded_when_it_is_forbidden() -> None:
    """It is told once there is somebody to tell, and the interpreter's own parts are spared."""
    done = _python(
        "from nsinit.isolation import imports\n"
        "assert not imports.is_forbidden()\n"
        "imports.forbid()\n"
        "assert imports.is_forbidden()\n"
        "import itertools, zipimport\n"
        "for name in ('csv', 'nsinit.cli.run'):\n"
        "    try:\n"
        "        __import__(name)\n"
        "    except ModuleNotFoundError as error:\n"
        "        print(error)\n"
        "    imports.tell(print)\n"
    )
    told = "internal error: {} was not loaded before the change of root"
    refused = "{} can't be loaded within the sandbox"
    assert done.stdout.splitlines() == [
        refused.format("csv"),
        told.format("csv"),
        told.format("nsinit.cli"),
        refused.format("nsinit.cli"),
        told.format("csv"),
        told.format("nsinit.cli"),
    ], done.stderr
