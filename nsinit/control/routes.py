"""HTTP/1.1 for the command table: bytes in, calls out, and the bytes of answers. No I/O.

Every mistake of a client becomes a JSON error with a code and a message:
{"error": {"code": "unknown-route", "message": "...", "hint": "..."}}.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import h11
import msgspec

from nsinit.control import targets
from nsinit.control.commands import BY_PATH, PREFIX, Command, Param
from nsinit.control.readers import READERS
from nsinit.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_BODY: Final = 64 << 10
MAX_HEAD: Final = 16 << 10
_JSON: Final = "application/json"
_FORM: Final = "application/x-www-form-urlencoded"
PAGE: Final = "text/html; charset=utf-8"
_NDJSON: Final = "application/x-ndjson"


Headers = tuple[tuple[str, str], ...]


class Refusal(Exception):  # noqa: N818  (an answer rather than an error of ours)
    """A call that is refused: an HTTP status, a code for programs, a message for people."""

    allow = ""  # the methods that the path takes, if another was tried
    headers: Headers = ()  # more of them

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


def _too_large() -> Refusal:
    return Refusal(413, "too-large", f"a request has at most {MAX_BODY} bytes")


class Options(Refusal):
    """The answer to OPTIONS: nothing but the methods that a path takes."""

    def __init__(self, allow: str) -> None:
        super().__init__(204, "", "")
        self.allow = allow


class Page(Refusal):
    """No call, but the status page."""

    def __init__(self, text: bytes, policy: str) -> None:
        super().__init__(200, "", "")
        self.text = text
        self.headers = (("Content-Security-Policy", policy),)


class Asked(NamedTuple):
    """A request as it came; the names of headers are in small letters."""

    method: str
    target: str
    headers: dict[str, str]


class Call(NamedTuple):
    """A request that fits a row of the table; every parameter is present, if only as None."""

    command: Command
    params: dict[str, Any]


class HttpConnection:
    """One client connection. After `receive` gave a call or refusal, answer before the next."""

    def __init__(
        self, screen: Callable[[Asked], object] = lambda _: None, headers: Headers = ()
    ) -> None:
        """`screen` may refuse what was asked; `headers` are those of each answer."""
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
        self._screen = screen
        self._always = headers
        self._begin(Asked("", "", {}))
        self.heard = b""  # all that came since the last answer was complete

    def _begin(self, asked: Asked) -> None:
        """Nothing of the request before this one counts, even if this one is no request at all."""
        self.asked = asked
        self._body, self._kind, self._allow = b"", "", ""
        self._more: Headers = ()  # of this answer

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
                method = event.method.decode("ascii", "replace")
                target = event.target.decode("ascii", "replace")
                self._begin(Asked(method, target, _headers_of(event)))
                head = dict(event.headers)
                if len(event.target) + sum(len(n) + len(v) for n, v in event.headers) > MAX_HEAD:
                    return Refusal(431, "bad-request", f"a head has at most {MAX_HEAD} bytes")
                self._kind = _media_type(head)
                if int(head.get(b"content-length", b"0")) > MAX_BODY:
                    return _too_large()
            elif isinstance(event, h11.Data):
                self._body += event.data
                if len(self._body) > MAX_BODY:
                    return _too_large()
            elif isinstance(event, h11.EndOfMessage):
                return self._call()
            else:  # NEED_DATA, PAUSED, ConnectionClosed
                return None

    def _call(self) -> Call | Refusal:
        try:
            self._screen(self.asked)
            call = parse_call(self.asked.method, self.asked.target, self._body, self._kind)
        except Refusal as refusal:
            self.heed(refusal)
            return refusal
        return call

    def heed(self, refusal: Refusal) -> None:
        """Have its headers in the answer."""
        self._allow, self._more = refusal.allow, refusal.headers

    @property
    def is_asking(self) -> bool:
        """Whether a request has begun, and is not complete."""
        return bool(self.heard)

    def resume(self) -> Call | Refusal | None:
        """After a complete answer: the next call, if the client has sent one already."""
        if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            return None
        self.heard = self._http.trailing_data[0]
        self._begin(Asked("", "", {}))
        self._http.start_next_cycle()
        return self.receive(None)

    def proceed(self) -> bytes:
        """What a client waits for that has asked whether its body is welcome; else nothing."""
        if not self._http.they_are_waiting_for_100_continue:
            return b""
        return self._send(h11.InformationalResponse(status_code=100, headers=[]))

    @property
    def must_close(self) -> bool:
        """Whether the connection ends with the answer just given."""
        return self._http.our_state in (h11.MUST_CLOSE, h11.CLOSED, h11.ERROR)

    def answer(self, status: int, body: object) -> bytes:
        """A whole answer; one without content is the methods of the path."""
        if status == 204:
            return self._head(status, "", []) + self._send(h11.EndOfMessage())
        return self.answer_bytes(status, _JSON, encode(body) + b"\n")

    def answer_bytes(self, status: int, kind: str, data: bytes) -> bytes:
        """A whole answer that is no JSON."""
        head = self._head(status, kind, [("Content-Length", str(len(data)))])
        told = b"" if self.asked.method == "HEAD" else self._send(h11.Data(data=data))
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
        headers = [("Content-Type", kind)] if kind else []
        headers += [("Cache-Control", "no-store"), *more]
        headers += (dict(self._always) | dict(self._more)).items()
        if self._allow:
            headers.append(("Allow", self._allow))
        if self._http.their_state is not h11.DONE:  # the rest of the request is not read
            headers.append(("Connection", "close"))
        return self._send(h11.Response(status_code=status, headers=headers))

    def _send(self, event: Any) -> bytes:  # noqa: ANN401  (h11 has no common type of events)
        return self._http.send(event) or b""


def _headers_of(request: h11.Request) -> dict[str, str]:
    """By their names in small letters; of one that is there twice, both with a comma (RFC 9110)."""
    made: dict[str, str] = {}
    for raw, value in request.headers:
        name, text = raw.decode("ascii", "replace"), value.decode("latin-1")
        made[name] = f"{made[name]},{text}" if name in made else text
    return made


def encode(body: object) -> bytes:
    """JSON; text that is not Unicode (bytes of an environment or a path) is escaped."""
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:
        import json  # noqa: PLC0415  (hardly ever: what is not Unicode)

        return json.dumps(msgspec.to_builtins(body)).encode()


def parse_call(method: str, target: str, body: bytes, kind: str = "") -> Call:
    """The row that a request means, and its checked parameters; Refusal otherwise.

    `kind` is the media type of the body; without any it is JSON.
    """
    try:
        path, query = targets.split(target)
    except ValueError as error:
        raise Refusal(400, "bad-request", f"cannot read the address: {error}") from None
    if method == "OPTIONS" and path == "*":
        raise Options("GET, HEAD, OPTIONS, POST")
    command = BY_PATH.get(path)
    if command is None:
        hint = did_you_mean(PREFIX + path.rstrip("/").rsplit("/", 1)[-1], BY_PATH)
        raise Refusal(404, "unknown-route", f"there is no {path[:200]!r}", hint)
    _check_method(command, method)
    given = _given(command, query, body, kind)
    params = {param.name: _value(param, given.get(param.name)) for param in command.params}
    return Call(command, params)


def _check_method(command: Command, method: str) -> None:
    """HEAD is for whatever has an end."""
    takes = [command.method, "OPTIONS"]
    if command.method == "GET" and not command.stream:
        takes.insert(1, "HEAD")
    if method == "OPTIONS":
        raise Options(", ".join(takes))
    if method not in takes:
        message = f"{command.path} takes {command.method}, not {method}"
        refusal = Refusal(405, "wrong-method", message)
        refusal.allow = ", ".join(takes)
        raise refusal


def _media_type(head: dict[bytes, bytes]) -> str:
    """Of the body; what is packed can't be read."""
    if head.get(b"content-encoding", b"identity").lower() not in (b"identity", b""):
        return "packed"
    kind = head.get(b"content-type", b"").partition(b";")[0]
    return kind.strip().lower().decode("ascii", "replace")


