"""A cgroup of a test's own, in every hierarchy of the machine: nsinit is started within it.

Whatever nsinit makes is below it, so a test sees its own groups only, and that none is left. It can
belong to an ordinary user, as a delegated one does. Works with version 1, 2, and both.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import select
import signal
import sys
import time
from typing import Final

from nsinit.kernel import mountinfo

# Writes its own pid to files, becomes a user, and runs the rest.
_ENTER: Final = """\
import os, sys
user, count = int(sys.argv[1]), int(sys.argv[2])
for path in sys.argv[3:3 + count]:
    with open(path, "w") as file:
        file.write(str(os.getpid()))
if user != os.geteuid():
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)
os.execvp(sys.argv[3 + count], sys.argv[3 + count:])
"""
_USED: Final = ("cpu", "cpuacct", "cpuset", "memory", "pids", "blkio", "freezer", "devices")
_ALIASES: Final = {"io": "blkio"}


def can_be_made() -> bool:
    """Whether this process may make groups."""
    kinds = ("cgroup", "cgroup2")
    found = [mount.target for mount in mountinfo.read() if mount.kind in kinds]
    return bool(found) and os.geteuid() == 0 and all(os.access(path, os.W_OK) for path in found)


class Cell:
    """The groups; `close` removes them with all that is in them."""

    def __init__(self, name: str, user: int = 0) -> None:
        self.roots: dict[str, pathlib.Path] = {}  # by controller; "" is version 2
        mine = _memberships()
        for mount in mountinfo.read():
            if mount.kind == "cgroup2":
                self._make("", pathlib.Path(mount.target), name, user)
            for controller in _USED:
                if mount.kind == "cgroup" and controller in mount.super_options:
                    above = mount.target + mine.get(controller, "").removeprefix(
                        mount.root.rstrip("/")
                    )
                    self._make(controller, pathlib.Path(above), name, user)

    def _make(self, controller: str, above: pathlib.Path, name: str, user: int) -> None:
        root = above / name
        root.mkdir()
        self.roots[controller] = root
        if controller == "cpuset":
            for file in ("cpuset.cpus", "cpuset.mems"):
                (root / file).write_text((above / file).read_text())
        owned = [root]
        if not controller:
            for group in (above, root):
                for word in (above / "cgroup.controllers").read_text().split():
                    with contextlib.suppress(OSError):
                        (group / "cgroup.subtree_control").write_text(f"+{word}")
            (root / "start").mkdir()
            owned = [root, root / "start"]
        for group in owned if user else ():
            files = ("cgroup.procs", "tasks", "cgroup.subtree_control", "cgroup.threads")
            for path in (group, *(group / file for file in files)):
                if path.exists():
                    os.chown(path, user, user)

    @property
    def unified(self) -> bool:
        """Whether version 2 has the controllers."""
        return "memory" not in self.roots

    def command(self, user: int) -> list[str]:
        """What to put before a command that is to start in here as that user."""
        procs = [
            str(root / ("start" if not controller else "") / "cgroup.procs")
            for controller, root in self.roots.items()
        ]
        return [sys.executable, "-c", _ENTER, str(user), str(len(procs)), *procs]

    def root(self, controller: str) -> pathlib.Path:
        """The cell itself in the hierarchy of a controller, by its name of version 2."""
        return self.roots.get(_ALIASES.get(controller, controller)) or self.roots[""]

    def groups(self, controller: str = "memory", pattern: str = "nsinit-*") -> list[pathlib.Path]:
        """The groups in it of that name, also in the one that nsinit was started in."""
        found = self.root(controller).rglob(pattern)
        return sorted(path for path in found if path.is_dir() and path.suffix != ".outside")

    def read(self, controller: str, one: str, two: str, pattern: str = "nsinit-*") -> str:
        """A file of the only such group, by its names in version 1 and 2."""
        (group,) = self.groups(controller, pattern)
        return (group / (two if self.unified else one)).read_text().strip()

    def left(self) -> list[str]:
        """What is in it that was not there in the beginning."""
        return [
            str(path)
            for root in self.roots.values()
            for path in root.rglob("*")
            if path.is_dir() and path != root / "start"
        ]

    def close(self) -> None:
        """End everything in it, and remove it."""
        until = time.monotonic() + 10
        for root in self.roots.values():
            groups = sorted((p for p in root.rglob("*") if p.is_dir()), reverse=True)
            for group in (*groups, root):
                while group.exists():
                    for pid in (group / "cgroup.procs").read_text().split():
                        with contextlib.suppress(OSError):
                            os.kill(int(pid), signal.SIGKILL)
                    with contextlib.suppress(OSError):
                        group.rmdir()
                        break
                    assert time.monotonic() < until, f"{group} can't be removed"
                    select.select([], [], [], 0.01)


def _memberships() -> dict[str, str]:
    made: dict[str, str] = {}
    for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines():
        _, names, path = line.split(":", 2)
        made |= dict.fromkeys(names.split(","), path.rstrip("/"))
    return made
