"""A blocking client for the control socket: what `nsinit ctl` uses, and any Python program may.

    from nsinit.client import Client

    with Client() as init:
        for service in init.status()["services"]:
            print(service["name"], service["state"])
        init.restart(names=["web"], timeout=30)

Each command of the table is a method that takes its parameters by name and returns the decoded
JSON; `logs`, `events` and `attach` return an iterator, `exec` a running command. Needs the standard
library only. Requests are HTTP/1.0, so an answer ends where the connection ends.
"""

from __future__ import annotations

import _socket
import json
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Self

from nsinit.control.commands import BY_NAME, Command
from nsinit.errors import (
    ControlError,
    DeniedError,
    TimedOutError,
    UnknownNameError,
    UnreachableError,
    UsageError,
)
from nsinit.places import RECORD_NAME, is_private, roots, socket_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_ERRORS: Final[dict[str, type[ControlError]]] = {
    "denied": DeniedError,
    "timed-out": TimedOutError,
    "unknown-name": UnknownNameError,
}
_CONNECT_TIMEOUT: Final = 5.0
_PATIENCE: Final = 10.0  # s until a command is started
_GRACE: Final = 10.0  # s that an answer may take beyond what was asked for
_PIECE: Final = 1 << 16


class Client:
    """A control socket by its path, by the name of a sandbox, or the only one there is."""

    def __init__(self, path: str | None = None, *, name: str = "", grace: float = _GRACE) -> None:
        self.path = path or find_socket(name)
        self._grace = grace

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is held between calls."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  (methods are rows of the table)
        command = BY_NAME.get(name)
        if command is None:
            raise AttributeError(f"init has no command {name!r}")
        return lambda **params: self.call(command, params)

    def call(self, command: Command, params: Mapping[str, object]) -> Any:  # noqa: ANN401  (JSON)
        """Ask for a row of the table; ControlError says why it failed."""
        connection = self._connect()
        connection.settimeout(_patience(command, params, self._grace))
        try:
            connection.sendall(_request(command, params))
            rows = _Answer(connection)
            status = rows.head()
        except (OSError, ValueError, IndexError) as error:
            connection.close()
            raise _lost(self.path, error) from None
        if command.stream and status == 200:
            return _stream(rows, self.path)
        try:
            body = json.loads(rows.rest())
            if not isinstance(body, dict):
                raise ValueError("it is no object")  # noqa: TRY301
        except (OSError, ValueError) as error:
            raise _lost(self.path, error) from None
        finally:
            connection.close()
        if status != 200:
            raise _error(body)
        return body

    def exec(
        self,
        name: str,
        command: Sequence[str],
        *,
        fds: Sequence[int] = (0, 1, 2),
        terminal: bool = False,
        term: str | None = None,
    ) -> CommandRun:
        """Run a command in the place of a service, on these descriptors; see `wait` of it."""
        params = {"name": name, "command": list(command), "terminal": terminal, "term": term}
        return self.start_command("exec", params, fds)

    def enter(
        self,
        command: Sequence[str] = (),
        *,
        user: str | None = None,
        fds: Sequence[int] = (0, 1, 2),
        terminal: bool = False,
        term: str | None = None,
    ) -> CommandRun:
        """As `exec`, in the place of init itself; a shell if there is no command."""
        params = {"command": list(command), "user": user, "terminal": terminal, "term": term}
        return self.start_command("enter", params, fds)

    def start_command(
        self, row: str, params: Mapping[str, object], fds: Sequence[int] = (0, 1, 2)
    ) -> CommandRun:
        """Start what `exec` or `enter` run, by the parameters of the table."""
        connection = self._connect()
        connection.settimeout(_PATIENCE)
        answer = _Answer(connection)
        try:
            connection.sendall(_request(BY_NAME[row], params))
            if answer.head() != 200:
                raise _error(json.loads(answer.rest()))
            next(answer.lines())
            data = b"".join(fd.to_bytes(4, sys.byteorder) for fd in fds)
            rights = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS, data)
            connection.sendmsg([b"\0"], [rights])
            connection.settimeout(None)
        except (OSError, ValueError, IndexError, StopIteration) as error:
            connection.close()
            raise _lost(self.path, error) from None
        except ControlError:
            connection.close()
            raise
        return CommandRun(connection, b"", self.path)

    def is_answered(self) -> bool:
        """Whether an init listens there now."""
        try:
            self._connect().close()
        except ControlError:
            return False
        return True

    def _connect(self) -> _socket.socket:
        made = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
        made.settimeout(min(_CONNECT_TIMEOUT, self._grace))
        try:
            made.connect(self.path)
        except PermissionError:
            made.close()
            raise DeniedError(f"cannot connect to {self.path}: permission denied") from None
        except OSError as error:
            made.close()
            reason = error.strerror or str(error)
            hint = "is nsinit running?"
            raise UnreachableError(f"cannot connect to {self.path}: {reason}", hint=hint) from None
        return made


