"""Asking an init from a loop: answers, and rows that come. Errors are those of `nsinit.client`."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from nsinit.control.commands import BY_NAME
from nsinit.errors import DeniedError, UnreachableError
from nsinit.wire import error_of, lost, request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_LONGEST: Final = 4 << 20  # bytes of a row
_PATIENCE: Final = 10.0  # s until an answer begins, beyond what it was asked to take


class Link:
    """The control socket at a path."""

    def __init__(self, path: str) -> None:
        self.path = path

    async def ask(self, row: str, *, takes: float = 0.0, **params: object) -> dict[str, Any]:
        """The answer of a row of the table that takes so many seconds; ControlError."""
        async with self._begin(row, takes, params) as reader:
            try:
                async with asyncio.timeout(_PATIENCE):
                    body: dict[str, Any] = json.loads(await reader.read())
            except (OSError, ValueError) as error:
                raise lost(self.path, error) from None
        return body

    async def rows(self, row: str, **params: object) -> AsyncIterator[dict[str, Any]]:
        """The rows of a stream as they come; it ends where init ends it."""
        async with self._begin(row, 0.0, params) as reader:
            while line := await self._line(reader):
                yield json.loads(line)

    async def _line(self, reader: asyncio.StreamReader) -> bytes:
        try:
            return await reader.readline()
        except (OSError, ValueError) as error:
            raise lost(self.path, error) from None

    @asynccontextmanager
    async def _begin(
        self, row: str, takes: float, params: dict[str, object]
    ) -> AsyncIterator[asyncio.StreamReader]:
        writer = None
        try:
            async with asyncio.timeout(_PATIENCE + takes):
                reader, writer = await self._connect()
                writer.write(request(BY_NAME[row], params))
                await _read_head(reader)
        except (OSError, ValueError, IndexError, EOFError) as error:
            if writer is not None:
                writer.close()
            raise lost(self.path, error) from None
        except BaseException:
            if writer is not None:
                writer.close()
            raise
        try:
            yield reader
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        try:
            return await asyncio.open_unix_connection(self.path, limit=_LONGEST)
        except PermissionError:
            raise DeniedError(f"cannot connect to {self.path}: permission denied") from None
        except OSError as error:
            reason = error.strerror or str(error)
            raise UnreachableError(f"cannot connect to {self.path}: {reason}") from None


async def _read_head(reader: asyncio.StreamReader) -> None:
    """Up to the body of an answer; ControlError if it is a refusal."""
    head = await reader.readuntil(b"\r\n\r\n")
    if int(head.split(b" ", 2)[1]) != 200:
        raise error_of(json.loads(await reader.read()))
