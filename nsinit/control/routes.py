"""HTTP/1.1 for the command table: bytes in, calls out, and the bytes of answers. No I/O.

Every mistake of a client becomes a JSON error with a code and a message:
{"error": {"code": "unknown-route", "message": "...", "hint": "..."}}.
"""

from __future__ import annotations

import json
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import h11
import msgspec

from nsinit.control.commands import BY_PATH, PREFIX, Command, Param
from nsinit.nearest import did_you_mean
from nsinit.units import parse_duration, parse_signal

MAX_BODY: Final = 64 << 10
MAX_HEAD: Final = 16 << 10
_JSON: Final = "application/json"
_NDJSON: Final = "application/x-ndjson"


class Refusal(Exception):  # noqa: N818  (an answer rather than an error of ours)
    """A call that is refused: an HTTP status, a code for programs, a message for people."""

    def __init__(self, status: int, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.hint = hint

    def body(self) -> dict[str, Any]:
        """The JSON of the answer."""
        error = {"code": self.code, "message": self.message}
        return {"error": error | ({"hint": self.hint} if self.hint else {})}


class Call(NamedTuple):
    """A request that fits a row of the table; every parameter is present, if only as None."""

    command: Command
    params: dict[str, Any]


class HttpConnection:
    """One client connection. After `receive` gave a call or refusal, answer before the next."""

    def __init__(self) -> None:
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
        self._method = self._target = ""
        self._body = b""
        self.heard = b""  # all that came since the last answer was complete

    def receive(self, data: bytes | None) -> Call | Refusal | None:
        """Take bytes (b"" at their end): a call, a refusal, or nothing yet."""
        try:
            if data is not None:
                self.heard += data
                self._http.receive_data(data)
            return self._next()
        except h11.RemoteProtocolError as error:
            return Refusal(error.error_status_hint or 400, "bad-request", f"not HTTP: {error}")

    def _next(self) -> Call | Refusal | None:
        while True:
            event = self._http.next_event()
            if isinstance(event, h11.Request):
                self._method = event.method.decode("ascii", "replace")
                self._target = event.target.decode("ascii", "replace")
                self._body = b""
            elif isinstance(event, h11.Data):
                self._body += event.data
                if len(self._body) > MAX_BODY:
                    return Refusal(413, "too-large", f"a request has at most {MAX_BODY} bytes")
            elif isinstance(event, h11.EndOfMessage):
                return self._call()
            else:  # NEED_DATA, PAUSED, ConnectionClosed
                return None

    def _call(self) -> Call | Refusal:
        try:
            return parse_call(self._method, self._target, self._body)
        except Refusal as refusal:
            return refusal

    def resume(self) -> Call | Refusal | None:
        """After a complete answer: the next call, if the client has sent one already."""
        if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            return None
        self.heard = self._http.trailing_data[0]
        self._http.start_next_cycle()
        return self.receive(None)

    @property
    def must_close(self) -> bool:
        """Whether the connection ends with the answer just given."""
        return self._http.our_state in (h11.MUST_CLOSE, h11.CLOSED, h11.ERROR)

    def answer(self, status: int, body: object) -> bytes:
        """A whole answer."""
        data = encode(body) + b"\n"
        head = self._head(status, _JSON, [("Content-Length", str(len(data)))])
        told = b"" if self._method == "HEAD" else self._send(h11.Data(data=data))
        return head + told + self._send(h11.EndOfMessage())

    def begin_stream(self) -> bytes:
        """The head of an answer of JSON lines that come one by one."""
        return self._head(200, _NDJSON, [])

    def stream(self, data: bytes) -> bytes:
        """Some whole lines of such an answer."""
        return self._send(h11.Data(data=data))

    def end_stream(self) -> bytes:
        """The end of such an answer."""
        return self._send(h11.EndOfMessage())

    def _head(self, status: int, kind: str, more: list[tuple[str, str]]) -> bytes:
        headers = [("Content-Type", kind), ("Cache-Control", "no-store"), *more]
        if self._http.their_state is not h11.DONE:  # the rest of the request is not read
            headers.append(("Connection", "close"))
        return self._send(h11.Response(status_code=status, headers=headers))

    def _send(self, event: Any) -> bytes:  # noqa: ANN401  (h11 has no common type of events)
        return self._http.send(event) or b""


def encode(body: object) -> bytes:
    """JSON; text that is not Unicode (bytes of an environment or a path) is escaped."""
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(body)).encode()


