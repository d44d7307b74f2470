"""What is loaded before the change of root, and that nothing is loaded after it."""

from __future__ import annotations

import ast
import subprocess
import sys

from nsinit.isolation.imports import OUTSIDE
from tests.support.live import ROOT, environment

# What is imported where it is known to be there, or not missed.
SPARED = {"cronsim", "nsinit.model.cron"}


def _python(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script],
        env=environment(), capture_output=True, text=True, check=False, cwd="/",
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


def test_all_is_loaded_when_the_root_is_to_change() -> None:
    """Whatever any line of nsinit may import later, outside of type checking too."""
    done = _python(
        "from nsinit.isolation.imports import load_all; load_all(); import sys; print(*sys.modules)"
    )
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    assert _imported() - loaded == set()
    assert "pyroute2" not in loaded
    assert "rich.console" not in loaded


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
