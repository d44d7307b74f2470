"""A client for the control socket on asyncio.

    from nsinit.aclient import AsyncClient

    async with AsyncClient() as init:
        await init.restart("web", timeout=30)
        async with init.events(follow=True) as events:
            async for event in events:
                print(event["service"], event["new"])

The methods and errors are those of `nsinit.client.Client`. What is cancelled closes its connection,
and init forgets it; what it has begun goes on. Nothing is held between calls. Runs on any loop.
"""

from __future__ import annotations

import array
import asyncio
import json
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Self

from nsinit.client import AGAIN, GRACE, command_of, longest_wait, named, no_connection, patience
from nsinit.control.commands import BY_NAME
from nsinit.errors import ControlError, UnreachableError
from nsinit.locate import CONNECT_TIMEOUT, find_socket
from nsinit.wire import PIECE, Head, error_of, lost, request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nsinit.calls import AsyncCalls
    from nsinit.control.commands import Command
else:
    AsyncCalls = object  # the methods come from the table

_PATIENCE: Final = 10.0  # s until a command is started


class AsyncClient(AsyncCalls):
    """A control socket, found and tried as `Client` does."""

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

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing is held between calls."""

    if not TYPE_CHECKING:  # who checks types knows better

        def __getattr__(self, name: str) -> Any:  # noqa: ANN401  (methods are rows of the table)
            command = command_of(name)
            ask = self.stream if command.stream else self.call
            return lambda *words, **params: ask(command, named(command, words, params))

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *BY_NAME]

    async def call(self, command: Command, params: Mapping[str, object]) -> Any:  # noqa: ANN401
        """Ask for a row of the table; ControlError says why it failed."""
        limit = patience(command, params, self._grace)
        link = await self._connect()
        try:
            async with asyncio.timeout(limit):
                await link.ask(command, params)
                text = await link.rest()
            return _answer(command, link.head.status, text)
        except (OSError, ValueError, IndexError) as error:
            raise lost(self.path, error) from None
        finally:
            link.close()

    def stream(self, command: Command, params: Mapping[str, object]) -> _Rows:
        """Ask for a row of the table that answers bit by bit; it is asked with the first step."""
        return _Rows(self, command, params)

    async def exec(
        self,
        name: str,
        command: Sequence[str],
        *,
        fds: Sequence[int] = (0, 1, 2),
        terminal: bool = False,
        term: str | None = None,
    ) -> AsyncCommandRun:
        """Run a command in the place of a service, on these descriptors."""
        params = {"name": name, "command": list(command), "terminal": terminal, "term": term}
        return await self._start("exec", params, fds)

    async def enter(
        self,
        command: Sequence[str] = (),
        *,
        user: str | None = None,
        fds: Sequence[int] = (0, 1, 2),
        terminal: bool = False,
        term: str | None = None,
    ) -> AsyncCommandRun:
        """As `exec`, in the place of init itself; a shell if there is no command."""
        params = {"command": list(command), "user": user, "terminal": terminal, "term": term}
        return await self._start("enter", params, fds)

    async def _start(
        self, name: str, params: Mapping[str, object], fds: Sequence[int]
    ) -> AsyncCommandRun:
        link = await self._connect()
        try:
            async with asyncio.timeout(_PATIENCE):
                await link.open(BY_NAME[name], params)
                await link.row()
            rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))
            link.connection.sendmsg([b"\0"], [rights])
        except (OSError, ValueError, IndexError) as error:
            link.close()
            raise lost(self.path, error) from None
        except BaseException:
            link.close()
            raise
        return AsyncCommandRun(link, self.path)

    async def _connect(self) -> _Link:
        limit = min(CONNECT_TIMEOUT, self._grace)
        begun = time.monotonic()
        while True:
            made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            try:
                made.connect(self.path)  # of a unix socket: at once, or never
            except OSError as error:
                made.close()
                waited = time.monotonic() - begun
                if waited >= longest_wait(error, limit, self._wait):
                    raise no_connection(self.path, error) from None
                await asyncio.sleep(AGAIN)
            else:
                return _Link(made)


class AsyncCommandRun:
    """A command that init runs for this client; closing it is HUP to the command."""

    def __init__(self, link: _Link, path: str) -> None:
        self._link = link
        self._path = path

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._link.close()

    def signal(self, number: int) -> None:
        """Send a signal to its process group."""
        with suppress(OSError):  # it has ended
            self._link.connection.send(bytes((number,)))

    async def wait(self) -> int:
        """Wait for its end: its exit code, or minus the signal that killed it."""
        try:
            while (row := await self._link.row()) is not None:
                if "error" in row:
                    raise error_of(row)
                if "exit_signal" in row:
                    return -int(row["exit_signal"])
                if "exit_code" in row:
                    return int(row["exit_code"])
            raise UnreachableError("lost the command: init has ended")
        except (OSError, ValueError) as error:
            raise lost(self._path, error) from None
        finally:
            self._link.close()


class _Rows:
    """A stream of rows; closed at its end, by an error, and where its block is left."""

    def __init__(self, client: AsyncClient, command: Command, params: Mapping[str, object]) -> None:
        self._client = client
        self._command = command
        self._params = params
        self._link: _Link | None = None
        self._is_over = False

    def __aiter__(self) -> Self:
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Ask for no more rows."""
        self._is_over = True
        if self._link is not None:
            self._link.close()

    async def __anext__(self) -> dict[str, Any]:
        if self._is_over:
            raise StopAsyncIteration
        try:
            row = await self._next()
        except (OSError, ValueError, IndexError) as error:
            await self.aclose()
            raise lost(self._client.path, error) from None
        except BaseException:
            await self.aclose()
            raise
        if row is None:
            await self.aclose()
            raise StopAsyncIteration
        return row

    async def _next(self) -> dict[str, Any] | None:
        limit = patience(self._command, self._params, GRACE)
        async with asyncio.timeout(limit):
            if self._link is None:
                self._link = await self._client._connect()  # noqa: SLF001  (of this module)
                await self._link.open(self._command, self._params)
            return await self._link.row()


