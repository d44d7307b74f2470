"""Bytes of a connection as calls, and answers as bytes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nsinit.control.routes import MAX_BODY, MAX_HEAD, Call, HttpConnection, Refusal

GET = b"GET /v1/list?names=a HTTP/1.1\r\nHost: x\r\n\r\n"


def post(body: bytes, *, length: int | None = None) -> bytes:
    """A request with a body."""
    size = len(body) if length is None else length
    return b"POST /v1/stop HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (size, body)


def received(*pieces: bytes) -> tuple[HttpConnection, Call | Refusal | None]:
    """A connection, and what the last piece gave."""
    http = HttpConnection()
    got: Call | Refusal | None = None
    for piece in pieces:
        got = http.receive(piece)
    return http, got


def head_and_json(data: bytes) -> tuple[bytes, dict[str, Any]]:
    """The head of an answer, and the JSON of its body."""
    head, _, body = data.partition(b"\r\n\r\n")
    return head, json.loads(body)


def test_call_is_made_when_a_request_is_complete() -> None:
    """Not before."""
    http, got = received(GET[:20])
    assert got is None
    got = http.receive(GET[20:])
    assert isinstance(got, Call)
    assert (got.command.name, got.params) == ("list", {"names": ["a"], "state": None})


def test_call_has_its_body_when_that_comes_in_pieces() -> None:
    """Also in chunks."""
    data = post(b'{"names": ["a"]}')
    _, got = received(data[:-5], data[-5:-3], data[-3:])
    assert isinstance(got, Call)
    assert got.params["names"] == ["a"]
    _, got = received(
        b"POST /v1/stop HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        b'8\r\n{"names"\r\n', b'6\r\n:["a"]\r\n', b"1\r\n}\r\n0\r\n\r\n",
    )  # fmt: skip
    assert isinstance(got, Call)
    assert got.params["names"] == ["a"]


@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
def test_connection_lives_on_when_the_client_speaks_http_1_1(version: bytes) -> None:
    """The next request is read after the answer; HTTP/1.0 ends with the answer."""
    http, got = received(GET.replace(b"1.1", version))
    assert isinstance(got, Call)
    head, body = head_and_json(http.answer(200, {"services": []}))
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"Content-Type: application/json" in head
    assert b"Cache-Control: no-store" in head
    assert body == {"services": []}
    assert http.must_close is (version == b"1.0")
    if version == b"1.1":
        assert http.resume() is None
        assert isinstance(http.receive(GET), Call)


def test_call_has_only_its_own_body_when_another_came_before_it() -> None:
    """On the same connection."""
    http, _ = received(post(b'{"names": ["a"], "timeout": 5}'))
    http.answer(200, {})
    assert http.resume() is None
    got = http.receive(post(b'{"names": ["b"]}'))
    assert isinstance(got, Call)
    assert got.params == {"names": ["b"], "no_wait": False, "timeout": 60.0}


def test_next_call_is_given_when_it_was_sent_ahead() -> None:
    """One at a time: nothing is read before the answer."""
    http, got = received(GET + GET.replace(b"a", b"b", 1))
    assert isinstance(got, Call)
    assert http.receive(b"") is None
    http.answer(200, {})
    got = http.resume()
    assert isinstance(got, Call | Refusal)
    http.answer(200, {})
    assert http.resume() is None


def test_nonsense_is_refused_when_a_head_was_asked_for_before_it() -> None:
    """It was answered like that request, without a body, which was an error of init's own."""
    http, _ = received(b"HEAD /v1/nothing HTTP/1.1\r\nHost: a\r\n\r\nnonsense\r\n\r\n")
    assert b"\r\n\r\n" in http.answer(405, {})
    got = http.resume()
    assert isinstance(got, Refusal)
    head, body = head_and_json(http.answer(got.status, got.body()))
    assert b"400" in head
    assert b"Allow" not in head
    assert body["error"]["code"] == "bad-request"
    assert http.must_close


def test_nothing_is_resumed_when_the_answer_is_not_complete() -> None:
    """A stream is still on."""
    http, _ = received(GET)
    assert http.resume() is None
    http.begin_stream()
    assert http.resume() is None


def test_stream_is_chunked_when_the_client_can_read_that() -> None:
    """Lines of JSON, one by one."""
    http, _ = received(b"GET /v1/logs HTTP/1.1\r\nHost: x\r\n\r\n")
    data = http.begin_stream() + http.stream(b'{"a":1}\n') + http.end_stream()
    assert b"Content-Type: application/x-ndjson" in data
    assert data.endswith(b'8\r\n{"a":1}\n\r\n0\r\n\r\n')
    assert not http.must_close


