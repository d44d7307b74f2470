"""What hears of output, and where it is written, within one process."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from nsinit.model.spec import Config, Log
from nsinit.runtime.console import Console
from nsinit.runtime.logs import Logs
from nsinit.runtime.outlet import Outlet
from nsinit.runtime.reactor import Reactor

if TYPE_CHECKING:
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
