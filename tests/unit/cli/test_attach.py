"""The keys that leave a terminal: what they are called, and how they are found."""

from __future__ import annotations

import pytest

from nsinit.cli.attach import KEYS, Keys, parse_keys
from nsinit.errors import UsageError


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        (KEYS, b"\x10\x11"),
        ("ctrl-a", b"\x01"),
        ("ctrl-Z,x", b"\x1ax"),
        ("ctrl-[,ctrl-@", b"\x1b\x00"),
        ("a,b, ", b"ab "),
        ("-", b"-"),
        ("", b""),
    ],
)
def test_keys_are_bytes_when_they_are_named(text: str, keys: bytes) -> None:
    """As docker names them."""
    assert parse_keys(text) == keys


@pytest.mark.parametrize("text", ["ctrl-", "ctrl-!", "ctrl-1", "ab", "a,,b", "ctrl-p ctrl-q", "é"])
def test_keys_are_refused_when_there_are_no_such(text: str) -> None:
    """With what is meant."""
    with pytest.raises(UsageError, match="key"):
        parse_keys(text)


@pytest.mark.parametrize(
    ("pieces", "passed", "left"),
    [
        ([b"abc"], b"abc", False),
        ([b"ab\x10\x11cd"], b"ab", True),
        ([b"ab\x10", b"\x11"], b"ab", True),
        ([b"\x10", b"x"], b"\x10x", False),
        ([b"\x10", b"\x10\x11"], b"\x10", True),
        ([b"\x10\x10", b"\x11"], b"\x10", True),
        ([b"\x11\x10"], b"\x11", False),
        ([b""], b"", False),
    ],
)
def test_sequence_is_found_when_it_comes_in_pieces(
    pieces: list[bytes], passed: bytes, left: bool
) -> None:
    """What only began like it is passed on as soon as that is clear."""
    keys, seen, leaves = Keys(b"\x10\x11"), b"", False
    for piece in pieces:
        data, leaves = keys.filter(piece)
        seen += data
    assert (seen, leaves) == (passed, left)


def test_all_is_passed_on_when_there_are_no_keys() -> None:
    """As from a pipe."""
    assert Keys(b"").filter(b"\x10\x11") == (b"\x10\x11", False)
