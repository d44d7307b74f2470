"""No byte of a line is lost in JSON, whatever bytes they are and however the stream was cut."""

from __future__ import annotations

import base64
import itertools
import json

from hypothesis import given
from hypothesis import strategies as st

from nsinit.runtime.forms import raw
from nsinit.runtime.jsonlines import json_lines, own_line
from nsinit.runtime.lines import LineCutter
from tests.support import strategies as some

STREAMS = st.lists(
    st.sampled_from(
        [b"\n", b"a", b'"\\', b"\x00\x1b\x7f", b"\xc3", b"\xa4", b"\xef\xbf\xbd", b"bcd"]
    )
    | st.binary(max_size=5)
).map(b"".join)


def _bytes_of(row: dict[str, str]) -> bytes:
    return base64.b64decode(row["base64"]) if "base64" in row else row["message"].encode()


@given(st.data(), STREAMS, st.integers(1, 9))
def test_stream_can_be_read_back_when_it_went_out_as_json(
    data: st.DataObject, stream: bytes, limit: int
) -> None:
    """Pieces of a cut line are told by their marks; the raw form gives the same."""
    cutter, form = LineCutter(limit), json_lines("a", 1, "stdout")
    blocks = [b for piece in data.draw(some.cuts(stream)) for b in cutter.feed(piece)]
    blocks += cutter.flush()
    rows = [json.loads(r) for b in blocks for r in form(b, 1e9, False).split(b"\n") if r]
    back = b"".join(
        _bytes_of(row) + (b"" if row.get("part") in ("first", "middle") else b"\n") for row in rows
    )
    whole = stream + (b"\n" if stream and not stream.endswith(b"\n") else b"")
    assert back == whole
    assert stream == b"".join(raw(b, 0, False) for b in blocks)
    for before, after in itertools.pairwise(rows):
        goes_on = before.get("part") in ("first", "middle")
        assert goes_on == (after.get("part") in ("middle", "last"))


@given(st.text(), st.dictionaries(st.text(), st.text()))
def test_own_line_is_json_when_its_text_is_anything(text: str, fields: dict[str, str]) -> None:
    """One line, with what was said."""
    line = own_line(1e9, "info", text, dict(fields))
    assert line.count(b"\n") == 1
    assert json.loads(line)["message"] == text
