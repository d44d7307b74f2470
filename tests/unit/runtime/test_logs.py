"""What hears of output, and where it is written, within one process."""

from __future__ import annotations

import fcntl
import os
import tracemalloc
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from nsinit.kernel import seam
from nsinit.model.spec import Config, Log
from nsinit.model.types import Size
from nsinit.runtime.console import Console
from nsinit.runtime.logs import Logs
from nsinit.runtime.outlet import Outlet
from nsinit.runtime.reactor import Reactor
from nsinit.runtime.stream import BUFFER

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator

    from nsinit.runtime.ring import Record


@pytest.fixture
def logs() -> Iterator[Logs]:
    """With /dev/null as the console."""
    null = os.open(os.devnull, os.O_RDWR)
    reactor = Reactor(lambda error: pytest.fail(repr(error)))
    out = Outlet(null, "stdout", reactor)
    yield Logs(reactor, Console(out, out, Config(), {}))
    os.close(null)


def test_all_hear_a_line_when_one_of_them_leaves_at_it(logs: Logs) -> None:
    """As a client does that is too slow: the one behind it misses nothing."""
    heard: list[Record] = []

    def leave(_: Record) -> None:
        logs.listeners.remove(leave)

    logs.listeners += [leave, heard.append]
    ends = logs.open(("a", 1, ""), Log(), None)
    os.write(ends.stdout, b"one\n")
    logs.drain(("a", 1, ""))
    assert [record.block.data for record in heard] == [b"one\n"]
    for fd in ends.ours:
        os.close(fd)
    logs.finish(("a", 1, ""))


def test_pipe_is_larger_when_its_service_writes_a_lot(logs: Logs) -> None:
    """Pieces that fill no page leave room in a full pipe; a quiet service's stays as it was."""
    key = ("a", 1, "")
    ends = logs.open(key, Log(), None)
    os.set_blocking(ends.stdout, False)
    sizes = [fcntl.fcntl(ends.stdout, fcntl.F_GETPIPE_SZ)]
    for size in (1000, 1000, 60_000, 200_000):
        for _ in range(size // 1000):
            os.write(ends.stdout, b"x" * 999 + b"\n")
        logs.drain(key)
        sizes.append(fcntl.fcntl(ends.stdout, fcntl.F_GETPIPE_SZ))
    assert sizes == [64 << 10] * 3 + [256 << 10, 1 << 20]
    for fd in ends.ours:
        os.close(fd)
    logs.finish(key)


def test_calls_are_few_and_memory_small_when_a_service_writes_a_lot(
    logs: Logs, tmp_path: pathlib.Path
) -> None:
    """4 reads and 4 writes for each MiB; what is kept is what the ring may have."""
    key, count = ("a", 1, ""), 16
    log = Log(file=str(tmp_path / "x"), max_size=Size(0))
    logs.outputs.start = lambda program, ended: 0
    ends = logs.open(key, log, None)
    written = (b"x" * 99 + b"\n") * ((1 << 20) // 100)
    for filling in (b"y" * 50_000 + b"\n", b"y" * 200_000 + b"\n"):
        os.write(ends.stdout, filling)
        logs.drain(key)
    calls: Counter[str] = Counter()
    seam.inject(lambda name: calls.update([name]))
    tracemalloc.start()
    try:
        for _ in range(count):
            os.write(ends.stdout, written)
            logs.drain(key)
        now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        seam.inject(None)
    assert (tmp_path / "x").stat().st_size == 250_002 + count * len(written)
    assert calls["read"] <= 6 * count  # the last of each stream finds nothing
    assert calls["write"] <= 4 * count
    assert sum(calls.values()) <= 11 * count
    assert now < 1.5 * (256 << 10)
    assert peak < 3 * BUFFER
    for fd in ends.ours:
        os.close(fd)
    logs.finish(key)
