"""The client's requests, and what it makes of answers; no socket is opened."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import pytest

from nsinit.client import Client, patience
from nsinit.control.commands import BY_NAME
from nsinit.errors import (
    ControlError,
    DeniedError,
    TimedOutError,
    UnknownNameError,
    UnreachableError,
)
from nsinit.locate import find_socket
from nsinit.wire import decode, request

if TYPE_CHECKING:
    import _socket

HEAD = b"HTTP/1.1 %d \r\nContent-Type: application/json\r\n\r\n"


class Connection:
    """The other end of a socket: it has an answer ready, in pieces."""

    def __init__(self, *pieces: bytes | Exception) -> None:
        self.pieces = list(pieces)
        self.sent = b""
        self.timeout: float | None = -1.0
        self.closed = False

    def settimeout(self, seconds: float | None) -> None:
        self.timeout = seconds

    def sendall(self, data: bytes) -> None:
        self.sent += data

    def recv(self, _: int) -> bytes:
        piece = self.pieces.pop(0) if self.pieces else b""
        if isinstance(piece, Exception):
            raise piece
        return piece

    def close(self) -> None:
        self.closed = True


class Wired(Client):
    """A client whose connection is already there."""

    def __init__(self, connection: Connection) -> None:
        super().__init__("/run/x.sock")
        self.connection = connection

    def _connect(self) -> _socket.socket:
        return cast("_socket.socket", self.connection)


def answered(status: int, body: object) -> Wired:
    """A client that gets this answer to whatever it asks."""
    return Wired(Connection(HEAD % status + json.dumps(body).encode()))


@pytest.mark.parametrize(
    ("name", "params", "request_line", "body"),
    [
        ("status", {}, "GET /v1/status HTTP/1.0", b""),
        ("status", {"names": ["a", "b c"]}, "GET /v1/status?names=a&names=b%20c HTTP/1.0", b""),
        ("status", {"names": "a&b=c#d"}, "GET /v1/status?names=a%26b%3Dc%23d HTTP/1.0", b""),
        ("logs", {"follow": True, "lines": 5}, "GET /v1/logs?follow=true&lines=5 HTTP/1.0", b""),
        ("logs", {"follow": None, "since": 1.5}, "GET /v1/logs?since=1.5 HTTP/1.0", b""),
        ("list", {"names": []}, "GET /v1/list HTTP/1.0", b""),
        ("list", {"names": ["é\r\n"]}, "GET /v1/list?names=%C3%A9%0D%0A HTTP/1.0", b""),
        ("stop", {"names": ["a"]}, "POST /v1/stop HTTP/1.0", b"names=a"),
        ("stop", {"names": "a", "timeout": None}, "POST /v1/stop HTTP/1.0", b"names=a"),
        (
            "stop",
            {"names": ["a", "b&"], "no_wait": True},
            "POST /v1/stop HTTP/1.0",
            b"names=a&names=b%26&no_wait=true",
        ),
    ],
)
def test_request_is_written_when_a_row_is_asked_for(
    name: str, params: dict[str, Any], request_line: str, body: bytes
) -> None:
    """What looks is a query; what changes something has a body."""
    head, _, rest = request(BY_NAME[name], params).partition(b"\r\n\r\n")
    lines = head.decode("ascii").split("\r\n")
    kind = ["Content-Type: application/x-www-form-urlencoded"] if body else []
    assert lines == [request_line, "Host: nsinit", *kind, f"Content-Length: {len(body)}"]
    assert rest == body


def test_body_is_json_when_a_form_would_have_too_many_names() -> None:
    """Init reads no form of more than a thousand pairs."""
    names = [f"s{n}" for n in range(1000)]
    head, _, rest = request(BY_NAME["stop"], {"names": names}).partition(b"\r\n\r\n")
    assert b"Content-Type" not in head
    assert json.loads(rest) == {"names": names}


@pytest.mark.parametrize(
    "text",
    ['{"a": [1, -2.5e3, true, null, "\\u00e9\\n"], "b": {}}', " [] \n", '"é"', "1", "NaN", "{}"],
)
def test_answer_is_read_as_json_does_when_it_is_right(text: str) -> None:
    """By the same scanner."""
    assert str(decode(text.encode())) == str(json.loads(text))


@pytest.mark.parametrize("data", [b"", b"{", b"{} x", b"nul", b"[1,]", b"\xff", b'{"a" 1}'])
def test_answer_is_refused_when_it_is_no_json(data: bytes) -> None:
    """Whatever is wrong with it."""
    with pytest.raises(ValueError, match=r"."):
        decode(data)


def test_answer_is_its_json_when_all_went_well() -> None:
    """However it comes in pieces; the connection is closed."""
    data = HEAD % 200 + b'{"services": []}'
    client = Wired(Connection(*(data[at : at + 5] for at in range(0, len(data), 5))))
    assert list(client.status()["services"]) == []
    assert client.connection.sent.startswith(b"GET /v1/status ")
    assert client.connection.closed


@pytest.mark.parametrize(
    ("code", "kind", "exit_code"),
    [
        ("denied", DeniedError, 77),
        ("timed-out", TimedOutError, 124),
        ("unknown-name", UnknownNameError, 4),
        ("bad-parameter", ControlError, 1),
        ("", ControlError, 1),
    ],
)
def test_error_is_of_its_kind_when_init_refuses(
    code: str, kind: type[ControlError], exit_code: int
) -> None:
    """With message, hint and the whole answer."""
    body = {"error": {"code": code, "message": "m", "hint": "h"}}
    client = answered(400, body)
    with pytest.raises(ControlError) as caught:
        client.status()
    error = caught.value
    assert type(error) is kind
    assert (error.exit_code, error.message, error.hint, error.answer) == (
        exit_code, "m", "h", body,
    )  # fmt: skip
    assert client.connection.closed


def test_error_is_told_when_the_answer_says_nothing() -> None:
    """A body of another shape is no reason to crash."""
    with pytest.raises(ControlError, match="no reason given"):
        answered(500, {}).status()


def test_rows_come_one_by_one_when_the_answer_is_a_stream() -> None:
    """As soon as a line is whole."""
    client = Wired(Connection(HEAD % 200 + b'{"a":1}\n{"a"', b":2}\n", b'{"a":3}\n'))
    rows = client.logs()
    assert dict(next(rows)) == {"a": 1}
    assert len(client.connection.pieces) == 2
    assert list(rows) == [{"a": 2}, {"a": 3}]
    assert client.connection.closed


def test_error_is_raised_at_once_when_a_stream_is_refused() -> None:
    """Not at the first row."""
    with pytest.raises(UnknownNameError):
        answered(404, {"error": {"code": "unknown-name", "message": "m"}}).logs()


@pytest.mark.parametrize(
    ("pieces", "kind"),
    [
        ([ConnectionResetError(104, "reset")], UnreachableError),
        ([TimeoutError("timed out")], TimedOutError),
        ([b""], UnreachableError),
        ([HEAD % 200, ConnectionResetError(104, "reset")], UnreachableError),
        ([HEAD % 200, TimeoutError("timed out")], TimedOutError),
    ],
)
def test_loss_is_told_when_the_connection_breaks(
    pieces: list[bytes | Exception], kind: type[ControlError]
) -> None:
    """Wherever in the answer that is."""
    client = Wired(Connection(*pieces))
    with pytest.raises(kind, match=r"/run/x\.sock"):
        client.status()
    assert client.connection.closed


def test_loss_is_told_when_a_stream_breaks() -> None:
    """After the rows that came."""
    client = Wired(Connection(HEAD % 200 + b'{"a":1}\n', ConnectionResetError(104, "reset")))
    rows = client.events(follow=True)
    assert dict(next(rows)) == {"a": 1}
    with pytest.raises(UnreachableError, match="lost the connection"):
        next(rows)
    assert client.connection.closed


@pytest.mark.parametrize(
    "answer",
    [
        b"5.7.0-mysql\x00\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        HEAD % 200 + b"<html>",
        HEAD % 400 + b"[]",
    ],
)
def test_error_is_told_when_it_is_no_init_that_answers(answer: bytes) -> None:
    """--socket may name any socket."""
    with pytest.raises(ControlError):
        Wired(Connection(answer)).status()


@pytest.mark.parametrize(
    ("name", "params", "least"),
    [
        ("status", {}, 0.0),
        ("stop", {"names": "a", "timeout": 30}, 30.0),
        ("stop", {"names": "a", "timeout": 0.5}, 0.5),
        pytest.param(
            "stop",
            {"names": "a"},
            60.0,
        ),
        pytest.param(
            "stop",
            {"names": "a", "timeout": "1m"},
            60.0,
        ),
    ],
)
def test_client_waits_longer_than_init_when_that_waits(
    name: str, params: dict[str, Any], least: float
) -> None:
    """Else it would give up before the answer that it asked for."""
    client = answered(200, {})
    client.call(BY_NAME[name], params)
    assert client.connection.timeout is not None
    assert client.connection.timeout > least


def test_client_waits_for_ever_when_it_follows() -> None:
    """Nothing may happen for days."""
    client = answered(200, {})
    list(client.logs(follow=True))
    assert client.connection.timeout is None


def test_client_is_a_context_when_used_with_with() -> None:
    """As in the documentation."""
    with answered(200, {"version": "1"}) as init:
        assert init.version()["version"] == "1"


def test_socket_is_the_one_named_when_the_environment_names_one() -> None:
    """Nothing is looked for then."""
    assert find_socket("", {"NSINIT_SOCKET": "/x/y.sock"}) == "/x/y.sock"
    with pytest.raises(UnreachableError, match="cannot find a sandbox 'no such name' that is runn"):
        find_socket("no such name", {"NSINIT_SOCKET": "/x/y.sock"})


@pytest.mark.parametrize(
    ("row", "params", "seconds"),
    [
        ("status", {}, 10.0),
        ("wait", {}, 40.0),
        ("wait", {"timeout": "1m"}, 70.0),
        ("top", {"interval": 60.0}, 70.0),
        ("top", {"interval": "20s"}, 30.0),
        ("logs", {"follow": True}, None),
    ],
)
def test_answer_is_waited_for_when_it_was_asked_to_take_its_time(
    row: str, params: dict[str, object], seconds: float | None
) -> None:
    """As long as that, and the grace."""
    assert patience(BY_NAME[row], params, 10.0) == seconds
