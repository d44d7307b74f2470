"""The kernel's counters of what it killed for lack of memory."""

from __future__ import annotations

import os
import pathlib
from typing import TYPE_CHECKING

import pytest

from nsinit.kernel import seam
from nsinit.process import oom

if TYPE_CHECKING:
    from collections.abc import Callable

V2_GROUP = "/sys/fs/cgroup/app/memory.events"
V2_ROOT = "/sys/fs/cgroup/memory.events"
V1_GROUP = "/sys/fs/cgroup/memory/docker/x/memory.oom_control"
V1_ROOT = "/sys/fs/cgroup/memory/memory.oom_control"
EVENTS = "low 0\nhigh 7\nmax 12\noom 3\noom_kill {}\noom_group_kill 0\n"
CONTROL = "oom_kill_disable 0\nunder_oom 0\noom_kill {}\n"


@pytest.fixture
def write(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Write a file of another /proc and /sys, which the counter then sees."""

    def open_elsewhere(path: str, flags: int) -> int:
        return os.open(f"{tmp_path}{path}", flags)

    def put(path: str, text: str) -> None:
        place = pathlib.Path(f"{tmp_path}{path}")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    monkeypatch.setattr(seam, "open_fd", open_elsewhere)
    return put


@pytest.mark.parametrize(
    ("groups", "path", "text"),
    [
        ("0::/app\n", V2_GROUP, EVENTS),
        ("0::/app\n", V2_ROOT, EVENTS),  # a namespace of its own: the root is ours
        ("0::/\n", V2_ROOT, EVENTS),
        ("4:memory:/docker/x\n1:cpu:/\n0::/\n", V1_GROUP, CONTROL),
        ("4:cpuset,memory:/docker/x\n", V1_ROOT, CONTROL),
        ("4:memory:/docker/x\n", "/proc/vmstat", "pgfault 9\noom_kill {}\npgmajfault 1\n"),
        ("", "/proc/vmstat", "oom_kill {}\n"),
        ("rubbish\n\n:::::\n\xff", "/proc/vmstat", "oom_kill {}\n"),
    ],
)
def test_kill_is_counted_when_counter_rises(
    write: Callable[[str, str], None], groups: str, path: str, text: str
) -> None:
    """Once per rise, wherever the counter is."""
    write("/proc/self/cgroup", groups)
    write(path, text.format(4))
    counter = oom.OomCounter()
    assert not counter.rose()
    write(path, text.format(5))
    assert counter.rose()
    assert not counter.rose()


def test_own_group_counts_when_machine_does_too(write: Callable[[str, str], None]) -> None:
    """What the kernel kills elsewhere on the machine is not ours."""
    write("/proc/self/cgroup", "4:memory:/docker/x\n")
    write(V1_GROUP, CONTROL.format(0))
    write("/proc/vmstat", "oom_kill 100\n")
    counter = oom.OomCounter()
    write("/proc/vmstat", "oom_kill 101\n")
    assert not counter.rose()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "oom_kill\n",
        "oom_kill many\n",
        "oom_kill 1 2\n",
        "oom_kill -1\n",
        "\0\n",
        "oom_kill ²\n",
    ],
)
def test_nothing_is_counted_when_counter_is_rubbish(
    write: Callable[[str, str], None], text: str
) -> None:
    """No exception, and no claim of what is not known."""
    write("/proc/self/cgroup", "0::/app\n")
    write(V2_GROUP, text)
    counter = oom.OomCounter()
    assert not counter.rose()


def test_nothing_is_counted_when_there_is_no_proc(write: Callable[[str, str], None]) -> None:
    """Neither /proc nor /sys."""
    assert not oom.OomCounter().rose()
