"""A blocking client for the control socket: what `nsinit ctl` uses, and any Python program may.

    from nsinit.client import Client

    with Client() as init:
        for service in init.status()["services"]:
            print(service["name"], service["state"])
        init.restart("web", timeout=30)

Each command of the table is a method; it takes what stands by itself on the command line by
position or name, the rest by name, and returns the decoded JSON. `logs`, `events` and `attach`
return an iterator, `exec` a running command, `attach_to` the terminal of a service. Type checkers
know all of it from calls.pyi. Needs the standard library only. Requests are HTTP/1.0, so an answer
ends where the connection ends.
"""

from __future__ import annotations

import _socket
import sys
import time

from nsinit.control.commands import BY_NAME, Command
from nsinit.errors import (
    ControlError,
    DeniedError,
    UnreachableError,
)
from nsinit.locate import CONNECT_TIMEOUT, find_socket
from nsinit.wire import PIECE, Answer, decode, error_of, lost, request

TYPE_CHECKING = False  # as `typing` has it
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, Final, Self

    from nsinit.attached import Attached
    from nsinit.calls import Calls
else:
    Calls = object  # the methods come from the table

AGAIN: Final = 0.02  # s between two tries to connect
_PATIENCE: Final = 10.0  # s until a stream or a command has begun
GRACE: Final = 10.0  # s that an answer may take beyond what was asked for


