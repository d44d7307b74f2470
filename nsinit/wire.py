"""Requests and answers of the control socket as bytes, for a client of it.

Requests are HTTP/1.0, so an answer ends where the connection ends. The modules of the standard
library that could be used here load more than `nsinit ctl` takes for everything else.
"""

from __future__ import annotations

from nsinit.errors import (
    ControlError,
    DeniedError,
    TimedOutError,
    UnknownNameError,
    UnreachableError,
)

TYPE_CHECKING = False  # as `typing` has it
if TYPE_CHECKING:
    import _socket
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any, Final

    from nsinit.control.commands import Command

_ERRORS: Final[dict[str, type[ControlError]]] = {
    "denied": DeniedError,
    "timed-out": TimedOutError,
    "unknown-name": UnknownNameError,
}
PIECE: Final = 1 << 16
_FORM_MAX: Final = 1000  # pairs that init takes in a form
_PLAIN: Final = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~"
_NO_JSON: Final = "it is no JSON"


def request(command: Command, params: Mapping[str, object]) -> bytes:
    """An HTTP/1.0 request; a GET has its parameters in the query, a POST as a form in its body."""
    given = {name: value for name, value in params.items() if value is not None}
    pairs = [(n, v) for n, value in given.items() for v in _items(value)]
    form = "&".join(f"{name}={_quote(value)}" for name, value in pairs)
    target, kind, body = command.path, "", b""
    if command.method == "GET":
        target += f"?{form}" if form else ""
    elif len(pairs) < _FORM_MAX:
        kind, body = "Content-Type: application/x-www-form-urlencoded\r\n", form.encode("ascii")
    else:
        import json  # noqa: PLC0415  (for hundreds of names: nobody types them)

        body = json.dumps(given).encode()
    head = f"{command.method} {target} HTTP/1.0\r\nHost: nsinit\r\n{kind}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode("ascii") + body


def _items(value: object) -> list[object]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _quote(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if isinstance(value, float):
        text = f"{value:f}" if "e" in text else text  # never 1e-05
    raw = text.encode("utf-8", "surrogateescape")
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in raw)


class _Rules:
    """What `json.JSONDecoder` asks of its scanner when nothing is asked of it."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_float, parse_int, parse_constant = float, int, float


def _scanner() -> Callable[[str, int], tuple[Any, int]]:
    """The part of `json` that is written in C; the rest of it loads regular expressions."""
    rules: Any = _Rules
    try:
        from _json import make_scanner  # noqa: PLC0415  (CPython alone has it)
    except ImportError:
        from json import JSONDecoder  # noqa: PLC0415

        return JSONDecoder().raw_decode
    return make_scanner(rules)


_scan: Final = _scanner()


def decode(data: bytes) -> Any:  # noqa: ANN401  (JSON)
    """What `json.loads` makes of it; ValueError."""
    text = data.decode("utf-8", "surrogatepass").strip(" \t\r\n")
    try:
        value, end = _scan(text, 0)
    except StopIteration:
        raise ValueError(_NO_JSON) from None
    if end != len(text):
        raise ValueError(_NO_JSON)
    return value


class Head:
    """The first lines of an answer."""

    def __init__(self) -> None:
        self.size = 0  # bytes, with the empty line
        self.status = 0
        self.length: int | None = None  # of what follows, if that is told

    def feed(self, data: bytes) -> bool:
        """Whether all of it is in these bytes; ValueError, IndexError if it is none."""
        head, end, _ = data.partition(b"\r\n\r\n")
        if not end:
            return False
        self.size = len(head) + len(end)
        first, *rows = head.split(b"\r\n")
        self.status = int(first.split(b" ", 2)[1])
        for row in rows:
            name, _, value = row.partition(b":")
            if name.strip().lower() == b"content-length":
                self.length = int(value)
        return True


class Answer:
    """The bytes of an answer, up to the end of the connection."""

    def __init__(self, connection: _socket.socket) -> None:
        self.connection = connection
        self._data = b""
        self._head = Head()

    def head(self) -> int:
        """Read the head; the status."""
        while not self._head.feed(self._data):
            piece = self.connection.recv(PIECE)
            if not piece:
                raise ConnectionResetError(104, "it closed the connection")
            self._data += piece
        self._data = self._data[self._head.size :]
        return self._head.status

    def rest(self) -> bytes:
        """Everything that follows; ConnectionResetError if it is less than was announced."""
        parts, left = [self._data], self._head.length
        if left is not None:
            left -= len(self._data)
        while left is None or left > 0:
            piece = self.connection.recv(PIECE)
            if not piece:
                break
            parts.append(piece)
            if left is not None:
                left -= len(piece)
        if left:
            raise ConnectionResetError(104, "it closed the connection")
        return b"".join(parts)

    @property
    def left(self) -> bytes:
        """What has been read beyond the head."""
        return self._data

    def lines(self) -> Iterator[bytes]:
        """What follows, line by line, as it comes."""
        data = self._data
        while True:
            *whole, data = data.split(b"\n")
            yield from whole
            piece = self.connection.recv(PIECE)
            if not piece:
                return
            data += piece


def error_of(body: dict[str, Any]) -> ControlError:
    """What a refusal says, as an exception of the kind that its code means."""
    told = body.get("error")
    told = told if isinstance(told, dict) else {}
    kind = _ERRORS.get(str(told.get("code")), ControlError)
    message, hint = str(told.get("message", "no reason given")), str(told.get("hint", ""))
    return kind(message, hint=hint, answer=body)


def lost(path: str, error: Exception) -> ControlError:
    """What became of a connection, or what was at its other end, when that went wrong."""
    if isinstance(error, TimeoutError):
        return TimedOutError(f"no answer from {path}")
    if isinstance(error, OSError):
        return UnreachableError(f"lost the connection to {path}: {error.strerror or error}")
    return ControlError(f"what answers on {path} is no nsinit: {error}")