def test_stream_ends_with_the_connection_when_the_client_is_old() -> None:
    """HTTP/1.0 has no chunks."""
    http, _ = received(b"GET /v1/logs HTTP/1.0\r\n\r\n")
    data = http.begin_stream() + http.stream(b'{"a":1}\n') + http.end_stream()
    assert data.endswith(b'\r\n\r\n{"a":1}\n')
    assert http.must_close


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"hello\r\n\r\n",
        b"GET /v1/list\r\n\r\n",
        b"GET /v1/list HTTP/1.1\r\n\r\n",
        b"GET /v1/list HTTP/1.1\r\nHost\r\n\r\n",
        b"GET /v1/li\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /v1/stop HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/stop HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /v1/stop HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"POST /v1/stop HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n",
    ],
)
def test_client_is_refused_when_it_does_not_speak_http(data: bytes) -> None:
    """With an answer that ends the connection."""
    http, got = received(data)
    assert isinstance(got, Refusal)
    assert 400 <= got.status < 600
    head, body = head_and_json(http.answer(got.status, got.body()))
    assert head.startswith(b"HTTP/1.1 %d " % got.status)
    assert body["error"]["message"].startswith("not HTTP: ")
    assert http.must_close


def test_head_is_refused_when_it_is_too_long() -> None:
    """Before it has come to its end."""
    http, got = received(b"GET /v1/list?names=" + b"a" * MAX_HEAD)
    assert isinstance(got, Refusal)
    assert got.status == 431
    assert b"Connection: close" in http.answer(got.status, got.body())


@pytest.mark.parametrize("pieces", [1, 2])
def test_body_is_refused_when_it_is_too_long(pieces: int) -> None:
    """As soon as that is known; the rest of it is not read."""
    data = post(b" " * (MAX_BODY + 1), length=1 << 40)
    http, got = received(*([data] if pieces == 1 else [data[:1000], data[1000:]]))
    assert isinstance(got, Refusal)
    assert (got.status, got.code) == (413, "too-large")
    assert b"Connection: close" in http.answer(got.status, got.body())
    assert http.must_close


def test_body_is_read_when_it_is_as_long_as_it_may_be() -> None:
    """Spaces count."""
    body = b'{"names": ["a"]}'.ljust(MAX_BODY)
    assert isinstance(received(post(body))[1], Call)


def test_refused_call_keeps_the_connection_when_the_request_was_complete() -> None:
    """A slip of a person at a terminal is no reason to go."""
    http, got = received(GET.replace(b"list", b"lists"))
    assert isinstance(got, Refusal)
    _, body = head_and_json(http.answer(got.status, got.body()))
    assert body["error"]["code"] == "unknown-route"
    assert not http.must_close
    assert http.resume() is None
    assert isinstance(http.receive(GET), Call)


@pytest.mark.parametrize("method", [b"CONNECT", b"TRACE", b"PUT", b"FOO"])
def test_method_is_refused_when_no_row_has_it(method: bytes) -> None:
    """With an answer, whatever the method means elsewhere."""
    http, got = received(GET.replace(b"GET", method))
    assert isinstance(got, Refusal)
    assert got.status == 405
    assert head_and_json(http.answer(got.status, got.body()))[1]["error"]["code"] == "wrong-method"


def test_target_is_refused_when_no_url_can_be_made_of_it() -> None:
    """With an answer."""
    _, got = received(b"GET //[ HTTP/1.1\r\nHost: x\r\n\r\n")
    assert isinstance(got, Refusal)


def test_client_is_gone_when_it_ends_its_side() -> None:
    """Between requests that is no mistake; within one it is."""
    assert received(b"")[1] is None
    http, got = received(GET)
    assert isinstance(got, Call)
    http.answer(200, {})
    assert http.resume() is None
    assert http.receive(b"") is None
    _, got = received(GET[:20], b"")
    assert isinstance(got, Refusal)
    _, got = received(post(b"{", length=10), b"")
    assert isinstance(got, Refusal)


def asked(line: bytes, *headers: bytes, body: bytes = b"") -> tuple[HttpConnection, Any]:
    """A connection after a request with these headers, and what it gave."""
    rows = [line + b" HTTP/1.1", b"Host: x", *headers, b"Content-Length: %d" % len(body)]
    return received(b"\r\n".join(rows) + b"\r\n\r\n" + body)