def _given(command: Command, query: str, body: bytes, kind: str) -> dict[str, Any]:
    """The parameters of a query string and of a body, unchecked."""
    known = {param.name: param for param in command.params}
    given = _pairs(known, query)
    if body.strip():
        given |= _of_body(known, body, kind)
    for name in given:
        if name not in known:
            hint = did_you_mean(name, known)
            message = f"{command.name} has no parameter {name[:100]!r}"
            raise Refusal(400, "unknown-parameter", message, hint)
    return given


def _of_body(known: dict[str, Param], body: bytes, kind: str) -> dict[str, Any]:
    """`curl -d` calls all that it sends a form; where JSON begins, JSON is meant."""
    if kind == _FORM and not body.lstrip().startswith(b"{"):
        return _pairs(known, body.decode("utf-8", "surrogateescape"))
    if kind in ("", _JSON, _FORM) or kind.endswith("+json"):
        made = _json_object(body)
        for name, value in made.items():  # a query has no other types, JSON has
            if isinstance(value, str) and name in known and known[name].kind in ("flag", "integer"):
                wanted = "true or false" if known[name].kind == "flag" else "a number"
                raise Refusal(400, "bad-parameter", f"{name}: expected {wanted}, not a string")
        return made
    message = f"cannot read a body of the type {kind[:100]!r}"
    raise Refusal(415, "unsupported-type", message, f"{_JSON} or {_FORM}")