class _Link:
    """One connection, for one request."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.head = Head()
        self._data = b""

    async def ask(self, command: Command, params: Mapping[str, object]) -> None:
        """Send the request, and read the head of the answer."""
        loop = asyncio.get_running_loop()
        with suppress(BrokenPipeError):  # who turns us away has said why
            await loop.sock_sendall(self.connection, request(command, params))
        while not self.head.feed(self._data):
            self._data += await self._more(or_raise=True)
        self._data = self._data[self.head.size :]

    async def open(self, command: Command, params: Mapping[str, object]) -> None:
        """The same for a stream; ControlError if it is refused."""
        await self.ask(command, params)
        if self.head.status != 200:
            raise error_of(json.loads(await self.rest()))

    async def rest(self) -> bytes:
        """All of the answer that follows."""
        length = self.head.length
        while length is None or len(self._data) < length:
            piece = await self._more(or_raise=length is not None)
            if not piece:
                break
            self._data += piece
        return self._data

    async def row(self) -> dict[str, Any] | None:
        """The next row of a stream, None after the last."""
        while b"\n" not in self._data:
            piece = await self._more()
            if not piece:
                return None
            self._data += piece
        line, _, self._data = self._data.partition(b"\n")
        made: dict[str, Any] = json.loads(line)
        return made

    async def _more(self, *, or_raise: bool = False) -> bytes:
        piece = await asyncio.get_running_loop().sock_recv(self.connection, PIECE)
        if not piece and or_raise:
            raise ConnectionResetError(104, "it closed the connection")
        return piece

    def close(self) -> None:
        """Init hears of it at once."""
        self.connection.close()


def _answer(command: Command, status: int, text: bytes) -> Any:  # noqa: ANN401  (JSON)
    if command.text and status == 200:
        return text.decode()
    body = json.loads(text)
    if not isinstance(body, dict):
        raise ValueError("it is no object")
    if status != 200:
        raise error_of(body)
    return body


__all__ = ["AsyncClient", "AsyncCommandRun", "ControlError"]
