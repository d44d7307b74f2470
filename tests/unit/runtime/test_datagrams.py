"""What programs send to /dev/log and to the journal."""

from __future__ import annotations

import struct

import pytest

from nsinit.runtime.datagrams import read_journal, read_syslog
from nsinit.runtime.tagged import Tagged, read_kept, shown


@pytest.mark.parametrize(
    ("data", "read"),
    [
        (b"<30>Nov 22 12:00:00 cron[12]: hello", (30, b"cron", b"12", b"hello")),
        (b"<13>Nov  2 12:00:00 root: x\n\0", (13, b"root", b"", b"x")),
        (b"<13>Nov 22 12:00:00 here root: x", (13, b"root", b"", b"x")),
        (b"<13>Nov 22 12:00:00 there root: x", (13, b"", b"", b"there root: x")),
        (b"<11>plain text\0", (11, b"", b"", b"plain text")),
        (b"<999>tag: x", (13, b"", b"", b"<999>tag: x")),
        (b"no head", (13, b"", b"", b"no head")),
        (b"a: b\r\nc\td\x1b\x7f", (13, b"a", b"", b"b\nc\td\\x1b\\x7f")),
        (b"<34>1 2026-11-22T12:00:00Z h app 7 ID - \xef\xbb\xbfhi", (34, b"app", b"7", b"hi")),
        (b'<34>1 - - - - - [a@1 b="x\\"] y"][c@2] hi', (34, b"", b"", b"hi")),
        (b"<34>1 - - app x - [broken hi", (34, b"app", b"", b"[broken hi")),
        (b"<13>caf\xe9", (13, b"", b"", b"caf\xe9")),
        (b"<13>", None),
        (b"<13>tag: \n", None),
        (b"", None),
    ],
)
def test_datagram_is_understood_when_it_is_sent_to_syslog(
    data: bytes, read: tuple[int, bytes, bytes, bytes] | None
) -> None:
    """As C libraries, logger and Python write it, and as RFC 5424 has it."""
    assert read_syslog(data, b"here") == (Tagged(*read) if read else None)


def field(name: bytes, value: bytes) -> bytes:
    """A field that may have newlines in it."""
    return name + b"\n" + struct.pack("<Q", len(value)) + value + b"\n"


@pytest.mark.parametrize(
    ("data", "read"),
    [
        (b"MESSAGE=hi\nPRIORITY=3\n", [(11, b"", b"", b"hi")]),
        (b"SYSLOG_FACILITY=3\nMESSAGE=hi\nSYSLOG_IDENTIFIER=a b\nSYSLOG_PID=9",
         [(30, b"a b", b"9", b"hi")]),
        (field(b"MESSAGE", b"a\nb=c\n\nd\n") + b"PRIORITY=9\n", [(14, b"", b"", b"a\nb=c\n\nd")]),
        (b"MESSAGE=1\n\nMESSAGE=2\n", [(14, b"", b"", b"1"), (14, b"", b"", b"2")]),
        (b"PRIORITY=1\n", []),
        (b"MESSAGE\n\x05\0\0", []),
        (b"MESSAGE\n" + b"\xff" * 8 + b"cut", [(14, b"", b"", b"cut")]),
        (b"", []),
    ],
)  # fmt: skip
def test_entries_are_understood_when_they_are_sent_to_the_journal(
    data: bytes, read: list[tuple[int, bytes, bytes, bytes]]
) -> None:
    """Text and binary fields; the first of two counts."""
    assert read_journal(data) == [Tagged(*one) for one in read]


def test_cut_is_told_when_an_entry_is_too_large() -> None:
    """With how much of it is missing."""
    (one,) = read_journal(b"MESSAGE=x", 7)
    assert one.text == b"x\n[7 bytes more were too many for one entry]"


def test_line_is_the_same_when_a_ring_had_it() -> None:
    """And is shown with its name."""
    one = Tagged(30, b"cron", b"12", b"a: b")
    assert read_kept(one.kept_before + one.text) == one
    assert shown(one.kept_before + one.text) == b"cron[12]: a: b"
    assert shown(Tagged(1, b"", b"5", b"").kept_before + b"x") == b"x"
