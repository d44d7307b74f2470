"""What groups have used, from directories that look like them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from nsinit.cgroups import freezing, usage
from nsinit.cgroups.group import Branch, Group

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable, Iterator

    Make = Callable[..., Group]

PSI = "some avg10=1.50 avg60=0.00 avg300=0.00 total=2000000\n"


@pytest.fixture
def make(tmp_path: pathlib.Path) -> Iterator[Make]:
    """A group with one branch per call of `branch`: version, controllers, files."""
    fds: list[int] = []

    def group(*branches: tuple[int, str, dict[str, str]]) -> Group:
        made = []
        for index, (version, controllers, files) in enumerate(branches):
            path = tmp_path / str(index)
            path.mkdir()
            for name, text in files.items():
                (path / name).write_text(text)
            fds.append(os.open(path, os.O_RDONLY | os.O_DIRECTORY))
            names = frozenset(controllers.split())
            made.append(Branch(version, names, -1, fds[-1], str(path)))
        return Group("g", made)

    yield group
    for fd in fds:
        os.close(fd)


def test_everything_is_told_when_version_2_counts_it(make: Make) -> None:
    """Times in seconds."""
    files = {
        "cpu.stat": "usage_usec 1500000\nuser_usec 1000000\nsystem_usec 500000\n"
        "nr_periods 10\nnr_throttled 4\nthrottled_usec 250000\n",
        "cpu.max": "20000 100000\n",
        "memory.current": "4096\n",
        "memory.peak": "8192\n",
        "memory.max": "33554432\n",
        "memory.high": "max\n",
        "memory.swap.current": "0\n",
        "memory.events": "low 0\nhigh 0\nmax 3\noom 1\noom_kill 2\noom_group_kill 0\n",
        "pids.current": "3\n",
        "pids.max": "10\n",
        "io.stat": "8:0 rbytes=5 wbytes=6 rios=1 wios=2 dbytes=0 dios=0\n",
        "cpu.pressure": PSI,
        "memory.pressure": PSI + PSI.replace("some", "full"),
        "cgroup.events": "populated 1\nfrozen 1\n",
    }
    found = usage.usage(make((2, "cpu memory pids io", files)))
    assert found["cpu"] == {
        "usage": 1.5, "user": 1.0, "system": 0.5, "throttled": 0.25,
        "periods": 10, "throttled_periods": 4, "limit": 0.2,
    }  # fmt: skip
    assert found["memory"] == {
        "current": 4096, "peak": 8192, "limit": 32 << 20, "high": None, "swap": 0, "oom_kills": 2,
    }  # fmt: skip
    assert found["pids"] == {"current": 3, "peak": None, "limit": 10}
    assert found["io"] == {"read": 5, "written": 6, "reads": 1, "writes": 2}
    assert found["pressure"]["cpu"]["some"]["total"] == 2.0
    assert sorted(found["pressure"]["memory"]) == ["full", "some"]
    assert found["pressure"]["io"] is None
    assert found["frozen"]


def test_everything_is_told_when_version_1_counts_it(make: Make) -> None:
    """From as many directories as there are hierarchies; no limit is None."""
    blkio = "8:0 Read 5\n8:0 Write 6\n8:0 Total 11\nTotal 11\n"
    found = usage.usage(
        make(
            (1, "cpu", {"cpu.stat": "nr_periods 10\nnr_throttled 4\nthrottled_time 250000000\n",
                        "cpu.cfs_quota_us": "20000\n", "cpu.cfs_period_us": "100000\n"}),
            (1, "cpuacct", {"cpuacct.usage": "1500000000\n", "cpuacct.usage_user": "1000000000\n",
                            "cpuacct.usage_sys": "500000000\n"}),
            (1, "memory", {"memory.usage_in_bytes": "4096\n", "memory.max_usage_in_bytes": "8192\n",
                           "memory.limit_in_bytes": "9223372036854771712\n",
                           "memory.memsw.usage_in_bytes": "5096\n",
                           "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"}),
            (1, "pids", {"pids.current": "3\n", "pids.max": "max\n"}),
            (1, "io", {"blkio.throttle.io_service_bytes_recursive": blkio,
                       "blkio.throttle.io_serviced_recursive": blkio}),
            (1, "freezer", {"freezer.state": "FREEZING\n"}),
        )
    )  # fmt: skip
    assert found["cpu"] == {
        "usage": 1.5, "user": 1.0, "system": 0.5, "throttled": 0.25,
        "periods": 10, "throttled_periods": 4, "limit": 0.2,
    }  # fmt: skip
    assert found["memory"] == {
        "current": 4096, "peak": 8192, "limit": None, "high": None, "swap": 1000, "oom_kills": 2,
    }  # fmt: skip
    assert found["pids"] == {"current": 3, "peak": None, "limit": None}
    assert found["io"] == {"read": 5, "written": 6, "reads": 5, "writes": 6}
    assert set(found["pressure"].values()) == {None}
    assert not found["frozen"]


def test_nothing_is_known_when_no_file_is_there(make: Make) -> None:
    """Which is no error."""
    found = usage.usage(make((2, "cpu memory pids io", {})))
    left = {key: value for key, value in found["cpu"].items() if value is not None}
    assert left == {}
    assert set(found["memory"].values()) == {None}
    assert set(usage.usage(make())["io"].values()) == {None}


def test_group_of_version_1_is_frozen_when_there_is_no_version_2(
    make: Make, tmp_path: pathlib.Path
) -> None:
    """It is so once the kernel has frozen the last process."""
    group = make((1, "freezer", {"freezer.state": ""}))
    state = tmp_path / "0" / "freezer.state"
    assert freezing.can_freeze(group)
    freezing.freeze(group)
    assert state.read_text() == "FROZEN"
    assert freezing.is_frozen(group)
    state.write_text("")
    freezing.thaw(group)
    assert state.read_text() == "THAWED"


def test_group_cannot_be_frozen_when_there_is_no_file_for_it(make: Make) -> None:
    """Such as one of before Linux 5.2."""
    group = make((2, "memory", {}))
    assert not freezing.can_freeze(group)
    with pytest.raises(OSError, match="no hierarchy of it can freeze"):
        freezing.freeze(group)
    freezing.thaw(group)
    assert not freezing.is_frozen(group)


def test_all_groups_below_are_thawed_when_one_was_frozen_by_itself(
    make: Make, tmp_path: pathlib.Path
) -> None:
    """A KILL reaches nothing that is frozen in version 1."""
    group = make((1, "freezer", {"freezer.state": ""}))
    inner = tmp_path / "0" / "web.service" / "deep"
    inner.mkdir(parents=True)
    for path in (inner, inner.parent):
        (path / "freezer.state").write_text("FROZEN")
    freezing.thaw_all(group.branches[0].fd)
    assert [path.read_text() for path in sorted(tmp_path.rglob("freezer.state"))] == ["THAWED"] * 3
