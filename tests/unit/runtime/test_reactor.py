"""Waiting for descriptors, without a loop and with one."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from nsinit.runtime.reactor import Reactor

if TYPE_CHECKING:
    from collections.abc import Callable


def _fail(error: BaseException) -> None:
    pytest.fail(repr(error))


def _ready_pipes(count: int) -> list[tuple[int, int]]:
    made = [os.pipe() for _ in range(count)]
    for _, writer in made:
        os.write(writer, b"x")
    return made


def test_callback_is_not_called_when_its_number_was_another_s() -> None:
    """What one callback closes, and what gets its number, is not ready for what came before."""
    reactor, called = Reactor(_fail), list[str]()
    (one, end), (other, other_end) = _ready_pipes(2)

    def begin_anew(mine: int, theirs: int) -> Callable[[], None]:
        def callback() -> None:
            called.append("old")
            for fd in (mine, theirs):
                reactor.remove_reader(fd)
            os.close(theirs)
            empty, writer = os.pipe()  # the lowest number that is free
            assert empty == theirs
            reactor.add_reader(empty, lambda: called.append("new"))
            opened.extend((empty, writer))

        return callback

    opened: list[int] = []
    reactor.add_reader(one, begin_anew(one, other))
    reactor.add_reader(other, begin_anew(other, one))
    reactor.turn(1)
    reactor.turn(0)
    assert called == ["old"]
    os.write(opened[1], b"x")
    reactor.turn(1)
    assert called == ["old", "new"]
    for fd in {
        one,
        other,
        end,
        other_end,
        *opened,
    }:  # one of the first two is closed, and open anew
        os.close(fd)


def test_descriptor_is_read_and_written_when_both_are_wanted() -> None:
    """Each until it is not wanted any more."""
    reactor, called = Reactor(_fail), list[str]()
    one, other = socket.socketpair()
    with one, other:
        reactor.add_reader(one.fileno(), lambda: called.append("read"))
        reactor.add_writer(one.fileno(), lambda: called.append("write"))
        other.send(b"x")
        reactor.turn(1)
        reactor.remove_writer(one.fileno())
        reactor.remove_writer(one.fileno())
        reactor.turn(1)
        reactor.remove_reader(one.fileno())
        reactor.turn(0)
        assert called == ["read", "write", "read"]


def test_many_are_called_when_the_loop_waits_for_them() -> None:
    """More than are taken at once; the loop itself has one descriptor to look at."""
    reactor, called = Reactor(_fail), set[int]()
    pipes = _ready_pipes(300)

    def read(fd: int) -> None:
        os.read(fd, 1)
        called.add(fd)
        if len(called) == len(pipes):
            loop.stop()

    for fd, _ in pipes:
        reactor.add_reader(fd, lambda fd=fd: read(fd))  # type: ignore[misc]  # of its own fd
    loop = asyncio.new_event_loop()
    try:
        reactor.attach(loop)
        loop.call_later(20, loop.stop)
        loop.run_forever()
    finally:
        loop.close()
        for reader, writer in pipes:
            os.close(reader)
            os.close(writer)
    assert len(called) == len(pipes)


def test_whoever_asks_is_told_when_a_descriptor_can_not_be_waited_for() -> None:
    """A file of a disk always has something to read; and it may ask again."""
    reactor = Reactor(_fail)
    with open(__file__) as file:
        for _ in range(2):
            with pytest.raises(PermissionError):
                reactor.add_reader(file.fileno(), lambda: None)
    reactor.turn(0)


def _until(what: Callable[[], object], reactor: Reactor) -> None:
    until = time.monotonic() + 20
    while not what():
        assert time.monotonic() < until
        reactor.turn(0.05)


@pytest.mark.parametrize("how", ["soon", "later"])
def test_what_is_called_once_is_called_again_when_it_raised(how: str) -> None:
    """What it was to do is still to be done; the error is told each time."""
    told: list[BaseException] = []
    reactor, calls = Reactor(told.append), list[int]()

    def callback() -> None:
        calls.append(1)
        if len(calls) < 3:
            raise RuntimeError

    if how == "soon":
        reactor.soon(callback)
    else:
        reactor.later(0.01, callback)
    _until(lambda: len(calls) == 3, reactor)
    assert [type(error) for error in told] == [RuntimeError, RuntimeError]


def test_reader_is_called_now_and_then_when_it_keeps_raising() -> None:
    """With a pause between, and none when it goes well again."""
    told: list[BaseException] = []
    reactor, calls = Reactor(told.append), list[float]()
    ((reader, writer),) = _ready_pipes(1)

    def callback() -> None:
        calls.append(time.monotonic())
        if len(calls) < 3:
            raise MemoryError
        os.read(reader, 1)

    reactor.add_reader(reader, callback)
    _until(lambda: len(calls) == 3, reactor)
    assert min(b - a for a, b in pairwise(calls)) >= 0.15
    assert len(told) == 2
    reactor.remove_reader(reader)
    os.close(reader)
    os.close(writer)


def test_late_calls_are_made_when_the_loop_has_ended_before() -> None:
    """Also the one that wakes up a reader which has raised: init reaps and stops without a loop."""
    told: list[BaseException] = []
    reactor, calls, heard = Reactor(told.append), list[str](), asyncio.Event()
    ((reader, writer),) = _ready_pipes(1)

    def callback() -> None:
        calls.append("reader")
        if calls.count("reader") == 1:
            heard.set()
            raise RuntimeError
        os.read(reader, 1)

    async def turn() -> None:
        reactor.attach(asyncio.get_running_loop())
        reactor.add_reader(reader, callback)
        reactor.later(0.05, lambda: calls.append("late"))
        await heard.wait()

    asyncio.run(turn())
    reactor.detach()
    _until(lambda: calls.count("reader") == 2, reactor)
    assert sorted(calls) == ["late", "reader", "reader"]
    reactor.remove_reader(reader)
    os.close(reader)
    os.close(writer)
