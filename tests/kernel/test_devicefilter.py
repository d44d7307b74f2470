"""Programs that say which devices a group of cgroup version 2 may use."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from nsinit.kernel import devicefilter, mountinfo
from nsinit.kernel.devicefilter import ALL, READ, WRITE, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.root
_TRY = """
import os, sys
with open(sys.argv[1] + "/cgroup.procs", "w") as file:
    file.write(str(os.getpid()))
for mode, flag in (("<", os.O_RDONLY), (">", os.O_WRONLY)):
    for name in ("null", "zero", "full"):
        try:
            os.open("/dev/" + name, flag)
            print(mode + name)
        except PermissionError:
            continue
"""


@pytest.fixture
def group() -> Iterator[pathlib.Path]:
    """A group of version 2 of the test's own."""
    mounted = [one.target for one in mountinfo.read() if one.kind == "cgroup2"]
    if not mounted:
        pytest.skip("this kernel has no cgroup version 2 mounted")
    if not devicefilter.can_attach():
        pytest.skip("this kernel has no programs for devices")
    made = pathlib.Path(mounted[0], f"nsinit-test-{os.getpid()}")
    made.mkdir()
    try:
        yield made
    finally:
        made.rmdir()


def _works(group: pathlib.Path) -> set[str]:
    """What a process in it can open."""
    words = [sys.executable, "-I", "-S", "-c", _TRY, str(group)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


EVERYTHING = {f"{mode}{name}" for mode in "<>" for name in ("null", "zero", "full")}


@pytest.mark.parametrize(
    ("rules", "works"),
    [
        (None, EVERYTHING),
        ([], set()),
        ([Rule("a", None, None, ALL)], EVERYTHING),
        ([Rule("b", None, None, ALL)], set()),
        ([Rule("c", 1, 3, ALL)], {"<null", ">null"}),
        ([Rule("c", 1, 3, READ), Rule("c", 1, 5, WRITE)], {"<null", ">zero"}),
        ([Rule("c", 2, None, ALL), Rule("c", None, 7, READ | WRITE)], {"<full", ">full"}),
        ([Rule("a", 1, None, READ)], {"<null", "<zero", "<full"}),
    ],
)
def test_devices_are_closed_when_no_rule_allows_them(
    group: pathlib.Path, rules: list[Rule] | None, works: set[str]
) -> None:
    """By kind, numbers and what is done; the last program that was attached counts alone."""
    fd = os.open(group, os.O_RDONLY | os.O_DIRECTORY)
    try:
        devicefilter.attach(fd, [Rule("c", 1, 7, ALL)])
        devicefilter.attach(fd, rules)
        assert _works(group) == works
        devicefilter.attach(fd, None)
        assert _works(group) == EVERYTHING
    finally:
        os.close(fd)


def test_group_is_no_group_when_a_program_is_attached(tmp_path: pathlib.Path) -> None:
    """It is told, and nothing stays open."""
    fd = os.open(tmp_path, os.O_RDONLY)
    before = os.listdir("/proc/self/fd")
    try:
        with pytest.raises(OSError, match="bpf"):
            devicefilter.attach(fd, [])
        assert os.listdir("/proc/self/fd") == before
    finally:
        os.close(fd)
