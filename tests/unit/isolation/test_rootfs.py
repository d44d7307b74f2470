"""What is done to make a root, in which order; nothing of it is done here."""

from __future__ import annotations

import pytest

from nsinit.isolation.layers import HoldUpper
from nsinit.isolation.mounting import Options, sort_options
from nsinit.isolation.paths import MASKED, READONLY
from nsinit.isolation.rootfs import Root, root_steps
from nsinit.kernel import mounts
from nsinit.model.mounting import Mount

OWN = frozenset({"pid", "ipc", "mount", "net"})
HIDDEN = [f"mask {path}" for path in MASKED] + [f"make {path} read-only" for path in READONLY]
CHANGE = "change into the new root, and detach the old one"


def lines(root: Root) -> list[str]:
    """The plan as people read it."""
    return [step.describe() for step in root_steps(root)]


def test_all_is_in_its_place_when_a_directory_is_the_root() -> None:
    """What programs expect, what was written, what is hidden, and then the change."""
    root = Root(
        path="/r",
        mounts=[Mount(source="/a", target="/b", options=["ro"])],
        devices=["/dev/fuse"],
        sysctls={"kernel.msgmax": 5},
        readonly=True,
        hostname="box",
        own=OWN,
    )
    assert lines(root) == [
        "make all mounts private",
        "take /r as the root",
        "prepare a place for the new root",
        "mount proc on /proc (nosuid,nodev,noexec)",
        "mount sysfs on /sys (ro,nosuid,nodev,noexec)",
        "mount a /dev with null, zero, full, random, urandom, tty, pts, shm, mqueue",
        "mount tmpfs on /run (nosuid,nodev,mode=755)",
        "mount tmpfs on /tmp (nosuid,nodev,mode=1777)",
        "put hostname, hosts into /etc where they are needed",
        "bind the device /dev/fuse to /dev/fuse",
        "bind /a to /b (ro)",
        "set the sysctl kernel.msgmax to 5",
        *HIDDEN,
        "make the root read-only",
        CHANGE,
    ]


def test_own_mounts_go_first_when_they_have_the_target_of_an_expected_one() -> None:
    """They come in its place; nothing of /dev is made when it is given as a whole."""
    root = Root(
        path="/r",
        mounts=[
            Mount(type="proc", target="/proc/", options=["subset=pid"]),
            Mount(source="/dev", target="/dev"),
            Mount(source="/x", target="/tmp"),
        ],
        masked=[],
        readonly_paths=["/etc"],
        own=OWN,
    )
    assert lines(root)[3:] == [
        "mount sysfs on /sys (ro,nosuid,nodev,noexec)",
        "mount tmpfs on /run (nosuid,nodev,mode=755)",
        "put hosts into /etc where they are needed",
        "mount proc on /proc (subset=pid)",
        "bind /dev to /dev",
        "bind /x to /tmp",
        "make /etc read-only",
        CHANGE,
    ]


def test_what_is_shared_is_bound_when_namespaces_are_not_its_own() -> None:
    """A new proc would be of the pid namespace, a new sysfs of the network."""
    found = lines(Root(path="/r"))
    assert "bind /proc to /proc (nosuid,nodev,noexec)" in found
    assert "bind /sys to /sys (ro,nosuid,nodev,noexec)" in found
    assert "mount a /dev with null, zero, full, random, urandom, tty, pts, shm" in found
    assert "put hosts, resolv.conf into /etc where they are needed" in found


def test_layers_are_the_root_when_there_is_an_overlay() -> None:
    """With what is written kept, or thrown away."""
    kept = Root(lower=["/a", "/b"], upper=HoldUpper("/u", None), own=OWN)
    assert lines(kept)[2] == "take the layers /a, /b under /u as the root"
    assert lines(Root(lower=["/a"]))[2] == "take the layers /a, and memory over them as the root"
    assert HoldUpper("/u/", None).describe() == "hold /u/, and make /u.work"


def test_root_of_the_host_stays_when_only_mounts_are_asked_for() -> None:
    """Nothing is put there, made there or hidden that was not asked for."""
    root = Root(mounts=[Mount(type="tmpfs", target="/mnt")], own=OWN)
    assert lines(root) == [
        "make all mounts private",
        "take / as the root",
        "prepare a place for the new root",
        "mount proc on /proc (nosuid,nodev,noexec)",
        "mount tmpfs on /mnt",
        CHANGE,
    ]


@pytest.mark.parametrize(
    ("propagation", "expected"),
    [
        ("private", ["make all mounts private", "mount proc on /proc"]),
        ("slave", ["make all mounts slave", "mount proc on /proc"]),
        ("shared", ["make all mounts slave", "mount proc on /proc", "make all mounts shared"]),
    ],
)
def test_propagation_never_reaches_the_host_when_it_is(
    propagation: str, expected: list[str]
) -> None:
    """A shared one is shared with the namespaces within the sandbox."""
    assert lines(Root(propagation=propagation, own=OWN)) == expected


def test_options_are_sorted_when_they_are_mixed() -> None:
    """The later of two goes before; what is not known is for the file system."""
    words = ["ro", "nosuid", "rw", "noatime", "size=5", "rslave", "mode=755", "rbind"]
    assert sort_options(words) == Options(
        mounts.NOSUID | mounts.NOATIME, mounts.RDONLY, mounts.SLAVE, ("size=5", "mode=755")
    )
    assert sort_options([]) == Options(0, 0, 0, ())
    assert sort_options(["slave"]).propagation == mounts.SLAVE
    assert sort_options(["runbindable"]).propagation == mounts.UNBINDABLE
