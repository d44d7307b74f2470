"""Where we are in the hierarchies of all sorts of systems."""

from __future__ import annotations

import pytest

from nsinit.kernel import mountinfo
from nsinit.kernel.cgroups import Place, find_places, parse_memberships

V2 = "31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
HYBRID = """\
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
33 31 0:30 / /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory
40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
"""
IN_HYBRID = "4:memory:/a\n3:cpu,cpuacct:/b/c\n1:name=systemd:/\n0::/d\n"


@pytest.mark.parametrize(
    ("mounts", "memberships", "places"),
    [
        (V2, "0::/user.slice/x.scope\n", [
            Place(2, (), "/sys/fs/cgroup", "/user.slice/x.scope")]),
        (V2, "0::/\n", [Place(2, (), "/sys/fs/cgroup", "")]),
        (V2, "0::/../x\n", []),  # in another's part of a cgroup namespace
        (V2.replace(" / /sys", " /.. /sys"), "0::/\n", []),  # a mount of the namespace around
        (V2.replace(" / /sys", " /docker/1 /sys"), "0::/docker/1/a\n", [
            Place(2, (), "/sys/fs/cgroup", "/a")]),
        (V2.replace(" / /sys", " /docker/1 /sys"), "0::/docker/10\n", []),
        (HYBRID, IN_HYBRID, [
            Place(1, ("cpu", "cpuacct"), "/sys/fs/cgroup/cpu,cpuacct", "/b/c"),
            Place(1, ("memory",), "/sys/fs/cgroup/memory", "/a", writable=False),
            Place(2, (), "/sys/fs/cgroup/unified", "/d")]),
        (HYBRID + "50 1 0:30 / /memory rw - cgroup cgroup rw,memory\n", "4:memory:/a\n", [
            Place(1, ("memory",), "/memory", "/a")]),  # rather the one that can be written
        ("", IN_HYBRID, []),
        (V2, "", []),
    ],
)  # fmt: skip
def test_places_are_found_when_the_system_is(
    mounts: str, memberships: str, places: list[Place]
) -> None:
    """By what is mounted, and what of it shows the group that we are in."""
    assert find_places(mountinfo.parse(mounts), parse_memberships(memberships)) == places
