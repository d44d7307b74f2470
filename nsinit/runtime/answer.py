"""One answer to an HTTP request of a probe, from its bytes, cut in whatever pieces. Pure.

Only the status is wanted; the rest is read so that the server can finish, and to see that it does.
At most `LIMIT` bytes are looked at, and never more than one header block is kept.
"""

from __future__ import annotations

from typing import Final, NamedTuple

LIMIT: Final = 64 << 10  # bytes: of the headers, and of a body that is waited for
_START: Final = b"HTTP/1."
_SWITCHING: Final = 101
_BODILESS: Final = (_SWITCHING, 204, 304)
_HEX: Final = frozenset(b"0123456789abcdefABCDEF")
_MARKS: Final = (b"\r\n\r\n", b"\n\n")  # the end of the headers


class Verdict(NamedTuple):
    """The status of the answer, or 0 and what is wrong with it."""

    status: int
    text: str = ""


class Answer:
    """Takes bytes until there is a verdict."""

    def __init__(self, *, head: bool = False) -> None:
        """`head`: the request was HEAD, whose answer has no body."""
        self._head_only = head
        self._buffer = b""
        self._status = 0  # of the answer, once its headers are complete
        self._left: int | None = None  # bytes of the body; None: until the end
        self._chunked = False
        self._skip = 0  # bytes of the current chunk
        self._trailers = False  # after the last chunk
        self._seen = 0  # bytes, of everything

    def feed(self, data: bytes) -> Verdict | None:
        """More bytes; a verdict when no more are needed."""
        self._seen += len(data)
        if self._status:
            return self._body(data)
        self._buffer += data
        try:
            complete = self._headers()
        except ValueError as error:
            return Verdict(0, str(error))
        body, self._buffer = (self._buffer, b"") if complete else (b"", self._buffer)
        return self._body(body) if complete else None

    def end(self) -> Verdict:
        """The server has closed the connection."""
        if not self._status:
            return Verdict(0, "it closed the connection without an answer")
        if self._left is not None or self._chunked:
            return Verdict(0, f"it answered {self._status}, but not to the end")
        return Verdict(self._status)

    def _headers(self) -> bool:
        """Take the headers out of the buffer; whether they were all there. ValueError if wrong."""
        while True:
            start = self._buffer[: len(_START)]
            if not _START.startswith(start):
                raise ValueError(f"it speaks no HTTP/1: {_show(self._buffer)}")
            end, size = _end_of_headers(self._buffer)
            if end > LIMIT or (end < 0 and len(self._buffer) >= LIMIT + len(_MARKS[0])):
                raise ValueError("its headers are too long")
            if end < 0:
                return False
            headers, self._buffer = self._buffer[:end], self._buffer[end + size :]
            first, *rows = headers.replace(b"\r\n", b"\n").split(b"\n")
            words = first.split(None, 2)
            if len(words) < 2 or len(words[1]) != 3 or not words[1].isdigit() or words[1] < b"100":
                raise ValueError(f"it answered with no status: {_show(first)}")
            status = int(words[1])
            if status >= 200 or status == _SWITCHING:  # else an interim answer; another follows
                self._begin(status, rows)
                return True

    def _begin(self, status: int, rows: list[bytes]) -> None:
        """How the end of the body is told."""
        self._status = status
        if self._head_only or status in _BODILESS:
            self._left = 0
            return
        for row in rows:
            name, _, value = row.partition(b":")
            value = value.strip().lower()
            if name.lower() == b"transfer-encoding" and value.endswith(b"chunked"):
                self._chunked, self._left = True, None
            elif name.lower() == b"content-length" and not self._chunked:
                if not value.isdigit() or len(value) > 18:
                    self._status = 0
                    raise ValueError("its Content-Length is no number")
                self._left = int(value)

    def _body(self, data: bytes) -> Verdict | None:
        if self._left is not None:
            self._left = max(0, self._left - len(data))
            done = not self._left
        elif self._chunked:
            try:
                done = self._chunks(data)
            except ValueError as error:
                return Verdict(0, str(error))
        else:
            done = False
        return Verdict(self._status) if done or self._seen > LIMIT else None

    def _chunks(self, data: bytes) -> bool:
        """Whether the last chunk and what follows it has come; ValueError if there is no chunk."""
        self._buffer += data
        while True:
            taken = min(self._skip, len(self._buffer))
            self._skip -= taken
            self._buffer = self._buffer[taken:]
            line, newline, rest = self._buffer.partition(b"\n")
            if self._skip or not newline:
                return False
            self._buffer = rest
            if self._trailers:
                if not line.strip():
                    return True
                continue
            size = line.partition(b";")[0].strip()
            if not size or len(size) > 15 or set(size) - _HEX:
                raise ValueError(f"its chunks can't be read: {_show(line)}")
            self._skip = int(size, 16) + 2  # with the line end after it
            if self._skip == 2:
                self._skip, self._trailers = 0, True


def _end_of_headers(data: bytes) -> tuple[int, int]:
    """Where the empty line is, and how long with the line end before it; -1 if not there yet."""
    found = [(data.find(mark), len(mark)) for mark in _MARKS]
    return min((pair for pair in found if pair[0] >= 0), default=(-1, 0))


def _show(data: bytes) -> str:
    return repr(data[:40])[1:]
