"""What other processes can put before our parsers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nsinit.kernel.proc import Stat, parse_stat
from nsinit.runtime.notify import parse

REST = b"Z 7 8 9 0 -1 4194560 100 0 0 0 1 2 3 4 20 0 1 0 55 1000 200 0"
STAT_TEXT = st.lists(st.sampled_from([b"1", b"0", b" ", b"(", b")", b") ", b"S", b"\n", b"-"]))


@given(st.binary(max_size=16))
def test_stat_is_read_when_the_name_is_any_bytes(name: bytes) -> None:
    """It is 15 bytes at most, and the kernel does not look at them."""
    assert parse_stat(b"1 (" + name + b") " + REST) == Stat(1, "Z", 7, 8, 9, 55)


@given(st.binary() | STAT_TEXT.map(b"".join) | STAT_TEXT.map(lambda p: b"".join(p) + REST))
def test_stat_is_read_or_not_when_the_text_is_anything(data: bytes) -> None:
    """It never raises: a process is there, or it is not."""
    found = parse_stat(data)
    assert found is None or found.pid >= 0


@given(st.binary())
def test_notification_is_read_when_it_is_any_bytes(data: bytes) -> None:
    """Its fields are text, whatever came."""
    for name, value in parse(data).items():
        assert "=" not in name
        assert "\n" not in name + value
