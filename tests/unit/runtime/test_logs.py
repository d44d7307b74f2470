"""What hears of output, and where it is written, within one process."""

from __future__ import annotations

import fcntl
import os
import select
import tracemalloc
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from nsinit.kernel import fds, seam
from nsinit.model.spec import Config, Log, StderrLog
from nsinit.model.types import Sinks, Size
from nsinit.runtime.console import Console
from nsinit.runtime.logs import Logs
from nsinit.runtime.outlet import Outlet
from nsinit.runtime.reactor import Reactor
from nsinit.runtime.stream import BUFFER

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator

    from nsinit.runtime.ring import Record
    from nsinit.runtime.stream import Stream


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


def _is_held(reader: int) -> bool:
    """Whether anybody can still write to that pipe."""
    poll = select.poll()
    poll.register(reader, select.POLLIN)
    return not any(what & select.POLLHUP for _, what in poll.poll(0))


def _pipes(logs: Logs, run: int | None = None) -> list[Stream]:
    return [
        stream
        for key, streams in logs._streams.items()
        for stream in streams
        if run in (None, key[1])
    ]


def _turn(logs: Logs) -> None:
    """One turn of the loop, and what it has put off."""
    for _ in range(3):
        logs._reactor.turn(0)


def test_pipes_are_those_of_the_run_before_when_nothing_of_it_is_left(logs: Logs) -> None:
    """What each writes is its own, and what one does to its pipe is no matter to the next."""
    heard: list[Record] = []
    logs.listeners.append(heard.append)
    first = logs.open(("a", 2, ""), Log(), None, again=True)
    os.set_blocking(first.stdout, False)
    os.fchmod(first.stdout, 0)
    os.write(first.stdout, b"no end")
    logs.finish(("a", 2, ""), empty=True)
    second = logs.open(("a", 3, ""), Log(), None, again=True)
    assert (second, second.ours) == (first, ())
    assert os.get_blocking(second.stdout)
    assert os.fstat(second.stdout).st_mode & 0o777 == 0o622
    _turn(logs)
    assert all(_is_held(stream.fd) for stream in _pipes(logs, 3))
    os.write(second.stdout, b"two\n")
    _turn(logs)
    rows = [(record.run, record.block.data) for record in heard]
    assert rows == [(2, b"no end\n"), (3, b"two\n")]
    logs.finish(("a", 3, ""))


@pytest.mark.parametrize(
    ("empty", "log", "owner"),
    [
        (False, Log(), None),
        (True, Log(stderr=StderrLog(to=Sinks(("null",)))), None),
        (True, Log(), os.getuid()),
    ],
)
def test_pipes_are_new_when_those_before_would_not_do(
    logs: Logs, empty: bool, log: Log, owner: int | None
) -> None:
    """Somebody may hold them, or they are not what is wanted; then they end as any do."""
    logs.open(("a", 2, ""), Log(), None, again=True)
    before = _pipes(logs)
    assert all(_is_held(stream.fd) for stream in before)
    logs.finish(("a", 2, ""), empty=empty)
    logs.open(("a", 3, ""), log, owner, again=True)
    assert not {stream.fd for stream in before} & {stream.fd for stream in _pipes(logs, 3)}
    _turn(logs)
    assert not _pipes(logs, 2)
    logs.finish(("a", 3, ""))


def test_pipes_end_when_no_run_begins_in_the_same_turn(logs: Logs) -> None:
    """Also those that init does not read from yet, as of a program that can't be executed."""
    before = len(os.listdir("/proc/self/fd"))
    logs.open(("a", 2, ""), Log(), None, again=True)
    logs.finish(("a", 2, ""), empty=True)
    _turn(logs)
    assert not _pipes(logs)
    assert len(os.listdir("/proc/self/fd")) <= before  # others may be collected


def test_pipes_are_not_kept_when_a_service_has_never_ended(logs: Logs) -> None:
    """Most never do, and descriptors are copied for each child that is made."""
    ends = logs.open(("a", 1, ""), Log(), None, again=True)
    assert set(ends.ours) == {ends.stdout, ends.stderr}
    for fd in ends.ours:
        os.close(fd)
    _turn(logs)
    assert not _pipes(logs)


def test_all_pipes_are_let_go_when_descriptors_are_short(
    logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Init then has for each service what it has had without."""
    logs.open(("a", 2, ""), Log(), None, again=True)
    monkeypatch.setattr(fds, "is_common", lambda _: False)
    other = logs.open(("b", 2, ""), Log(), None, again=True)
    assert all(stream.writer < 0 for stream in _pipes(logs))
    for fd in other.ours:
        os.close(fd)
    logs.finish(("a", 2, ""), empty=True)
    ends = logs.open(("a", 3, ""), Log(), None, again=True)
    for fd in ends.ours:
        os.close(fd)
    _turn(logs)
    assert not _pipes(logs)


def test_no_descriptor_stays_when_pipes_are_used_again_and_again(
    logs: Logs, tmp_path: pathlib.Path
) -> None:
    """The file that they lead to is opened for each run, and closed after it."""
    log = Log(to=Sinks(("file",)), file=str(tmp_path / "log"))
    logs.outputs.start = lambda *_: 0
    before = len(os.listdir("/proc/self/fd"))
    for run in range(2, 6):
        ends = logs.open(("a", run, ""), log, None, again=True)
        os.write(ends.stdout, b"%d\n" % run)
        _turn(logs)
        logs.finish(("a", run, ""), empty=True)
    _turn(logs)
    assert len(os.listdir("/proc/self/fd")) <= before  # others may be collected
    assert (tmp_path / "log").read_bytes() == b"2\n3\n4\n5\n"
