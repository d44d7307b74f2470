"""What the kernel says, or something that stands in for it: /proc, cgroups, netlink, inotify."""

from __future__ import annotations

import struct
from typing import Final

from nsinit.cgroups import counters
from nsinit.kernel import cgroups, conntrack, inotify, mountinfo, netlink, nftables, proc, rtnetlink
from nsinit.sandbox import users
from scripts.fuzzing.target import Target, text_of, words_of

_STAT: Final = (
    b"1 (a b) (c)) Z 7 8 9 0 -1 4194560 100 0 0 0 1 2 3 4 20 0 1 0 55 1000 200 18446744073709551615"
)
_MOUNTS: Final = b"""\
36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
29 25 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate
31 29 0:27 /a\\040b\\134 /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory
32 29 0:28 / /x unbindable propagate_from:2 - cgroup cgroup rw,name=systemd
"""
_GROUPS: Final = b"12:memory:/user/a\n3:cpu,cpuacct:/\n1:name=systemd:/x\n0::/user.slice\n"
_COUNTERS: Final = b"""\
usage_usec 12
max 100000
some avg10=0.00 avg60=1.50 avg300=0.00 total=123
full avg10=0.00 total=18446744073709551615
8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0
8:0 Read 4096
oom_kill 1
"""


def _mounts(data: bytes) -> None:
    for mount in mountinfo.parse(text_of(data)):
        assert "\n" not in mount.kind


def _cgroups(data: bytes) -> None:
    head, _, tail = text_of(data).partition("\n\n")
    for place in cgroups.find_places(mountinfo.parse(tail), cgroups.parse_memberships(head)):
        assert place.version in (1, 2)


def _counters(data: bytes) -> None:
    text = data.decode("utf-8", "replace")  # as a file of a group is read
    for read in (counters.number, counters.table, counters.quota, counters.pressure):
        read(text)
    counters.transfers(text)
    counters.operations(text)


def _stat(data: bytes) -> None:
    found = proc.parse_stat(data)
    assert found is None or found.pid >= 0


def _netlink(data: bytes) -> None:
    for _, content in netlink.messages(data):
        for value in netlink.attributes(content).values():
            netlink.attributes(value)
    nftables._comment(data)  # noqa: SLF001  (what is in a table of anybody's)
    conntrack._udp_port(data)  # noqa: SLF001  (the same)
    if len(data) >= netlink.HEADER.size:
        rtnetlink._words_of_kernel(data)  # noqa: SLF001  (the same)


def _inotify(data: bytes) -> None:
    for event in inotify.parse(data):
        assert "\0" not in event.name


def _own_ids(data: bytes) -> None:
    users.parse_own_ids(text_of(data))


def _message(kind: int, *attributes: bytes) -> bytes:
    body = b"".join(attributes)
    return netlink.HEADER.pack(netlink.HEADER.size + len(body), kind, 0x300, 1, 0) + body


def _netlink_seeds() -> list[bytes]:
    name = netlink.attribute(1, b"eth0\0")
    inner = netlink.attribute(
        0x8002, netlink.attribute(1, b"\x11") + netlink.attribute(3, b"\0\x35")
    )
    return [_message(16, name, inner), _message(2, struct.pack("=i", -1)), _message(3), inner]


def _inotify_seeds() -> list[bytes]:
    row = struct.pack("=iIII", 1, 0x100, 0, 16) + b"name".ljust(16, b"\0")
    return [row, row + struct.pack("=iIII", -1, 0x4000, 0, 0)]


TARGETS: Final = (
    Target(
        "proc-stat", _stat, ("nsinit.kernel.proc",), words=words_of(") Z -1 ( 18446744073709551615"),
        seeds=lambda: [_STAT], most=1024,
    ),
    Target(
        "mountinfo", _mounts, ("nsinit.kernel.mountinfo",),
        words=(b" - ", b"\\040", b"\\134", b"\\999", b"\\7", b"cgroup2", b"shared:1", b"rw,"),
        seeds=lambda: [_MOUNTS],
    ),
    Target(
        "cgroup-places", _cgroups, ("nsinit.kernel.cgroups", "nsinit.kernel.mountinfo"),
        words=(b"::/", b"name=", b"/..", b"memory", b"cgroup", b"\n\n", b" - "),
        seeds=lambda: [_GROUPS + b"\n" + _MOUNTS],
    ),
    Target(
        "cgroup-counters", _counters, ("nsinit.cgroups.counters",),
        words=words_of("max avg10= total= some full rbytes= Read Write nan inf 1e9 0.0.0"),
        seeds=lambda: [_COUNTERS, b"max\n", b"4096\n", b"20000 100000\n"],
    ),
    Target(
        "netlink", _netlink,
        ("nsinit.kernel.netlink", "nsinit.kernel.rtnetlink", "nsinit.kernel.nftables",
         "nsinit.kernel.conntrack"),
        seeds=_netlink_seeds,
    ),
    Target("inotify", _inotify, ("nsinit.kernel.inotify",), seeds=_inotify_seeds),
    Target(
        "own-ids", _own_ids, ("nsinit.sandbox.users",),
        seeds=lambda: [b"         0          0 4294967295\n", b"0 1000 1\n1 100000 65536\n"],
    ),
)  # fmt: skip
