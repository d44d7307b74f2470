"""What comes over sockets: requests of clients, notifications of services, answers of either."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from nsinit import wire
from nsinit.attached import Attached
from nsinit.control.attachment import Attachment
from nsinit.control.commands import COMMANDS
from nsinit.control.remote import RemoteGate
from nsinit.control.routes import MAX_BODY, MAX_HEAD, Asked, Call, HttpConnection, Refusal
from nsinit.errors import ControlError
from nsinit.model.spec import Listen
from nsinit.runtime import notify
from nsinit.runtime.answer import LIMIT, Answer
from nsinit.runtime.handover import pack
from nsinit.runtime.hearing import understand
from scripts.fuzzing.choices import Choices
from scripts.fuzzing.target import Target, words_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from nsinit.control.reply import Reply
    from nsinit.runtime.boot import Init

_ANSWERS: Final = 64  # on one connection, then it is enough
_WORDS: Final = (
    *words_of(
        "GET POST HEAD OPTIONS HTTP/1.1 HTTP/1.0 HTTP/2.0 Host: Content-Length: Transfer-Encoding: chunked"
        " Connection: close keep-alive Expect: 100-continue Upgrade: websocket Content-Type:"
        " application/json application/x-www-form-urlencoded Content-Encoding: gzip 0 7fffffff names="
        " names=a&names=b timeout=1e5 true null"
    ),
    b"\r\n",
    b"\r\n\r\n",
    b"0\r\n\r\n",
    b"%ff%00",
    b"\n ",
    b'{"names":["a"]}',
    b"{",
    b"[" * 100,
)


def _http(data: bytes) -> None:
    _converse(data, lambda _: None)


def _converse(data: bytes, screen: Callable[[Asked], object]) -> None:
    """Answer as a server does, whatever is asked in whatever pieces."""
    choices = Choices(data[:1] + data[-8:])
    http = HttpConnection(screen)
    count = 0
    for piece in [*filter(None, choices.cut(data[1:], 3)), b""]:
        asked = http.receive(piece)
        http.proceed()
        while asked is not None:
            count += 1
            _answer(http, asked, stream=bool(count % 3 == 0))
            if http.must_close or count >= _ANSWERS:
                return
            asked = http.resume()
        assert len(http.heard) <= len(data) + MAX_HEAD + MAX_BODY


def _answer(http: HttpConnection, asked: Call | Refusal, *, stream: bool) -> None:
    if isinstance(asked, Refusal):
        body = asked.body()
        assert 200 <= asked.status < 500 or asked.status == 501, asked
        json.loads(http.answer(asked.status, body).rpartition(b"\r\n\r\n")[2] or b"{}")
    elif stream and asked.command.stream:
        http.begin_stream()
        http.stream(b'{"a": 1}\n')
        http.end_stream()
    else:
        assert set(asked.params) == {param.name for param in asked.command.params}
        http.answer(200, {"params": {key: repr(value) for key, value in asked.params.items()}})


_PORT: Final = SimpleNamespace(
    listen=msgspec.convert(
        {
            "address": "127.0.0.1:80", "hosts": ["shop.example"], "token_file": "/t",
            "status_page": True, "actions": True,
        },
        Listen, dec_hook=lambda kind, value: kind(value), strict=False,
    ),
    token=b"secret", socket=None,
)  # fmt: skip


def _remote(data: bytes) -> None:
    """By TCP: nothing but what is open is called by who has no token."""
    gate = RemoteGate(cast("Init", SimpleNamespace(port=_PORT)))
    _converse(data, gate.screen)


def _requests() -> list[bytes]:
    first = b"GET /v1/status HTTP/1.1\r\nHost: a\r\n\r\n"
    post = b"POST /v1/start HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    chunked = b'Transfer-Encoding: chunked\r\n\r\n4\r\n{"na\r\nb;x=y\r\nmes":["a"]}\r\n0\r\n\r\n'
    made = [
        first,
        first * 3,
        post + b'Content-Length: 15\r\n\r\n{"names":["a"]}' + first,
        post + chunked + first,
        b"HEAD /v1/version HTTP/1.0\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1:80\r\nAuthorization: Bearer secret\r\n\r\n",
        (
            b"POST /v1/stop HTTP/1.1\r\nHost: shop.example\r\nAuthorization: Bearer secret\r\n"
            b"Origin: http://shop.example\r\nContent-Type: application/json\r\n"
            b"Content-Length: 2\r\n\r\n{}"
        ),
    ]
    made += [
        wire.request(row, {param.name: _of_kind(param.kind) for param in row.params})
        for row in COMMANDS
    ]
    return [b"\0" + one for one in made]


def _of_kind(kind: str) -> object:
    plain: dict[str, object] = {
        "names": ["a", "b*"], "words": ["x"], "integer": 3, "seconds": 1.5, "flag": True,
        "moment": "5m", "signal": "HUP",
    }  # fmt: skip
    return plain.get(kind, "a")


def _notify(data: bytes) -> None:
    fields = notify.parse(data)
    for name, value in fields.items():
        assert "\n" not in name + value
    event = understand("a", 1, fields)
    assert event.status is None or event.status.isprintable()
    pack(event)  # as it goes to another init
    notify._take_ancillary([(1, 1, data), (1, 2, data), (0, 1, data)])  # noqa: SLF001  (pure)


def _probe(data: bytes) -> None:
    """There is a verdict in the end, and no more is kept than is looked at."""
    choices = Choices(data[:8])
    answer = Answer(head=bool(choices.number(1)))
    for piece in choices.cut(data[8:]):
        verdict = answer.feed(piece)
        assert len(answer._buffer) <= LIMIT + len(data)  # noqa: SLF001  (what is kept)
        if verdict is not None:
            assert 100 <= verdict.status <= 999 or verdict.text
            return
    answer.end()


class _Said:
    """A connection that says what it was given, in pieces, and takes what it is told."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    def recv(self, size: int) -> bytes:
        piece = self._pieces.pop(0) if self._pieces else b""
        if len(piece) > size:
            self._pieces.insert(0, piece[size:])
        return piece[:size]

    def send(self, data: bytes) -> int:
        return len(data)


