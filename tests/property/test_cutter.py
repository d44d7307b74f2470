"""However a stream comes in pieces, what goes out is the stream, in lines."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nsinit.runtime.lines import Block, LineCutter, with_prefix
from nsinit.runtime.ring import Record, lines
from tests.support import strategies as some

STREAMS = st.lists(st.sampled_from([b"a", b"\n", b"\n\n", b"bcdefg", b"\xff\x00", b"h\n"])).map(
    b"".join
)


def _cut(data: st.DataObject, stream: bytes, limit: int) -> list[Block]:
    cutter = LineCutter(limit)
    pieces = data.draw(some.cuts(stream))
    return [b for piece in pieces for b in cutter.feed(piece)] + cutter.flush()


@given(st.data(), STREAMS, st.integers(1, 8))
def test_stream_comes_out_as_it_went_in_when_cut(
    data: st.DataObject, stream: bytes, limit: int
) -> None:
    """Apart from the newlines that a cut added, and that of an unfinished last line."""
    blocks = _cut(data, stream, limit)
    joined = b"".join(b.data[:-1] if b.goes_on else b.data for b in blocks)
    assert joined == stream + (b"\n" if stream and not stream.endswith(b"\n") else b"")


@given(st.data(), STREAMS, st.integers(1, 8))
def test_lines_are_within_the_limit_and_marked_when_cut(
    data: st.DataObject, stream: bytes, limit: int
) -> None:
    """A piece goes on exactly when the next one continues it; pieces are full."""
    rows = [
        row for block in _cut(data, stream, limit) for row in lines(Record(0, 0, "", 0, "", block))
    ]
    assert all(len(text) <= limit for text, _, _ in rows)
    assert [goes for _, goes, _ in rows[:-1]] == [cont for _, _, cont in rows[1:]]
    if rows:
        assert not rows[0][2]
        assert not rows[-1][1]
    assert all(len(text) == limit for text, goes, _ in rows if goes)
    assert all(text for text, _, continues in rows if continues)


@given(st.data(), STREAMS, st.integers(1, 8))
def test_lines_are_the_same_when_the_pieces_are_others(
    data: st.DataObject, stream: bytes, limit: int
) -> None:
    """How much was read at once says nothing about the output."""
    one = _cut(data, stream, limit)
    other = _cut(data, stream, limit)
    assert b"".join(with_prefix(b, b"| ", b"+ ") for b in one) == b"".join(
        with_prefix(b, b"| ", b"+ ") for b in other
    )
