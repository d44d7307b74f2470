"""Priorities, CPUs and files of variables as people write them."""

from __future__ import annotations

from typing import Any

import pytest

from nsinit.model import tuning
from nsinit.model.tuning import CpuSet, Files, IoPriority, Nice, OomScore, Scheduler
from nsinit.model.types import decode_hook

READ: list[tuple[type[Any], object, object]] = [
    (Files, "a.env", ("a.env",)),
    (Files, ["a.env?", "/b"], ("a.env?", "/b")),
    (Files, [], ()),
    (Nice, -20, -20),
    (Nice, 19, 19),
    (OomScore, -1000, -1000),
    (OomScore, 1000, 1000),
    (IoPriority, "idle", (3, 0)),
    (IoPriority, "best-effort", (2, 4)),
    (IoPriority, "best-effort:0", (2, 0)),
    (IoPriority, "realtime:7", (1, 7)),
    (IoPriority, [2, 5], (2, 5)),
    (Scheduler, "other", (0, 0)),
    (Scheduler, "batch", (3, 0)),
    (Scheduler, "idle", (5, 0)),
    (Scheduler, "fifo:1", (1, 1)),
    (Scheduler, "rr:99", (2, 99)),
    (Scheduler, [1, 10], (1, 10)),
    (CpuSet, 0, (0,)),
    (CpuSet, "0-3,5", (0, 1, 2, 3, 5)),
    (CpuSet, "7, 1-2", (1, 2, 7)),
    (CpuSet, [3, 1, 3], (1, 3)),
    (CpuSet, ["0-1", 4], (0, 1, 4)),
]


@pytest.mark.parametrize(("kind", "written", "made"), READ)
def test_value_is_read_when_it_is_written_as_people_do(
    kind: type[Any], written: object, made: object
) -> None:
    """And reading what was read gives it again."""
    first = decode_hook(kind, written)
    assert first == made
    assert decode_hook(kind, first if isinstance(made, int) else list(first)) == first


REFUSED: list[tuple[type[Any], object, str]] = [
    (Files, 5, "expected a path or an array of paths, got 5"),
    (Files, "", "expected a path, got ''"),
    (Files, "?", "expected a path, got '?'"),
    (Files, ["a", 1], "expected a path, got 1"),
    (Files, {"path": "x"}, "expected a path or an array"),
    (Nice, -21, "expected a nice value from -20 to 19, got -21"),
    (Nice, 20, "from -20 to 19"),
    (Nice, "5", "got '5'"),
    (Nice, True, "got true"),
    (Nice, 1.0, "from -20 to 19"),
    (OomScore, 1001, "expected a number from -1000 to 1000, got 1001"),
    (OomScore, None, "from -1000 to 1000"),
    (IoPriority, "idle:1", 'expected "idle", "best-effort:0" to'),
    (IoPriority, "best-effort:8", "realtime:7"),
    (IoPriority, "best-effort:", "realtime:7"),
    (IoPriority, "best-effort:²", "realtime:7"),
    (IoPriority, 4, "got 4"),
    (IoPriority, [2, True], "realtime:7"),
    (IoPriority, [0, 0], "realtime:7"),
    (IoPriority, [3, 1], "realtime:7"),
    (Scheduler, "fifo", "'fifo' needs a priority from 1 to 99, such as \"fifo:10\""),
    (Scheduler, "rr:0", '"rr:1" to "rr:99"'),
    (Scheduler, "rr:100", '"rr:1" to "rr:99"'),
    (Scheduler, "batch:1", '"rr:1" to "rr:99"'),
    (Scheduler, "batch:0", '"batch" takes no priority'),
    (Scheduler, "deadline", '"rr:1" to "rr:99"'),
    (Scheduler, [1, 0], '"rr:1" to "rr:99"'),
    (Scheduler, {}, '"rr:1" to "rr:99"'),
    (CpuSet, "", "expected CPUs such as [0, 2] or \"0-3,5\", got ''"),
    (CpuSet, [], "expected CPUs"),
    (CpuSet, "3-1", "expected CPUs"),
    (CpuSet, "a", "expected CPUs"),
    (CpuSet, "0-", "expected CPUs"),
    (CpuSet, "-1", "expected CPUs"),
    (CpuSet, -1, "expected CPUs"),
    (CpuSet, "0-99999999", "expected CPUs"),
    (CpuSet, 8192, "expected CPUs"),
    (CpuSet, True, "expected CPUs"),
    (CpuSet, [[0]], "expected CPUs"),
]


@pytest.mark.parametrize(("kind", "written", "message"), REFUSED)
def test_value_is_refused_when_it_means_nothing(
    kind: type[Any], written: object, message: str
) -> None:
    """With what was expected."""
    with pytest.raises(ValueError) as caught:
        decode_hook(kind, written)
    assert message in str(caught.value)


@pytest.mark.parametrize("text", ["0", "0-3,5", "1,3,5", "0-8191"])
def test_cpus_read_back_when_written(text: str) -> None:
    """A message names them as the configuration does."""
    assert tuning.format_cpus(CpuSet.read(text)) == text
    assert tuning.format_cpus(set(CpuSet.read(text))) == text


@pytest.mark.parametrize("text", ["idle", "best-effort:0", "realtime:7"])
def test_io_priority_reads_back_when_written(text: str) -> None:
    """As it is written in the configuration."""
    first, second = IoPriority.read(text)
    assert tuning.format_io_priority((first, second)) == text


@pytest.mark.parametrize("text", ["other", "batch", "idle", "fifo:10", "rr:1"])
def test_scheduler_reads_back_when_written(text: str) -> None:
    """As it is written in the configuration."""
    first, second = Scheduler.read(text)
    assert tuning.format_scheduler((first, second)) == text
