"""A terminal of init's: its output with the newlines of a log, and what is typed."""

from __future__ import annotations

import os
import tty
from typing import TYPE_CHECKING

import pytest

from nsinit.runtime.reactor import Reactor
from nsinit.runtime.terminals import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def reactor() -> Reactor:
    """One without a loop."""

    def raises(error: BaseException) -> None:
        raise error

    return Reactor(raises)


@pytest.fixture
def terminal(reactor: Reactor) -> Iterator[Terminal]:
    """A new one."""
    made = Terminal.make(reactor, None)
    yield made
    made.close()
    os.close(made.master)


@pytest.mark.parametrize(
    ("pieces", "logged"),
    [
        ([b"a\r\nb\r\n"], b"a\nb\n"),
        ([b"a\r", b"\nb"], b"a\nb"),
        ([b"a\r", b"b\r", b"\r", b"\n"], b"a\rb\r\n"),
        ([b"50%\r60%\r"], b"50%\r60%"),
        ([b"a\nb\n\r"], b"a\nb\n"),
    ],
)
def test_newlines_are_those_of_a_log_when_it_is_heard(
    terminal: Terminal, pieces: list[bytes], logged: bytes
) -> None:
    """Whoever watches gets it as it is."""
    seen: list[bytes] = []
    terminal.listeners.append(seen.append)
    assert b"".join(map(terminal.heard, pieces)) == logged
    assert seen == pieces
    rest = logged.rpartition(b"\n")[2]
    wanted = b"".join(pieces).replace(b"\r\n", b"\n").rpartition(b"\n")[2]
    assert terminal.unfinished(rest) == wanted


def test_typing_waits_when_nobody_reads(terminal: Terminal, reactor: Reactor) -> None:
    """Who typed it is told when it is taken; it is all there then, in order."""
    tty.setraw(terminal.slave)
    told: list[str] = []
    data = os.urandom(300_000)
    assert terminal.type(b"first", lambda: told.append("never"))
    assert not terminal.type(data, lambda: told.append("one"))
    assert not terminal.type(b"last", lambda: told.append("two"))
    reactor.turn(0)
    assert told == []
    seen = b""
    while len(seen) < len(data) + 9:
        seen += os.read(terminal.slave, 65536)
        reactor.turn(0)
    assert seen == b"first" + data + b"last"
    assert told == ["one", "two"]
    assert terminal.type(b"more", lambda: told.append("never"))


def test_ends_are_told_once_when_it_is_closed(reactor: Reactor) -> None:
    """To whoever has not gone before; what waited is gone."""
    terminal = Terminal.make(reactor, None)
    tty.setraw(terminal.slave)  # else the kernel takes more than a line can hold, and drops it
    told: list[str] = []
    seen: list[bytes] = []

    def one() -> None:
        told.append("one")

    def two() -> None:
        told.append("two")

    for end in (one, two):
        terminal.listeners.append(seen.append)
        terminal.on_end.append(end)
    terminal.forget(seen.append, one)
    assert not terminal.type(b"x" * 100_000, lambda: told.append("never"))
    terminal.close()
    os.close(terminal.master)
    reactor.turn(0)
    assert told == ["two"]
