"""What each key writes, in both versions."""

from __future__ import annotations

import pytest

from nsinit.cgroups.here import Spot, Spots, lacking
from nsinit.cgroups.settings import settings
from nsinit.errors import ConfigError
from nsinit.model.decode import decode
from nsinit.model.report import Report, Source
from nsinit.model.resources import UNLIMITED, Resources

ALL = ("cpu", "cpuset", "memory", "pids", "io")
ONE = (*ALL, "devices")  # which is none in version 2


def read(**keys: object) -> Resources:
    """The resources that were written so."""
    report = Report([Source("n.toml", "", {})])
    made = decode(keys, Resources, ("sandbox", "resources"), report)
    report.raise_if_wrong()
    return made


def writes(resources: Resources, version: int, before: Resources | None = None) -> list[str]:
    """Each as "file text", with the last of the files that may be meant."""
    versions = dict.fromkeys(ONE if version == 1 else ALL, version)
    found = settings(resources, versions, lambda name: f"<{name}>", before)
    return [f"{one.files[0]} {one.text}" for one in found]


LIMITS = {"weight": 50, "limits": [{"device": "/d", "read": "1M", "write_ops": 7}]}


@pytest.mark.parametrize(
    ("keys", "one", "two"),
    [
        ({"cpu": "20%"}, ["cpu.cfs_period_us 100000", "cpu.cfs_quota_us 20000"],
            ["cpu.max 20000 100000"]),
        ({"cpu": 2}, ["cpu.cfs_period_us 100000", "cpu.cfs_quota_us 200000"],
            ["cpu.max 200000 100000"]),
        ({"cpu": 0.01}, ["cpu.cfs_period_us 100000", "cpu.cfs_quota_us 1000"],
            ["cpu.max 1000 100000"]),
        ({"cpu_weight": 100}, ["cpu.shares 1024"], ["cpu.weight 100"]),
        ({"cpu_weight": 1}, ["cpu.shares 10"], ["cpu.weight 1"]),
        ({"cpu_weight": 10_000}, ["cpu.shares 102400"], ["cpu.weight 10000"]),
        ({"cpuset": "0-2,5"}, ["cpuset.cpus 0-2,5"], ["cpuset.cpus 0-2,5"]),
        ({"memory": "1M", "swap": 0},
            ["memory.limit_in_bytes 1048576", "memory.memsw.limit_in_bytes 1048576"],
            ["memory.max 1048576", "memory.swap.max 0"]),
        ({"memory_high": "1M"}, [], ["memory.high 1048576"]),
        ({"swap": "1K"}, [], ["memory.swap.max 1024"]),
        ({"pids": 5}, ["pids.max 5"], ["pids.max 5"]),
        ({"device_access": []}, ["devices.deny a"], []),
        ({"device_access": ["b *:0 mr", "c 1:3 rwm", "b *:0 rm"]},
            ["devices.deny a", "devices.allow b *:0 rm", "devices.allow c 1:3 rwm"], []),
        ({"device_access": "a *:* rwm"}, ["devices.deny a", "devices.allow a *:* rwm"], []),
        ({"io": LIMITS},
            ["blkio.weight 50", "blkio.throttle.read_bps_device </d> 1048576",
                "blkio.throttle.write_iops_device </d> 7"],
            ["io.weight default 50", "io.max </d> rbps=1048576 wbps=max riops=max wiops=7"]),
    ],
)  # fmt: skip
def test_limit_is_written_when_it_is_given(
    keys: dict[str, object], one: list[str], two: list[str]
) -> None:
    """In the words of each version; what it has no word for is left out."""
    assert writes(read(**keys), 1) == one
    assert writes(read(**keys), 2) == two


def test_defaults_are_written_when_limits_are_given_up() -> None:
    """Those of the kernel."""
    limits = {"cpu": 1, "cpu_weight": 5, "cpuset": "0", "memory": "1M", "swap": 0, "pids": 5}
    before = read(io=LIMITS, device_access="default", **limits)
    assert writes(UNLIMITED, 2, before) == [
        "cpu.max max 100000", "cpu.weight 100", "cpuset.cpus ", "memory.max max",
        "memory.swap.max max", "pids.max max", "io.weight default 100",
        "io.max </d> rbps=max wbps=max riops=max wiops=max",
    ]  # fmt: skip
    assert writes(UNLIMITED, 1, before) == [
        "cpu.cfs_period_us 100000", "cpu.cfs_quota_us -1", "cpu.shares 1024", "cpuset.cpus ",
        "memory.limit_in_bytes -1", "memory.memsw.limit_in_bytes -1", "pids.max max",
        "blkio.weight 100", "blkio.throttle.read_bps_device </d> 0",
        "blkio.throttle.write_iops_device </d> 0", "devices.allow a",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["", "c", "c 1:3", "c 1:3 x", "c 1:3 rr", "d 1:3 r", "a 1:3 r", "c 1 r", "c :1 r", 5]
)
def test_rule_of_devices_is_refused_when_it_is_none(text: object) -> None:
    """With one that is."""
    with pytest.raises(ConfigError) as caught:
        read(device_access=["default", text])
    assert 'expected "default" or a rule such as "c 10:229 rwm"' in str(caught.value.problems[0])


def test_lack_is_told_when_a_key_can_not_be_set() -> None:
    """Why not, and what helps; nothing for what can be."""
    spots = Spots((
        Spot(1, frozenset({"memory"}), "/nowhere/m"),
        Spot(1, frozenset({"cpu"}), "/c", why="/c is mounted read-only"),
        Spot(2, frozenset({"pids"}), "/u", asleep=frozenset({"io"})),
    ))  # fmt: skip
    wished = read(cpu=1, cpuset="0", memory="1M", memory_high="1M", pids=3, io={"weight": 5})
    assert {lack.key: (lack.why, lack.hint) for lack in lacking(wished, spots)} == {
        "cpu": ("/c is mounted read-only", "resources_optional = true does without"),
        "cpuset": ("there is no cgroup controller cpuset here",
            "see /proc/cgroups; resources_optional = true does without"),
        "memory_high": ("there is no such limit in cgroup version 1",
            "use memory; or resources_optional = true does without"),
        "io.weight": ("the controller io can't be enabled in /u", ("others are in it: run "
            "nsinit alone in a cgroup, as systemd-run --scope does; resources_optional = true does "
            "without")),
    }  # fmt: skip