class CommandRun:
    """A command that init runs for this client; closing the connection is HUP to it."""

    def __init__(self, connection: _socket.socket, data: bytes, path: str) -> None:
        self._connection = connection
        self._data = data
        self._path = path

    def fileno(self) -> int:
        """What becomes readable when there is something to `poll`."""
        return self._connection.fileno()

    def signal(self, number: int) -> None:
        """Send a signal to its process group."""
        with suppress(OSError):  # it has ended
            self._connection.send(bytes((number,)))

    def wait(self) -> int:
        """Wait for its end: its exit code, or minus the signal that killed it.

        ControlError if it could not be run; its `answer` has the "exit_code" of a shell.
        """
        while (status := self.poll()) is None:
            pass
        return status

    def poll(self) -> int | None:
        """Read what init tells of it: as `wait`, or None if it goes on. Blocks without news."""
        try:
            piece = self._connection.recv(_PIECE)
            *lines, self._data = (self._data + piece).split(b"\n")
            rows = [json.loads(line) for line in lines]
        except (OSError, ValueError) as error:
            self._connection.close()
            raise _lost(self._path, error) from None
        for row in rows:
            if "exit_signal" in row or "exit_code" in row or "error" in row:
                self._connection.close()
            if "error" in row:
                raise _error(row)
            if "exit_signal" in row:
                return -int(row["exit_signal"])
            if "exit_code" in row:
                return int(row["exit_code"])
        if not piece:
            self._connection.close()
            raise UnreachableError("lost the command: init has ended")
        return None


def find_socket(name: str = "", env: Mapping[str, str] | None = None) -> str:
    """The socket of a sandbox by its name; without one, $NSINIT_SOCKET or the only one running."""
    env = os.environ if env is None else env
    if not name and env.get("NSINIT_SOCKET"):
        return env["NSINIT_SOCKET"]
    found: list[str] = []
    for root in roots(env, os.geteuid()):
        if is_private(root) and not _is_trusted(root):
            continue
        names = [name] if name else ["", *_subdirectories(root)]
        paths = {socket_path(root, n): n for n in names}
        found += [path if os.path.exists(path) else _recorded(root, n) for path, n in paths.items()]
    found = [path for path in found if path]
    alive = found if len(found) == 1 else _alive(found)
    if not alive:
        who = f"a sandbox {name!r}" if name else "an init"
        raise UnreachableError(f"cannot find {who} that is running", hint="see nsinit run --help")
    if len(alive) > 1:
        names = sorted(os.path.basename(os.path.dirname(path)) for path in alive)
        raise UsageError(f"several inits are running: {', '.join(names)}", hint="choose by -s NAME")
    return alive[0]


def _patience(command: Command, params: Mapping[str, object], grace: float) -> float | None:
    """How long (s) an answer may take; None for one that goes on."""
    if params.get("follow") or (command.stream and command.name not in ("logs", "events")):
        return None
    defaults = {param.name: param.default for param in command.params}
    wait = params.get("timeout", defaults.get("timeout")) or 0.0
    if isinstance(wait, str):
        from nsinit.units import parse_duration  # noqa: PLC0415  (ctl has read it already)

        wait = parse_duration(wait)
    return (float(wait) if isinstance(wait, (int, float)) else 0.0) + grace


def _subdirectories(root: str) -> list[str]:
    try:
        return sorted(name for name in os.listdir(root) if not name.startswith("."))
    except OSError:
        return []