def _pairs(known: dict[str, Param], text: str) -> dict[str, Any]:
    """What a query or a form says; names add up, of anything else the last counts."""
    try:
        pairs = targets.pairs(text)
    except ValueError as error:
        raise Refusal(400, "bad-request", f"cannot read the query: {error}") from None
    given: dict[str, Any] = {}
    for name, value in pairs:
        if name in known and known[name].kind in ("names", "words"):
            given.setdefault(name, []).append(value)
        else:
            given[name] = value
    return given


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        value = _read_json(body)
    except (ValueError, RecursionError) as error:
        raise Refusal(400, "bad-json", f"cannot read the body: {error}") from None
    if not isinstance(value, dict):
        raise Refusal(400, "bad-json", "expected a JSON object as the body")
    return value


def _read_json(body: bytes) -> object:
    try:
        return msgspec.json.decode(body)
    except ValueError:
        import json  # noqa: PLC0415  (it takes what is not Unicode, and knows what is wrong where)

        return json.loads(body, parse_constant=_no_number)


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is no number in JSON")


def _value(param: Param, given: object) -> object:
    """One parameter, as its kind wants it."""
    if given is None:
        if param.required:
            raise Refusal(400, "missing-parameter", f"the parameter {param.name!r} is missing")
        return [] if param.kind == "names" else param.default
    try:
        made = READERS[param.kind](given)
    except ValueError as error:
        raise Refusal(400, "bad-parameter", f"{param.name}: {error}") from None
    _check_bounds(param, made)
    if param.choices and made not in param.choices:
        listed = ", ".join(param.choices)
        hint = did_you_mean(str(made), param.choices)
        raise Refusal(400, "bad-parameter", f"{param.name}: expected one of {listed}", hint)
    if param.required and made == []:
        raise Refusal(400, "missing-parameter", f"the parameter {param.name!r} is empty")
    return made


def _check_bounds(param: Param, made: Any) -> None:  # noqa: ANN401  (what any reader makes)
    if param.most and made > param.most:
        unit = " seconds" if param.kind == "seconds" else ""
        message = f"{param.name}: expected at most {param.most}{unit}"
        raise Refusal(400, "bad-parameter", message)
    words = [made] if isinstance(made, str) else made
    if param.pattern and (bad := [word for word in words if not re.search(param.pattern, word)]):
        message = f"{param.name}: expected {param.help}, got {bad[0]!r}"
        raise Refusal(400, "bad-parameter", message)