def parse_call(method: str, target: str, body: bytes) -> Call:
    """The row that a request means, and its checked parameters; Refusal otherwise."""
    try:
        parts = urlsplit(target)
    except ValueError as error:
        raise Refusal(400, "bad-request", f"cannot read the address: {error}") from None
    command = BY_PATH.get(parts.path)
    if command is None:
        last = PREFIX + parts.path.rstrip("/").rsplit("/", 1)[-1]
        hint = did_you_mean(last, BY_PATH)
        raise Refusal(404, "unknown-route", f"there is no {parts.path[:200]!r}", hint)
    if method != command.method:
        raise Refusal(405, "wrong-method", f"{command.path} takes {command.method}, not {method}")
    given = _given(command, parts.query, body)
    params = {param.name: _value(param, given.get(param.name)) for param in command.params}
    return Call(command, params)


def _given(command: Command, query: str, body: bytes) -> dict[str, Any]:
    """The parameters of a query string and of a JSON body, unchecked."""
    known = {param.name: param for param in command.params}
    given: dict[str, Any] = {}
    try:
        pairs = parse_qsl(
            query, keep_blank_values=True, max_num_fields=1000, errors="surrogateescape"
        )
    except ValueError as error:
        raise Refusal(400, "bad-request", f"cannot read the query: {error}") from None
    for name, text in pairs:
        if name in known and known[name].kind in ("names", "words"):
            given.setdefault(name, []).append(text)
        else:
            given[name] = text
    if body.strip():
        given |= _json_object(body)
    for name in given:
        if name not in known:
            hint = did_you_mean(name, known)
            message = f"{command.name} has no parameter {name[:100]!r}"
            raise Refusal(400, "unknown-parameter", message, hint)
    return given


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body, parse_constant=_no_number)  # it takes what is not Unicode
    except (ValueError, RecursionError) as error:
        raise Refusal(400, "bad-json", f"cannot read the body: {error}") from None
    if not isinstance(value, dict):
        raise Refusal(400, "bad-json", "expected a JSON object as the body")
    return value


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is no number in JSON")


def _value(param: Param, given: object) -> object:
    """One parameter, as its kind wants it."""
    if given is None:
        if param.required:
            raise Refusal(400, "missing-parameter", f"the parameter {param.name!r} is missing")
        return [] if param.kind == "names" else param.default
    try:
        made = _READERS[param.kind](given)
    except ValueError as error:
        raise Refusal(400, "bad-parameter", f"{param.name}: {error}") from None
    if param.choices and made not in param.choices:
        listed = ", ".join(param.choices)
        hint = did_you_mean(str(made), param.choices)
        raise Refusal(400, "bad-parameter", f"{param.name}: expected one of {listed}", hint)
    if param.required and made == []:
        raise Refusal(400, "missing-parameter", f"the parameter {param.name!r} is empty")
    return made


def _names(value: object) -> list[str]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("expected an array of names")
    return names


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("expected a string")
    return value


def _integer(value: object) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 18:
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**18:
        return value
    raise ValueError("expected a whole number from 0")


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("", "1", "true", "yes"):
        return True
    if value in ("0", "false", "no"):
        return False
    raise ValueError("expected true or false")


_READERS: Final = {
    "names": _names,
    "name": _text,
    "words": _names,
    "choice": _text,
    "text": _text,
    "integer": _integer,
    "seconds": parse_duration,
    "flag": _flag,
    "signal": parse_signal,
}