def _client(data: bytes) -> None:
    """What `nsinit ctl` makes of whatever answers on the socket."""
    choices = Choices(data[:8])
    said = [piece for piece in choices.cut(data[8:]) if piece]
    answer = wire.Answer(cast("Any", _Said(said)))
    try:
        status = answer.head()
        if status == 200:
            for line in answer.lines():
                wire.decode(line)
            return
        body = wire.decode(answer.rest())
        if isinstance(body, dict):
            raise wire.error_of(body)
    except (OSError, ValueError, IndexError, RecursionError) as error:
        raise wire.lost("/x", error) from None


def _attached(data: bytes) -> None:
    """What `nsinit ctl attach` makes of it."""
    choices = Choices(data[:8])
    said = [piece for piece in choices.cut(data[8:]) if piece]
    terminal = Attached(cast("Any", _Said(said)), b"", "/x")
    while terminal.read() is not None:
        continue


class _Terminal:
    """Takes what was typed."""

    def __init__(self) -> None:
        self.listeners: list[object] = []
        self.on_end: list[object] = []
        self.typed = 0

    def resize(self, rows: int, columns: int, *, anew: bool) -> None:
        assert 0 < rows < 65536
        assert 0 < columns < 65536
        del anew

    def type(self, data: bytes, resume: object) -> bool:
        del resume
        self.typed += len(data)
        return True

    def forget(self, *_: object) -> None:
        self.listeners.clear()


class _Reply:
    """Hears what a client is told."""

    def __init__(self) -> None:
        self.hearer: Callable[[bytes], object] = lambda _: None

    def hear(self, hearer: Callable[[bytes], object]) -> None:
        self.hearer = hearer

    def __getattr__(self, name: str) -> Callable[..., object]:
        return lambda *_, **__: None


