"""Interfaces, in network namespaces of their own."""

from __future__ import annotations

import errno
import os
import subprocess

import pytest

from nsinit.kernel import interfaces, libc
from tests.kernel.conftest import in_child
from tests.support.live import have

pytestmark = [
    pytest.mark.usefixtures("needs_root"),
    pytest.mark.skipif(not have("ip"), reason="EngineUnavailable: ip is not installed"),
]


def _ip(*lines: str) -> None:
    for line in lines:
        subprocess.run(["ip", *line.split()], check=True)


def _errno(index: int) -> int:
    try:
        interfaces.delete(index)
    except OSError as error:
        return error.errno or 0
    return 0


def test_interfaces_are_listed_and_deleted_when_there_are_some() -> None:
    """With their bridges; a veth goes with its other end."""

    def look() -> object:
        _ip(
            "link add br0 type bridge", "link add v0 type veth peer name v1",
            "link set v0 master br0", "link set v1 address 02:00:00:00:00:07",
            "addr add 10.0.0.2/24 dev v1", "addr add fd00::2/64 dev v1", "link set v1 up",
            "link set v0 up", "link set lo up",
        )  # fmt: skip
        found = {one.name: one for one in interfaces.list_all()}
        told = interfaces.addresses()
        interfaces.delete(found["v1"].number)
        left = {one.name for one in interfaces.list_all()}
        port = found["v0"].master == found["br0"].number
        return sorted(found), found["v1"].mac, port, told, left, _errno(found["v1"].number)

    names, mac, port, told, left, number = in_child(look, libc.CLONE_NEWNET)
    assert names == ["br0", "lo", "v0", "v1"]
    assert (mac, port) == ("02:00:00:00:00:07", True)
    assert told == ["10.0.0.2/24", "fd00::2/64"]
    assert left == {"br0", "lo"}
    assert number == errno.ENODEV


def test_interface_is_elsewhere_when_it_is_moved() -> None:
    """Under another name; and whoever looked there is back."""

    def look() -> object:
        _ip("link add v0 type veth peer name v1")
        here = os.readlink("/proc/self/ns/net")
        home = os.open("/proc/self/ns/net", os.O_RDONLY)
        libc.unshare(libc.CLONE_NEWNET)
        there = os.open("/proc/self/ns/net", os.O_RDONLY)
        with interfaces.inside(home):
            (one,) = (one for one in interfaces.list_all() if one.name == "v0")
            interfaces.move(one.number, "eth0", there)
            away = sorted(one.name for one in interfaces.list_all())
        back = os.readlink("/proc/self/ns/net") != here
        return sorted(one.name for one in interfaces.list_all()), away, back

    assert in_child(look, libc.CLONE_NEWNET) == (["eth0", "lo"], ["lo", "v1"], True)