@pytest.mark.parametrize(
    ("line", "allow"),
    [
        (b"OPTIONS *", "GET, HEAD, OPTIONS, POST"),
        (b"OPTIONS /v1/status", "GET, HEAD, OPTIONS"),
        (b"OPTIONS /v1/logs", "GET, OPTIONS"),
        (b"OPTIONS /v1/stop", "POST, OPTIONS"),
    ],
)
def test_methods_are_told_when_asked_for_options(line: bytes, allow: str) -> None:
    """Without content (RFC 9110, 9.3.7); the connection goes on."""
    http, got = asked(line)
    data = http.answer(got.status, got.body())
    assert data.startswith(b"HTTP/1.1 204 ")
    assert f"Allow: {allow}\r\n".encode() in data
    assert data.endswith(b"\r\n\r\n")
    assert not http.must_close
    assert http.resume() is None


@pytest.mark.parametrize(
    ("line", "allow"),
    [
        (b"DELETE /v1/status", "GET, HEAD, OPTIONS"),
        (b"HEAD /v1/logs", "GET, OPTIONS"),
        (b"HEAD /v1/stop", "POST, OPTIONS"),
    ],
)
def test_methods_are_told_when_another_was_tried(line: bytes, allow: str) -> None:
    """RFC 9110, 15.5.6; the next answer does not tell them again."""
    http, got = asked(line)
    data = http.answer(got.status, got.body())
    assert data.startswith(b"HTTP/1.1 405 ")
    assert f"Allow: {allow}\r\n".encode() in data
    assert data.endswith(b"\r\n\r\n") == line.startswith(b"HEAD")
    http.resume()
    assert isinstance(http.receive(GET), Call)
    assert b"Allow" not in http.answer(200, {})


def test_answer_has_only_a_head_when_that_was_asked_for() -> None:
    """As long as the content would be."""
    http, got = asked(b"HEAD /v1/list?names=a")
    assert isinstance(got, Call)
    head, _, body = http.answer(200, {"a": 1}).partition(b"\r\n\r\n")
    assert b"Content-Length: 8" in head
    assert body == b""
    assert not http.must_close


@pytest.mark.parametrize(
    ("header", "body", "names"),
    [
        (b"Content-Type: application/json", b'{"names": "a"}', ["a"]),
        (b"Content-Type: Application/JSON; charset=utf-8", b'{"names": "a"}', ["a"]),
        (b"Content-Type: application/merge-patch+json", b'{"names": "a"}', ["a"]),
        (b"Content-Type: application/x-www-form-urlencoded", b' {"names": "a"}', ["a"]),
        (b"Content-Type: application/x-www-form-urlencoded", b"names=a&names=b+%26", ["a", "b &"]),
        (b"X: y", b'{"names": "a"}', ["a"]),
    ],
)
def test_body_is_read_when_it_is_json_or_a_form(
    header: bytes, body: bytes, names: list[str]
) -> None:
    """What `curl -d` sends is called a form whatever it is."""
    _, got = asked(b"POST /v1/reset", header, body=body)
    assert got.params == {"names": names}


@pytest.mark.parametrize(
    "header",
    [b"Content-Type: text/plain", b"Content-Type: multipart/form-data", b"Content-Encoding: gzip"],
)
def test_body_is_refused_when_it_is_of_another_kind(header: bytes) -> None:
    """Nothing is guessed."""
    _, got = asked(b"POST /v1/reset", header, body=b'{"names": "a"}')
    assert (got.status, got.code) == (415, "unsupported-type")


def test_body_is_refused_when_its_length_says_that_it_is_too_large() -> None:
    """Before it is sent; then the connection ends."""
    http, got = received(post(b"{", length=MAX_BODY + 1))
    assert isinstance(got, Refusal)
    assert got.status == 413
    http.answer(413, got.body())
    assert http.must_close


def test_client_is_told_to_go_on_when_it_waits_for_that() -> None:
    """Expect: 100-continue (RFC 9110, 10.1.1); whoever does not wait is told nothing."""
    head = (
        b"POST /v1/reset HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 14\r\n\r\n"
    )
    http, got = received(head)
    assert got is None
    assert http.proceed().startswith(b"HTTP/1.1 100 ")
    assert http.proceed() == b""
    assert isinstance(http.receive(b'{"names": "a"}'), Call)
    assert received(post(b"", length=5))[0].proceed() == b""
