"""Answers of servers and messages of services, whatever they are and however they are cut."""

from __future__ import annotations

import itertools
import re

from hypothesis import example, given
from hypothesis import strategies as st

from nsinit.model.probing import compile_pattern, explodes, parse_address, parse_url
from nsinit.runtime.answer import Answer, Verdict
from nsinit.runtime.hearing import STATUS_MAX, understand
from nsinit.runtime.notify import parse
from tests.unit.runtime.test_answer import judged

LINES = st.sampled_from([
    b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n", b"HTTP/1.0 503 Busy\n", b"\r\n", b"\n",
    b"Content-Length: 5\r\n", b"content-length: x\r\n", b"Transfer-Encoding: chunked\r\n",
    b"5\r\nhello\r\n", b"0\r\n", b"hello", b"X: y\r\n", b"\0\xff",
])  # fmt: skip
ANSWERS = st.lists(LINES, max_size=10).map(b"".join) | st.binary(max_size=50)


@given(ANSWERS, st.lists(st.integers(0, 200), max_size=10), st.booleans())
@example(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n0\r\n\r\n", [52], False)
def test_verdict_is_the_same_when_the_answer_is_cut(
    data: bytes, cuts: list[int], head: bool
) -> None:
    """Anywhere, also inside a line end."""
    ends = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    answer = Answer(head=head)
    verdict: Verdict | None = None
    for start, end in itertools.pairwise(ends):
        if verdict is None and end > start:
            verdict = answer.feed(data[start:end])
    got = verdict or answer.end()
    wanted = judged(data, head=head)
    assert got.status == wanted.status
    assert bool(got.text) == bool(wanted.text)


@given(st.binary(max_size=600))
@example(b"MAINPID=" + b"9" * 500)
@example(b"STATUS=\xe2\x80\xae\x00")
def test_message_is_harmless_when_it_is_any_bytes(data: bytes) -> None:
    """Bounded, printable, and nothing that raises."""
    got = understand("a", 1, parse(data))
    assert got.status is None or (len(got.status) <= STATUS_MAX and got.status.isprintable())
    assert 0 <= got.main_pid <= 1 << 22
    assert got.extend is None or 0 <= got.extend < 1e9


@given(st.text(max_size=40))
def test_address_or_url_is_refused_in_words_when_it_is_any_text(text: str) -> None:
    """ValueError and nothing else; what is accepted can be connected to."""
    for read in (parse_address, lambda t: parse_url("http://" + t).addresses[0]):
        try:
            host, port = read(text)
        except ValueError:
            continue
        assert host
        assert 0 < port < 65536


@given(st.text("ab().*+?[]{},^$|\\1 é", max_size=12))
def test_pattern_is_refused_in_words_when_it_is_none(text: str) -> None:
    """And one that is accepted has no repeat in a repeat, so it ends on a line of one letter."""
    try:
        pattern = compile_pattern(text)
    except ValueError:
        return
    assert not explodes(text)
    assert isinstance(pattern, re.Pattern)
    pattern.search(b"a" * 24 + b"!")
