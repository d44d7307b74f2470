"""Whatever is sent to /dev/log and to the journal."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from nsinit.runtime.datagrams import read_journal, read_syslog
from nsinit.runtime.tagged import Tagged, read_kept

WORDS = st.sampled_from(
    rb"""<13>|1 |Nov 22 12:00:00 |MESSAGE|=|PRIORITY=|[|]|"|a: |- |SYSLOG_PID=7""".split(b"|")
) | st.sampled_from([b"\n", b"\0", b"\x1f"])
DATA = st.binary(max_size=60) | st.lists(WORDS | st.binary(max_size=9), max_size=20).map(b"".join)


def check(one: Tagged) -> None:
    """It fits into lines of a ring, and comes out of it again."""
    assert 0 <= one.priority <= 191
    assert not set(one.identifier + one.pid + one.text) & ({*range(32), 127} - {9, 10})
    assert b"\n" not in one.identifier
    assert one.text
    for line in one.text.split(b"\n"):
        assert read_kept(one.kept_before + line) == one._replace(text=line)


@given(DATA)
def test_any_datagram_is_lines_or_nothing_when_it_is_read(data: bytes) -> None:
    """Never an error; no control characters are left."""
    one = read_syslog(data, b"host")
    if one is not None:
        check(one)
    for entry in read_journal(data, len(data)):
        check(entry)


@given(st.binary(min_size=1, max_size=50).filter(lambda text: bool(text.strip(b"\0\r\n \t"))))
def test_text_comes_whole_when_it_is_a_binary_field(text: bytes) -> None:
    """Any bytes, newlines among them."""
    data = b"MESSAGE\n" + struct.pack("<Q", len(text)) + text + b"\nPRIORITY=2\n"
    (one,) = read_journal(data)
    assert one.priority & 7 == 2
    printable = bytes(c for c in text if c >= 32 and c != 127)
    assert (
        printable.rstrip()
        == bytes(c for c in text.rstrip(b"\0\r\n \t") if c >= 32 and c != 127).rstrip()
    )
    assert one.text.count(b"\n") == text.rstrip(b"\0\r\n \t").count(b"\n")
