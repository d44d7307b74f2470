"""Streams of bytes as whole lines."""

from __future__ import annotations

import pytest

from nsinit.runtime.lines import Block, LineCutter, with_prefix


def fed(limit: int, *pieces: bytes) -> list[tuple[bytes, bool, bool]]:
    """The blocks that come of a stream in pieces, as plain tuples."""
    cutter = LineCutter(limit)
    made: list[Block] = []
    for piece in pieces:
        made += cutter.feed(piece)
    return [block[:3] for block in made + cutter.flush()]


@pytest.mark.parametrize(
    ("pieces", "blocks"),
    [
        ([], []),
        ([b""], []),
        ([b"a\nb\n"], [b"a\nb\n"]),
        ([b"a", b"\n"], [b"a\n"]),
        ([b"a\nb", b"c\n"], [b"a\n", b"bc\n"]),
        ([b"a\nb"], [b"a\n", b"b\n"]),
        ([b"\n\n"], [b"\n\n"]),
        ([b"\n", b"\n"], [b"\n", b"\n"]),
        ([b"a\r\n\x00\xff\n"], [b"a\r\n\x00\xff\n"]),
    ],
)
def test_lines_come_whole_when_they_are_short(pieces: list[bytes], blocks: list[bytes]) -> None:
    """Many in one block; the last one, without its newline, at the end of the stream."""
    assert fed(100, *pieces) == [(block, False, False) for block in blocks]


@pytest.mark.parametrize(
    ("pieces", "blocks"),
    [
        ([b"abc\n"], [(b"abc\n", False, False)]),
        ([b"abc"], [(b"abc\n", False, False)]),
        ([b"abcd\n"], [(b"abc\n", True, False), (b"d\n", False, True)]),
        ([b"abcd"], [(b"abc\n", True, False), (b"d\n", False, True)]),
        ([b"abc", b"\n"], [(b"abc\n", False, False)]),
        ([b"abcd", b"\n"], [(b"abc\n", True, False), (b"d\n", False, True)]),
        (
            [b"abcdefgh\n"],
            [(b"abc\n", True, False), (b"def\n", True, True), (b"gh\n", False, True)],
        ),
        (
            [b"x\nabcdef\ny\n"],
            [
                (b"x\n", False, False),
                (b"abc\n", True, False),
                (b"def\n", False, True),
                (b"y\n", False, False),
            ],
        ),
        (
            [b"abcd\nx\nabcd\nx\n"],
            [
                (b"abc\n", True, False),
                (b"d\nx\n", False, True),
                (b"abc\n", True, False),
                (b"d\nx\n", False, True),
            ],
        ),
    ],
)
def test_line_is_cut_and_marked_when_it_is_over_the_limit(
    pieces: list[bytes], blocks: list[tuple[bytes, bool, bool]]
) -> None:
    """The limit does not count the newline."""
    found = fed(3, *pieces)
    flat = [(d + b"\n", g and n == 0, c) for d, g, c, n in _flat(found)]
    wanted = [(d + b"\n", g and n == 0, c) for d, g, c, n in _flat(blocks)]
    assert flat == wanted


def _flat(blocks: list[tuple[bytes, bool, bool]]) -> list[tuple[bytes, bool, bool, int]]:
    """Each line by itself, however they were put into blocks; the number of lines after it."""
    made = []
    for data, goes_on, continues in blocks:
        lines = data[:-1].split(b"\n")
        for index, line in enumerate(lines):
            made.append((line, goes_on, continues and index == 0, len(lines) - 1 - index))
    return made


def test_limit_is_one_byte_when_it_is_less() -> None:
    """A stream gets on in any case."""
    assert len(fed(0, b"abc\n")) == 3


def test_stream_goes_on_when_it_was_flushed() -> None:
    """A pipe may be held by somebody else after the end of the run."""
    cutter = LineCutter(3)
    cutter.feed(b"abcd")
    assert cutter.flush() == [Block(b"d\n", continues=True, unended=True)]
    assert cutter.flush() == []
    assert cutter.feed(b"x\n") == [Block(b"x\n")]


@pytest.mark.parametrize(
    ("block", "text"),
    [
        (Block(b"a\n"), b"web | a\n"),
        (Block(b"\n"), b"web | \n"),
        (Block(b"a\nb\n\nc\n"), b"web | a\nweb | b\nweb | \nweb | c\n"),
        (Block(b"a\nb\n", continues=True), b"web + a\nweb | b\n"),
        (Block(b"a\n", goes_on=True), b"web | a\n"),
    ],
)
def test_name_stands_before_each_line_when_it_is_shown(block: Block, text: bytes) -> None:
    """Always, with a sign before the rest of a cut line."""
    assert with_prefix(block, b"web | ", b"web + ") == text