def _typed(data: bytes) -> None:
    """What a client of `terminal` says; a refusal ends it."""
    choices = Choices(data[:8])
    reply, terminal = _Reply(), _Terminal()
    turns = SimpleNamespace(call_soon=lambda _: None, take=lambda *_: None)
    init = SimpleNamespace(reactor=SimpleNamespace(turns=turns))
    made = Attachment(cast("Init", init), "a", 1, cast("Reply", reply), types=True, past=iter(()))
    made._terminal = cast("Any", terminal)  # noqa: SLF001  (as `begin` sets it)
    made._feed = cast("Any", _Reply())  # noqa: SLF001  (where it would send)
    reply.hear(made._hear)  # noqa: SLF001  (as `begin` does)
    for piece in choices.cut(data[8:]):
        reply.hearer(piece)
    assert terminal.typed <= len(data)


_HEAD: Final = b"\0" * 8
_OK: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

TARGETS: Final = (
    Target(
        "http", _http,
        ("nsinit.control.routes", "nsinit.control.readers"),
        words=_WORDS, seeds=_requests, most=8192,
    ),
    Target(
        "http-remote", _remote, ("nsinit.control.remote", "nsinit.control.routes"),
        words=(*_WORDS, *words_of("Authorization: Bearer secret Origin: http:// shop.example 127.0.0.1 [::1]")),
        seeds=_requests, most=8192,
    ),
    Target(
        "sd-notify", _notify, ("nsinit.runtime.notify", "nsinit.runtime.hearing"),
        words=words_of("READY=1 STATUS= MAINPID= WATCHDOG_USEC= FDSTORE=1 FDNAME= BARRIER=1 EXTEND_TIMEOUT_USEC="),
        seeds=lambda: [b"READY=1\nSTATUS=ok\nMAINPID=1\nMONOTONIC_USEC=5", b"ERRNO=2\nBARRIER=1\nX"],
    ),
    Target(
        "probe-answer", _probe, ("nsinit.runtime.answer",),
        words=(*_WORDS, b"HTTP/1.1 100 ", b"HTTP/1.1 204 No\r\n", b"\n\n", b"ffff\r\n"),
        seeds=lambda: [
            _HEAD + _OK + b"Content-Length: 2\r\n\r\n{}",
            _HEAD + _OK + b"Transfer-Encoding: chunked\r\n\r\n2;a\r\n{}\r\n0\r\nA: b\r\n\r\n",
            _HEAD + b"HTTP/1.0 100 Continue\n\nHTTP/1.1 503 No\nX: y\n\n",
        ],
    ),
    Target(
        "client", _client, ("nsinit.wire",), answers=(ControlError,), words=_WORDS,
        seeds=lambda: [
            _HEAD + _OK + b'\r\n{"a": 1}\n{}\n',
            _HEAD + b'HTTP/1.1 404 No\r\nContent-Length: 49\r\n\r\n'
            b'{"error": {"code": "unknown-name", "message": 1}}',
            _HEAD + b"HTTP/1.1 500 \r\n\r\n{}",
        ],
    ),
    Target(
        "client-attach", _attached, ("nsinit.attached",), answers=(ControlError,),
        words=words_of('{"output":"aGk="} {"skipped":3} {"exit_code":0} {"exit_signal":9} {"error":{}} null [] "'),
        seeds=lambda: [
            _HEAD + b'{"service": "a", "run": 3}\n{"output": "aGVsbG8NCg=="}\n{"exit_code": 0}\n',
            _HEAD + b'{"skipped": 4096}\n{"exit_signal": 15}\n',
            _HEAD + b'{"error": {"code": "denied", "message": "no"}}\n',
        ],
    ),
    Target(
        "terminal-rows", _typed, ("nsinit.control.attachment",),
        words=words_of('{"input":"bHMK"} {"rows":24,"columns":80} "input": 65536 -1 null'),
        seeds=lambda: [_HEAD + b'{"rows": 24, "columns": 80}\n{"input": "bHMK"}\n{"input": "eA=="}\n'],
    ),
)  # fmt: skip
