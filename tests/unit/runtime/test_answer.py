"""Answers of servers, good and bad."""

from __future__ import annotations

import pytest

from nsinit.runtime.answer import LIMIT, Answer, Verdict

OK = b"HTTP/1.1 200 OK\r\n"


def judged(data: bytes, *, head: bool = False) -> Verdict:
    """The verdict on an answer after which the connection is closed."""
    answer = Answer(head=head)
    return answer.feed(data) or answer.end()


@pytest.mark.parametrize(
    ("data", "verdict"),
    [
        (OK + b"\r\n", Verdict(200)),
        (OK + b"Content-Length: 3\r\n\r\nabc", Verdict(200)),
        (OK + b"Content-Length: 0\r\n\r\n", Verdict(200)),
        (b"HTTP/1.0 404\n\n", Verdict(404)),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", Verdict(204)),
        (b"HTTP/1.1 101 Switching\r\n\r\n", Verdict(101)),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: t\r\n\r\n", Verdict(200)),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\n0\r\n\r\n", Verdict(
            0, "it answered 200, but not to the end")),
        (OK + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n", Verdict(
            0, "its chunks can't be read: 'xyz\\r'")),
        (OK + b"Content-Length: 4\r\n\r\nabc", Verdict(0, "it answered 200, but not to the end")),
        (OK + b"Content-Length: -4\r\n\r\nabc", Verdict(0, "its Content-Length is no number")),
        (b"", Verdict(0, "it closed the connection without an answer")),
        (b"HTTP", Verdict(0, "it closed the connection without an answer")),
        (OK, Verdict(0, "it closed the connection without an answer")),
        (b"SSH-2.0-x\r\n", Verdict(0, "it speaks no HTTP/1: 'SSH-2.0-x\\r\\n'")),
        (b"HTTP/2 200\r\n\r\n", Verdict(0, "it speaks no HTTP/1: 'HTTP/2 200\\r\\n\\r\\n'")),
        (b"HTTP/1.1 2000 OK\r\n\r\n", Verdict(
            0, "it answered with no status: 'HTTP/1.1 2000 OK'")),
        (b"HTTP/1.1 abc\r\n\r\n", Verdict(0, "it answered with no status: 'HTTP/1.1 abc'")),
        (OK + b"X: " + b"x" * (2 * LIMIT), Verdict(0, "its headers are too long")),
        (OK + b"\r\n" + b"x" * (2 * LIMIT), Verdict(200)),
    ],
)  # fmt: skip
def test_answer_is_judged_when_it_is_complete(data: bytes, verdict: Verdict) -> None:
    """The status, or what came instead."""
    assert judged(data) == verdict


def test_verdict_is_there_when_a_server_keeps_the_connection_open() -> None:
    """A complete answer is enough."""
    assert Answer().feed(OK + b"Content-Length: 1\r\n\r\na") == Verdict(200)
    assert Answer(head=True).feed(OK + b"Content-Length: 9\r\n\r\n") == Verdict(200)
    assert Answer().feed(OK + b"\r\n") is None


def test_memory_is_bounded_when_a_server_never_stops() -> None:
    """Neither a body nor headers without an end are kept."""
    answer = Answer()
    assert answer.feed(OK + b"Transfer-Encoding: chunked\r\n\r\nffffffff\r\n") is None
    for _ in range(8):
        verdict = answer.feed(b"x" * 16384)
    assert verdict == Verdict(200)
    assert len(answer._buffer) < LIMIT
