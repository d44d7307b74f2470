"""A client at the terminal of a service: rows of JSON both ways, on one connection."""

from __future__ import annotations

import json
from binascii import a2b_base64, b2a_base64
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from nsinit.errors import UnreachableError
from nsinit.wire import PIECE, error_of, lost

if TYPE_CHECKING:
    import _socket

# What reading shows that somebody else than nsinit wrote.
_NOT_OURS: Final = (OSError, ValueError, AttributeError, TypeError, OverflowError)
_TYPED: Final = 24 << 10  # bytes that are typed in one row


class Attached:
    """The terminal of a service. Nothing here waits, so that a loop can serve both directions."""

    def __init__(self, connection: _socket.socket, data: bytes, path: str) -> None:
        self.status: int | None = None  # of the run that has ended: a code, or minus a signal
        self.service: dict[str, Any] = {}  # its "service" and "run", once that has come
        self._connection = connection
        self._data = data
        self._unsent = b""
        self._is_over = False
        self._path = path

    def fileno(self) -> int:
        """What becomes readable when there is something to `read`."""
        return self._connection.fileno()

    def read(self) -> bytes | None:
        """What the terminal has shown since, None once the run has ended; ControlError."""
        if self._is_over:
            return None
        try:
            with suppress(BlockingIOError):
                piece = self._connection.recv(PIECE)
                if not piece:
                    raise UnreachableError("lost the terminal: init has ended, or was kept waiting")
                self._data += piece
            *lines, self._data = self._data.split(b"\n")
            rows = [json.loads(line) for line in lines]
            return self._take(rows)
        except _NOT_OURS as error:
            raise lost(self._path, error) from None

    def _take(self, rows: list[dict[str, Any]]) -> bytes | None:
        """What rows show, and what else they say."""
        made = b"".join(a2b_base64(row.get("output", "")) for row in rows)
        for row in rows:
            if "error" in row:
                raise error_of(row)
            if "service" in row:
                self.service = row
            elif "skipped" in row:
                made += b"\r\n[%d bytes were skipped]\r\n" % row["skipped"]
            elif "output" not in row:
                code, number = row.get("exit_code"), row.get("exit_signal")
                self.status = code if number is None else -number
                self._is_over = True
                return made or None
        return made

    def type(self, data: bytes) -> None:
        """Type on it, as soon as init takes it; see `flush`."""
        for at in range(0, len(data), _TYPED):
            text = b2a_base64(data[at : at + _TYPED], newline=False).decode()
            self._say({"input": text})

    def resize(self, rows: int, columns: int) -> None:
        """Tell the size of the window."""
        self._say({"rows": rows, "columns": columns})

    def _say(self, row: dict[str, Any]) -> None:
        self._unsent += json.dumps(row).encode() + b"\n"
        self.flush()

    @property
    def unsent(self) -> int:
        """Bytes that init has not taken yet, because the service does not read."""
        return len(self._unsent)

    def flush(self) -> None:
        """Send what waits, as far as it goes; what went wrong is told by `read`."""
        try:
            while self._unsent:
                self._unsent = self._unsent[self._connection.send(self._unsent) :]
        except BlockingIOError:
            return
        except OSError:
            self._unsent = b""

    def close(self) -> None:
        """Leave; the service goes on."""
        self._connection.close()
