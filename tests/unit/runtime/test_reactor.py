"""Waiting for descriptors, without a loop and with one."""

from __future__ import annotations

import asyncio
import os
import socket
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
