"""Small root file systems for tests: a shell, a few programs, and the libraries they need."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pathlib

PROGRAMS = (
    "sh", "ls", "cat", "sleep", "mount", "id", "ps", "env", "stat", "mkdir", "rm", "touch", "ln",
    "hostname", "head", "echo", "true", "test", "wc", "tr", "mv", "chmod", "uname", "umount",
    "gzip", "grep", "mknod",
)  # fmt: skip


@functools.cache
def _libraries(program: str) -> tuple[str, ...]:
    done = subprocess.run(["ldd", program], capture_output=True, text=True, check=False)
    return tuple(re.findall(r"(/\S+)", done.stdout))


def make_root(
    directory: pathlib.Path, owner: int = 0, programs: tuple[str, ...] = PROGRAMS
) -> pathlib.Path:
    """A root without Python, and without most directories; `marker` tells that it is this one."""
    for name in ("bin", "etc"):
        (directory / name).mkdir(parents=True, exist_ok=True)
    for name in programs:
        program = os.path.realpath(shutil.which(name, path="/usr/bin:/bin:/usr/sbin:/sbin") or name)
        shutil.copy2(program, directory / "bin" / name)
        for library in _libraries(program):
            target = directory / library.lstrip("/")
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(os.path.realpath(library), target)
    (directory / "marker").write_text("this is the root of the test\n")
    (directory / "etc/passwd").write_text("root:x:0:0::/:/bin/sh\nweb:x:33:33::/:/bin/sh\n")
    if owner != os.geteuid():
        for path in [directory, *directory.rglob("*")]:
            os.chown(path, owner, owner, follow_symlinks=False)
    return directory


def owned(path: pathlib.Path, owner: int) -> pathlib.Path:
    """A new directory of that user."""
    path.mkdir(parents=True, exist_ok=True)
    os.chown(path, owner, owner)
    return path


def main_service(command: str) -> str:
    """A main service that is a line of a shell, in TOML."""
    return f"[services.a]\nmain = true\nshell = true\ncommand = '''{command}'''\n"


def words(done: subprocess.CompletedProcess[str], first: str) -> list[str]:
    """The rest of the line of the service that begins so."""
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line.partition("| ")[2].split() for line in done.stdout.splitlines()]
    return next(row[1:] for row in rows if row[:1] == [first])
