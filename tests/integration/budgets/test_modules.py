"""How many modules a sandbox has: its launcher, and init in it.

Counted in the processes themselves, as both load what they are asked for.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.live import DEADLINE, environment

if TYPE_CHECKING:
    import pathlib

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="sandbox: needs root")
# Tells of each import who did it and which module it is, of those that are not of the
# interpreter's own start: init is 1 in its namespace.
_TELLING = """
import os, sys
before = len(sys.modules)
def tell(event, details):
    if event == "import":
        row = f"{os.getpid()} {len(sys.modules) + 1 - before} {details[0]}\\n"
        out = os.open(os.environ["IMPORTS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(out, row.encode())
        os.close(out)
sys.addaudithook(tell)
sys.argv[0] = "nsinit"
from nsinit.__main__ import main
sys.exit(main())
"""
_WORDS = ["run", "--namespaces", "pid,mount,uts,ipc,net,cgroup", "--", "true"]
# The most of Python 3.11 to 3.13 and a few to spare, as in tests/architecture/test_layers.py.
LAUNCHER = 232  # 221
INIT = 342  # 328, of which it inherits the launcher's
_NEVER = {
    "asyncio", "uvloop", "h11", "structlog", "rich", "pyroute2", "ssl", "decimal", "inspect",
    "argparse", "subprocess", "logging", "zlib", "hashlib", "ctypes.util", "dataclasses",
    "tempfile", "shutil", "urllib", "nsinit.network", "nsinit.images", "nsinit.bundles",
}  # fmt: skip


def test_sandbox_has_no_more_modules_than_planned_when_it_runs(tmp_path: pathlib.Path) -> None:
    """Of those of a loop the launcher has none at all."""
    told = tmp_path / "imports"
    env = environment(IMPORTS=str(told), NSINIT_CONFIG=os.devnull)
    command = [sys.executable, "-c", _TELLING, *_WORDS]
    subprocess.run(command, env=env, check=True, capture_output=True, timeout=DEADLINE * 2)
    most: dict[bool, int] = {}
    names: dict[bool, set[str]] = {True: set(), False: set()}
    for pid, count, name in map(str.split, told.read_text().splitlines()):
        most[pid == "1"] = max(most.get(pid == "1", 0), int(count))
        names[pid == "1"].add(name)
    assert not names[False] & _NEVER, sorted(names[False] & _NEVER)
    assert most[False] <= LAUNCHER, (most, sorted(names[False]))
    assert most[True] <= INIT, (most, sorted(names[True]))