class Client(Calls):
    """A control socket by its path, by the name of a sandbox, or the only one there is.

    An answer may take `grace` seconds longer than was asked for. Where nobody listens, or not yet,
    it is tried again for `wait` seconds (of a known path: what is not there has no name).
    """

    def __init__(
        self,
        path: str | None = None,
        *,
        name: str = "",
        grace: float = GRACE,
        wait: float = 0.0,
    ) -> None:
        self.path = path or find_socket(name)
        self._grace = grace
        self._wait = wait

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is held between calls."""

    if not TYPE_CHECKING:  # who checks types knows better

        def __getattr__(self, name: str) -> Any:  # noqa: ANN401  (methods are rows of the table)
            command = command_of(name)
            return lambda *words, **params: self.call(command, named(command, words, params))

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *BY_NAME]

    def call(self, command: Command, params: Mapping[str, object]) -> Any:  # noqa: ANN401  (JSON)
        """Ask for a row of the table; ControlError says why it failed."""
        connection = self._connect()
        connection.settimeout(patience(command, params, self._grace))
        rows = Answer(connection)
        try:
            _send(connection, request(command, params))
            self.before_answer(connection)
            status = rows.head()
        except (OSError, ValueError, IndexError) as error:
            connection.close()
            raise lost(self.path, error) from None
        if command.stream and status == 200:
            return _stream(rows, self.path)
        try:
            text = rows.rest()
            if command.text and status == 200:
                return text.decode()
            body = decode(text)
            if not isinstance(body, dict):
                raise ValueError("it is no object")  # noqa: TRY301
        except (OSError, ValueError) as error:
            raise lost(self.path, error) from None
        finally:
            connection.close()
        if status != 200:
            raise error_of(body)
        return body

    def before_answer(self, connection: _socket.socket) -> None:
        """What to do while an answer is awaited: nothing here."""

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
        answer = self.open_stream(BY_NAME[row], params)
        connection = answer.connection
        try:
            next(answer.lines())
            data = b"".join(fd.to_bytes(4, sys.byteorder) for fd in fds)
            rights = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS, data)
            connection.sendmsg([b"\0"], [rights])
            connection.settimeout(None)
        except (OSError, StopIteration) as error:
            connection.close()
            raise lost(self.path, error) from None
        return CommandRun(connection, b"", self.path)

    def attach_to(self, name: str, *, lines: int = 10, types: bool = True) -> Attached:
        """The terminal of a service: to see what it shows, and with `types` to type on it.

        ControlError with the code "no-terminal" in its answer if the service has none.
        """
        from nsinit.attached import Attached  # noqa: PLC0415  (few ask for it)

        command = BY_NAME["terminal" if types else "screen"]
        answer = self.open_stream(command, {"name": name, "lines": lines})
        answer.connection.setblocking(False)
        return Attached(answer.connection, answer.left, self.path)

    def open_stream(self, command: Command, params: Mapping[str, object]) -> Answer:
        """Ask for what goes on, and read the head of the answer; who asked closes it.

        ControlError if it is refused, or nothing comes soon.
        """
        connection = self._connect()
        connection.settimeout(min(_PATIENCE, self._grace))
        answer = Answer(connection)
        try:
            connection.sendall(request(command, params))
            if answer.head() != 200:
                raise error_of(decode(answer.rest()))
        except (OSError, ValueError, IndexError) as error:
            connection.close()
            raise lost(self.path, error) from None
        except ControlError:
            connection.close()
            raise
        return answer

    def is_answered(self) -> bool:
        """Whether an init listens there now."""
        try:
            self._connect().close()
        except ControlError:
            return False
        return True

    def _connect(self) -> _socket.socket:
        limit = min(CONNECT_TIMEOUT, self._grace)
        begun = time.monotonic()
        while True:
            made = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
            made.settimeout(limit)
            try:
                made.connect(self.path)
            except OSError as error:
                made.close()
                waited = time.monotonic() - begun
                if waited >= longest_wait(error, limit, self._wait):
                    raise no_connection(self.path, error) from None
                time.sleep(AGAIN)
            else:
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
        try:
            self._connection.send(bytes((number,)))
        except OSError:
            return  # it has ended

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
            piece = self._connection.recv(PIECE)
            *lines, self._data = (self._data + piece).split(b"\n")
            rows = [decode(line) for line in lines]
        except (OSError, ValueError) as error:
            self._connection.close()
            raise lost(self._path, error) from None
        for row in rows:
            if "exit_signal" in row or "exit_code" in row or "error" in row:
                self._connection.close()
            if "error" in row:
                raise error_of(row)
            if "exit_signal" in row:
                return -int(row["exit_signal"])
            if "exit_code" in row:
                return int(row["exit_code"])
        if not piece:
            self._connection.close()
            raise UnreachableError("lost the command: init has ended")
        return None


def _send(connection: _socket.socket, data: bytes) -> None:
    """Send a request; who turns us away before it is sent has said why."""
    try:
        connection.sendall(data)
    except BrokenPipeError:
        return


def command_of(name: str) -> Command:
    """The row of a method; AttributeError if there is none."""
    command = BY_NAME.get(name)
    if command is None:
        raise AttributeError(f"init has no command {name!r}")
    return command


def named(
    command: Command, words: Sequence[object], params: Mapping[str, object]
) -> dict[str, object]:
    """Parameters by name, also those that were given by their position."""
    places = [param.name for param in command.params if param.positional]
    if len(words) > len(places):
        most = len(places)
        raise TypeError(f"{command.name}() takes {most} positional arguments, not {len(words)}")
    made = dict(zip(places, words, strict=False))
    if twice := made.keys() & params.keys():
        raise TypeError(f"{command.name}() got two values for {min(twice)!r}")
    return made | dict(params)


def longest_wait(error: OSError, limit: float, wait: float) -> float:
    """For how long (s) it makes sense to try again: a full queue empties, an init may yet come."""
    if isinstance(error, BlockingIOError):  # EAGAIN of connect(2): the queue is full
        return max(limit, wait)
    return wait if isinstance(error, (FileNotFoundError, ConnectionRefusedError)) else 0.0


def no_connection(path: str, error: OSError) -> ControlError:
    """Why there is none."""
    if isinstance(error, PermissionError):
        return DeniedError(f"cannot connect to {path}: permission denied")
    reason = error.strerror or str(error)
    return UnreachableError(f"cannot connect to {path}: {reason}", hint="is nsinit running?")


def patience(command: Command, params: Mapping[str, object], grace: float) -> float | None:
    """How long (s) an answer may take; None for one that goes on."""
    if params.get("follow") or (command.stream and command.name not in ("logs", "events")):
        return None
    defaults = {param.name: param.default for param in command.params}
    waits = [params.get(name, defaults.get(name)) or 0.0 for name in ("timeout", "interval")]
    return sum(map(_seconds, waits)) + grace


def _seconds(wait: object) -> float:
    if isinstance(wait, str):
        from nsinit.units import parse_duration  # noqa: PLC0415  (ctl has read it already)

        return parse_duration(wait)
    return float(wait) if isinstance(wait, (int, float)) else 0.0


def _stream(answer: Answer, path: str) -> Iterator[dict[str, Any]]:
    try:
        for line in answer.lines():
            yield decode(line)
    except (OSError, ValueError) as error:
        raise lost(path, error) from None
    finally:
        answer.connection.close()