def _recorded(root: str, name: str) -> str:
    """The control socket that a sandbox has elsewhere, or nothing."""
    if not name:
        return ""
    try:
        with open(f"{root}/{name}/{RECORD_NAME}", "rb") as file:
            path = json.load(file)["control"]
            ours = os.fstat(file.fileno()).st_uid in (0, os.geteuid())
    except (OSError, ValueError, LookupError, TypeError):
        return ""
    return path if ours and isinstance(path, str) and os.path.exists(path) else ""


def _is_trusted(root: str) -> bool:
    """Whether a directory among everybody's is ours, so that nobody else answers in it."""
    try:
        found = os.lstat(root)
    except OSError:
        return False
    return found.st_uid == os.geteuid() and not found.st_mode & 0o022


def _alive(paths: list[str]) -> list[str]:
    """Those that somebody listens on; those of others only if there are none that let us in."""
    alive: list[str] = []
    denied: list[str] = []
    for path in paths:
        probe = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
        try:
            probe.settimeout(_CONNECT_TIMEOUT)
            probe.connect(path)
            alive.append(path)
        except PermissionError:
            denied.append(path)
        except OSError:
            continue
        finally:
            probe.close()
    return alive or denied


def _request(command: Command, params: Mapping[str, object]) -> bytes:
    """An HTTP/1.0 request; a GET has its parameters in the query, a POST in a JSON body."""
    given = {name: value for name, value in params.items() if value is not None}
    target, body = command.path, b""
    if command.method == "GET":
        pairs = [(n, v) for n, value in given.items() for v in _items(value)]
        query = "&".join(f"{name}={_quote(value)}" for name, value in pairs)
        target += f"?{query}" if query else ""
    else:
        body = json.dumps(given).encode()
    head = f"{command.method} {target} HTTP/1.0\r\nHost: nsinit\r\nContent-Length: {len(body)}\r\n"
    return head.encode("ascii") + b"\r\n" + body


def _items(value: object) -> list[object]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _quote(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if isinstance(value, float):
        text = f"{value:f}" if "e" in text else text  # never 1e-05
    raw = text.encode("utf-8", "surrogateescape")
    plain = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~"
    return "".join(chr(byte) if byte in plain else f"%{byte:02X}" for byte in raw)


class _Answer:
    """The bytes of an answer, up to the end of the connection."""

    def __init__(self, connection: _socket.socket) -> None:
        self.connection = connection
        self._data = b""

    def head(self) -> int:
        """Read the head; the status."""
        while b"\r\n\r\n" not in self._data:
            piece = self.connection.recv(_PIECE)
            if not piece:
                raise ConnectionResetError(104, "it closed the connection")
            self._data += piece
        head, _, self._data = self._data.partition(b"\r\n\r\n")
        return int(head.split(b" ", 2)[1])

    def rest(self) -> bytes:
        """Everything that follows."""
        parts = [self._data]
        while piece := self.connection.recv(_PIECE):
            parts.append(piece)
        return b"".join(parts)

    def lines(self) -> Iterator[bytes]:
        """What follows, line by line, as it comes."""
        data = self._data
        while True:
            *whole, data = data.split(b"\n")
            yield from whole
            piece = self.connection.recv(_PIECE)
            if not piece:
                return
            data += piece


def _stream(answer: _Answer, path: str) -> Iterator[dict[str, Any]]:
    try:
        for line in answer.lines():
            yield json.loads(line)
    except (OSError, ValueError) as error:
        raise _lost(path, error) from None
    finally:
        answer.connection.close()


def _error(body: dict[str, Any]) -> ControlError:
    told = body.get("error")
    told = told if isinstance(told, dict) else {}
    kind = _ERRORS.get(str(told.get("code")), ControlError)
    message, hint = str(told.get("message", "no reason given")), str(told.get("hint", ""))
    return kind(message, hint=hint, answer=body)


def _lost(path: str, error: Exception) -> ControlError:
    if isinstance(error, TimeoutError):
        return TimedOutError(f"no answer from {path}")
    if isinstance(error, OSError):
        return UnreachableError(f"lost the connection to {path}: {error.strerror or error}")
    return ControlError(f"what answers on {path} is no nsinit: {error}")
