"""Start-up from byte code: where nsinit is installed, nothing of it is compiled any more."""

from __future__ import annotations

import compileall
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import nsinit
from tests.support.live import environment

if TYPE_CHECKING:
    import pathlib

# Tells of each source of the package that Python compiles, as it is done.
_SCRIPT = """
import os, sys
def heard(event, args, place=sys.argv.pop(1), write=os.write):
    if event == "compile" and isinstance(args[1], (str, bytes)):
        name = args[1] if isinstance(args[1], str) else os.fsdecode(args[1])
        if name.startswith(place):
            write(2, f"compiled {name}\\n".encode())
sys.addaudithook(heard)
sys.argv[0] = "nsinit"
from nsinit.__main__ import main
sys.exit(main())
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The sources of nsinit alone."""
    place = tmp_path_factory.mktemp("copy") / "nsinit"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(os.path.dirname(nsinit.__file__), place, ignore=ignored)
    return place


def _compiled_by_a_run(copy: pathlib.Path) -> list[str]:
    """Run an init until its only service has ended; the sources that were compiled for it."""
    file = copy.parent / "nsinit.toml"
    socket = copy.parent / "s"
    file.write_text(
        f'[init]\ncontrol = "{socket}"\n[services.a]\ncommand = ["true"]\ntype = "oneshot"\n'
    )
    script = copy.parent / "script"
    script.write_text(_SCRIPT)
    done = subprocess.run(
        [sys.executable, script, str(copy), "run", file],
        env=environment(PYTHONDONTWRITEBYTECODE="1"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = [line for line in done.stderr.split("\n") if line.startswith("compiled ")]
    return [line.removeprefix("compiled ") for line in found]


def test_nothing_is_compiled_when_byte_code_is_there(copy: pathlib.Path) -> None:
    """Nor written: so it is in a read-only image, by whoever made it. Without, each start would."""
    first = _compiled_by_a_run(copy)
    assert len(first) > 100  # it is seen if there is any
    assert compileall.compile_dir(copy, quiet=1)
    there = sorted(copy.rglob("*"))
    assert _compiled_by_a_run(copy) == []
    assert sorted(copy.rglob("*")) == there
