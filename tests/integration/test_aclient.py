"""The client on asyncio, at a real init."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from functools import partial
from typing import TYPE_CHECKING

import pytest

from nsinit.aclient import AsyncClient
from nsinit.client import Client
from nsinit.errors import ControlError, TimedOutError, UnknownNameError, UnreachableError
from tests.support.live import Live, eventually, shared

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator

CONFIG = """
[init]
keep_running = true
[services.a]
command = "sh -c 'echo one; echo two; exec sleep 1000'"
min_uptime = 0
"""


@pytest.fixture(scope="module")
def init() -> Iterator[Live]:
    """One init for all of them."""
    with shared(CONFIG, a="running") as made:
        yield made


def _clients(init: Live) -> int:
    made: int = init.client.metrics(family=["nsinit_clients"]).count("\n")
    found = [row for row in init.client.metrics().splitlines() if row.startswith("nsinit_clients ")]
    assert made
    return int(float(found[0].split()[1]))


@pytest.mark.asyncio
async def test_answers_are_those_of_init_when_asked_at_once(init: Live) -> None:
    """Many calls beside each other; errors are of the same kinds as with `Client`."""
    async with AsyncClient(str(init.socket)) as asked:
        answers = await asyncio.gather(*(asked.status("a") for _ in range(50)))
        assert {a["services"][0]["state"] for a in answers} == {"running"}
        assert "nsinit_clients" in await asked.metrics("nsinit_clients")
        with pytest.raises(UnknownNameError, match="no service is called 'b'"):
            await asked.restart("b")
        with pytest.raises(TimedOutError):
            await asked.wait("a", state="exited", timeout=0.01)
        with pytest.raises(ControlError, match="did you mean"):
            await asked.stop("a", timeuot=1)  # type: ignore[call-arg]  # a slip, on purpose


@pytest.mark.asyncio
async def test_rows_come_when_they_are_followed(init: Live) -> None:
    """Past and present; leaving the block closes the connection."""
    before = await asyncio.to_thread(_clients, init)
    asked = AsyncClient(str(init.socket))
    lines = [row["line"] async for row in asked.logs("a", run="1") if "skipped" not in row]
    assert lines[:2] == ["one", "two"]
    async with asked.events("a", follow=True) as events:
        restart = asyncio.create_task(asked.restart("a"))
        async for event in events:
            if "skipped" not in event and event["new"] == "stopping":
                break
        assert (await restart)["results"][0]["ok"]
    with pytest.raises(UnknownNameError):
        async for _ in asked.logs("b"):
            pass
    eventually(lambda: _clients(init) <= before, "the connections are closed")


@pytest.mark.asyncio
async def test_connection_is_closed_when_a_call_is_cancelled(init: Live) -> None:
    """A wait, a stream and a command: init hears of it."""
    before = await asyncio.to_thread(_clients, init)
    asked = AsyncClient(str(init.socket))
    rows = asked.events(follow=True, since_seq=10**9)

    async def read() -> None:
        async for _ in rows:
            pass

    waiting = asked.wait("a", state="exited", timeout=60)
    tasks = [asyncio.create_task(one) for one in (waiting, read())]
    here = partial(eventually, lambda: _clients(init) >= before + len(tasks), "both are there")
    await asyncio.to_thread(here)
    for task in tasks:
        task.cancel()
    got = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(one) for one in got] == [asyncio.CancelledError] * len(tasks)
    eventually(lambda: _clients(init) <= before, "init has forgotten them")


@pytest.mark.asyncio
async def test_command_ends_when_it_is_signalled_or_left(init: Live) -> None:
    """Its status is told; its output goes where the descriptors lead."""
    asked = AsyncClient(str(init.socket))
    out, into = os.pipe()
    with contextlib.ExitStack() as stack:
        null = os.open(os.devnull, os.O_RDONLY)
        stack.callback(os.close, null)
        run = await asked.exec("a", ["sh", "-c", "echo $NSINIT_SERVICE"], fds=(null, into, into))
        os.close(into)
        assert await run.wait() == 0
        assert os.read(out, 100) == b"a\n"
        os.close(out)
        async with await asked.enter(["sleep", "100"], fds=[null] * 3) as other:
            other.signal(signal.SIGTERM)
            assert await other.wait() == -signal.SIGTERM
        with pytest.raises(ControlError, match="cannot execute"):
            await (await asked.exec("a", ["/no/such"], fds=[null] * 3)).wait()


@pytest.mark.asyncio
async def test_init_is_waited_for_when_it_is_not_there_yet(tmp_path: pathlib.Path) -> None:
    """By both clients, for as long as was asked; and where its queue is full."""
    path = str(tmp_path / "x.sock")
    for wait in (0.0, 0.05):
        with pytest.raises(UnreachableError, match="is nsinit running"):
            await AsyncClient(path, wait=wait).version()
        with pytest.raises(UnreachableError, match="No such file"):
            Client(path, wait=wait).version()
    asked = asyncio.create_task(AsyncClient(path, wait=20).version())
    await asyncio.sleep(0)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(0)
        listener.settimeout(20)
        fillers = _fill(path)
        await asyncio.sleep(0.1)  # it tries again meanwhile
        for one in fillers:
            listener.accept()[0].close()
            one.close()

        def answer() -> bytes:
            connection, _ = listener.accept()
            with connection:
                data = connection.recv(4096)
                connection.sendall(b'HTTP/1.1 200 \r\n\r\n{"version": "9"}')
            return data

        assert (await asyncio.to_thread(answer)).startswith(b"GET /v1/version")
        assert (await asked)["version"] == "9"


def _fill(path: str) -> list[socket.socket]:
    """Connections that nobody accepts, until there is no place for more."""
    made: list[socket.socket] = []
    while True:
        one = socket.socket(socket.AF_UNIX)
        one.setblocking(False)
        try:
            one.connect(path)
        except BlockingIOError:
            one.close()
            return made
        made.append(one)
