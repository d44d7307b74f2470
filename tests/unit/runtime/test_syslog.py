"""A syslog daemon that refuses what it gets, and one that goes in the middle of a message."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from nsinit.model.syslog import SyslogRules
from nsinit.runtime.reactor import Reactor
from nsinit.runtime.syslog import Syslog
from nsinit.runtime.tally import Tally

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable

RULES = SyslogRules("", rfc5424=False, priority=30)


def _fail(error: BaseException) -> None:
    pytest.fail(repr(error))


@pytest.fixture
def tally() -> Tally:
    """Of one stream."""
    return Tally("a", ("stdout", "syslog"))


def test_message_is_counted_when_no_datagram_is_taken(
    tmp_path: pathlib.Path, tally: Tally, fail: Callable[[str], None]
) -> None:
    """Not even the one that tells of the loss; that is no reason to go on for ever."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        daemon.bind(str(tmp_path / "log"))
        one = Syslog(str(tmp_path / "log"), Reactor(_fail), lambda *_: None)
        fail("write:EMSGSIZE")
        one.write(RULES, [b"too long", b"too"], tally)
        assert (tally.bytes, tally.dropped, one.dropped, one.unsent) == (11, 11, 11, 0)
        fail("")
        one.write(RULES, [b"short"], tally)
        assert daemon.recv(100) == b"short"
        one.hang_up()


def test_message_is_sent_again_when_the_stream_broke_within_it(
    tmp_path: pathlib.Path, tally: Tally
) -> None:
    """Whole, and with all that come after it; only what the kernel had taken may be gone."""
    reactor, path = Reactor(_fail), str(tmp_path / "log")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as daemon:
        daemon.bind(path)
        daemon.listen()
        one = Syslog(f"unix:{path}", reactor, lambda *_: None)
        wanted = [b"%05d " % number + b"x" * 9000 for number in range(90)]
        one.write(RULES, list(wanted), tally)
        first = daemon.accept()[0]
        assert len(first.recv(1000)) == 1000
        first.close()
        daemon.settimeout(0.0)
        second, got = None, b""
        while not got.endswith(wanted[-1] + b"\0"):
            reactor.turn(1.0)
            if second is None:
                try:
                    second = daemon.accept()[0]
                except BlockingIOError:
                    continue
                second.settimeout(0.05)
            try:
                got += second.recv(1 << 20)
            except TimeoutError:
                continue
        one.hang_up()
        assert second is not None
        second.close()
    messages = got.split(b"\0")[:-1]
    assert 0 < len(messages) < 90
    assert messages == wanted[-len(messages) :]
    assert (tally.dropped, one.unsent) == (0, 0)


def test_others_have_their_turn_when_a_block_has_very_many_lines(tally: Tally) -> None:
    """Whoever takes datagrams never makes the sender wait; in the end all of them were sent."""
    reactor, told = Reactor(_fail), list[str]()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        address = f"udp:127.0.0.1:{daemon.getsockname()[1]}"
        one = Syslog(address, reactor, lambda _, text: told.append(text))
        one.write(RULES, [b"%04d" % number for number in range(4000)], tally)
        left = [one.unsent]
        while one.unsent:
            reactor.turn(1.0)
            left.append(one.unsent)
        assert left == [12_000, 8000, 4000, 0]
        assert daemon.recv(100) == b"0000"
        reactor.turn(0.0)
        one.hang_up()
    assert (tally.bytes, tally.dropped, told) == (16_000, 0, [])
