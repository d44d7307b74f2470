"""Groups of processes for real, without a sandbox around them."""

from __future__ import annotations

import os
import pathlib
import signal
from typing import TYPE_CHECKING

import pytest

from nsinit.cgroups.group import Branch, Group
from nsinit.cgroups.here import find_spots
from nsinit.cgroups.top import Top, remove_path
from nsinit.kernel import cgroups, libc
from tests.support.cells import Cell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def cell() -> Iterator[Cell]:
    """Groups of the test's own."""
    made = Cell(f"nsinit-test-{os.getpid()}-{os.urandom(3).hex()}")
    try:
        yield made
        assert not made.left()
    finally:
        made.close()


def in_cell(cell: Cell, function: Callable[[], str]) -> str:
    """What a function returns in a process of the cell."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reader)
            for controller, root in cell.roots.items():
                place = root if controller else root / "start"
                (place / "cgroup.procs").write_text(str(os.getpid()))
            said = function()
        except BaseException as error:  # noqa: BLE001  (told to the test)
            said = repr(error)
        os.write(writer, said.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as file:
        said = file.read()
    os.waitpid(pid, 0)
    return said


def test_group_gets_controllers_when_its_maker_moves_out_of_the_way(cell: Cell) -> None:
    """In version 2: beside it, and back at the end; whatever controller version 2 has here."""
    root = cell.roots[""]
    controllers = frozenset((root / "cgroup.controllers").read_text().split())
    wanted = controllers & {"memory", "hugetlb"}

    def make() -> str:
        top = Top("x", find_spots(wanted), wanted)
        group = top.make()
        unified = group.unified
        assert unified is not None
        assert wanted <= unified.controllers, unified
        inside = pathlib.Path("/proc/self/cgroup").read_text().split("0::")[1].strip()
        assert inside.endswith(".outside"), inside
        top.remove()
        outside = pathlib.Path("/proc/self/cgroup").read_text().split("0::")[1].strip()
        return outside.rpartition("/")[2]

    assert in_cell(cell, make) == "start"


def test_group_is_removed_by_its_path_when_its_maker_has_died(cell: Cell) -> None:
    """With the processes in it, whatever group in it they are in; no other path is touched."""
    root = cell.root("pids")
    (root / "nsinit-x").mkdir()
    (root / "nsinit-x" / "y").mkdir()
    (root / "z").mkdir()
    pid = os.fork()
    if pid == 0:
        signal.pause()
        os._exit(0)
    (root / "nsinit-x" / "y" / "cgroup.procs").write_text(str(pid))
    remove_path(str(root / "z"))
    remove_path(str(root / "nsinit-x"))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
    assert {path.name for path in root.iterdir() if path.is_dir()} - {"start"} == {"z"}
    (root / "z").rmdir()


def test_process_begins_in_a_group_when_it_is_cloned_into_it(cell: Cell) -> None:
    """clone3(2) with CLONE_INTO_CGROUP; members are seen, KILL reaches them, removal waits."""
    parent = cgroups.open_group(str(cell.root("")))
    fd = cgroups.make(parent, "nsinit-a")
    pid, pidfd = libc.clone3(0, signal.SIGCHLD, fd)
    if pid == 0:
        signal.pause()
        os._exit(0)
    assert cgroups.members(fd) == [pid]
    group = Group("nsinit-a", [Branch(2, frozenset(), parent, fd, "here")])
    with pytest.raises(OSError, match="busy"):
        group.remove()
    group.end()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
    group.close()
    os.close(pidfd)
    os.close(parent)


def test_killer_is_spared_when_it_is_in_the_group_itself(cell: Cell) -> None:
    """As a launcher that could not move back: neither killed nor frozen with the others."""
    places = [path for path in cell.roots.values() if path.name != "start"]

    def kill() -> str:
        found = []
        for path in places:
            parent = cgroups.open_group(str(path))
            version = 2 if path == cell.roots.get("") else 1
            names = frozenset({"freezer"} if path == cell.roots.get("freezer") else ())
            fd = cgroups.make(parent, "nsinit-k")
            found.append(Branch(version, names, parent, fd, str(path)))
        group = Group("nsinit-k", found)
        pid = os.fork()
        if pid == 0:
            signal.pause()
            os._exit(0)
        for one in (0, pid):
            for branch in found:
                cgroups.write(branch.fd, cgroups.PROCS, str(one))
        group.kill()
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        for branch in found:
            start = "start/" if branch.version == 2 else ""
            cgroups.write(branch.parent, f"{start}{cgroups.PROCS}", "0")
        group.remove()
        return f"alive, the other ended with {code}"

    skipped = [path for path in places if path.joinpath("cpuset.cpus").exists()]
    places = [path for path in places if path not in skipped]  # whose groups are empty at first
    assert in_cell(cell, kill) == "alive, the other ended with -9"
