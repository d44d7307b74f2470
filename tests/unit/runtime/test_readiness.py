"""Services that tell by a line or by a newline."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import pytest

from nsinit.core import messages as m
from nsinit.model.spec import Ready
from nsinit.runtime.lines import Block, LineCutter
from nsinit.runtime.reactor import Reactor
from nsinit.runtime.readiness import Readiness
from nsinit.runtime.ring import Record

if TYPE_CHECKING:
    from collections.abc import Callable


class World:
    """Readiness with a reactor, and somebody else who listens to lines."""

    def __init__(self) -> None:
        self.told: list[m.Event] = []
        self.seen: list[Record] = []
        self.early: list[Callable[[Record], object]] = []
        self.reactor = Reactor(lambda error: pytest.fail(repr(error)))
        self.outputs = self
        self.warned: list[str] = []
        logs: Any = self
        self.readiness = Readiness(self.reactor, logs, self.told.append)

    def line(self, block: Block, service: str = "a", run: int = 1) -> None:
        """Output of a service."""
        for listener in self.early:
            listener(Record(1, 0.0, service, run, "stdout", block))

    def tell(self, _: str, text: str) -> None:
        """Instead of nsinit's own lines."""
        self.warned.append(text)

    def turns(self) -> list[m.Event]:
        """What has been told by now."""
        for _ in range(2):
            self.reactor.turn(0)
        return self.told


def test_line_is_found_when_it_comes_in_pieces() -> None:
    """And is told once, a turn later; those who listen too miss nothing."""
    world, cutter = World(), LineCutter(4096)
    world.readiness.open("a", 1, Ready(log=r"^ready (\d+)$"))
    world.early.append(world.seen.append)
    for piece in (b"not rea", b"dy 5\nrea", b"dy ", b"7\r", b"\nready 8\n"):
        for block in cutter.feed(piece):
            world.line(block)
    assert world.told == []
    assert world.turns() == [m.Ready("a", 1)]
    assert len(world.seen) == 2
    assert world.early == [world.seen.append]


def test_line_means_nothing_when_it_is_of_another_run() -> None:
    """Or of another service, or far beyond the beginning of its line."""
    world = World()
    world.readiness.open("a", 2, Ready(log="^ready"))
    world.line(Block(b"ready\n"), run=1)
    world.line(Block(b"ready\n"), service="b", run=2)
    world.line(Block(b"ready\n", continues=True), run=2)
    world.line(Block(b" " * 3000 + b"ready\n"), run=2)
    assert world.turns() == []
    world.readiness.close("a", 2)
    assert world.early == []


@pytest.mark.parametrize(
    ("data", "ready"),
    [(b"\n", True), (b"ok\n", True), (b"x" * 10_000 + b"\n", True), (b"x" * 10_000, False)],
)
def test_newline_means_ready_when_it_comes_on_the_descriptor(data: bytes, ready: bool) -> None:
    """Whatever stands before it; the end of it alone says nothing. Nothing stays open."""
    world = World()
    before = len(os.listdir("/proc/self/fd"))
    ((theirs, ours),) = world.readiness.open("a", 1, Ready(fd=7)).items()
    assert theirs == 7
    os.write(ours, data)
    os.close(ours)
    for _ in range(4):
        world.turns()
    assert world.told == ([m.Ready("a", 1)] if ready else [])
    assert len(os.listdir("/proc/self/fd")) == before


def test_what_was_told_is_heard_when_time_is_up() -> None:
    """Without another turn of the loop."""
    world = World()
    ((_, ours),) = world.readiness.open("a", 1, Ready(fd=3)).items()
    os.write(ours, b"\n")
    world.readiness.drain("a", 1)
    assert world.told == [m.Ready("a", 1)]
    os.close(ours)
    assert world.turns() == [m.Ready("a", 1)]


def test_nothing_is_listened_to_when_the_run_is_over() -> None:
    """Its descriptor is closed, twice does no harm."""
    world = World()
    ((_, ours),) = world.readiness.open("a", 1, Ready(fd=3)).items()
    world.readiness.close("a", 1)
    world.readiness.close("a", 1)
    with pytest.raises(BrokenPipeError):
        os.write(ours, b"\n")
    os.close(ours)


def test_pattern_is_given_up_when_a_line_takes_for_ever() -> None:
    """Init goes on, says so, and does not look for it again."""
    world = World()
    world.readiness.open("a", 1, Ready(log=r"^(a|a)*$"))
    begun = time.thread_time()
    world.line(Block(b"a" * 2000 + b"b\n"))
    world.line(Block(b"aa\n"))
    assert world.turns() == []
    assert time.thread_time() - begun < 5
    assert world.early == []
    assert world.warned == [
        "a: its ready.log takes too long on what it writes: no line makes this run ready"
    ]
