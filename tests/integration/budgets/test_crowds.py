"""Many services and many clients: nobody misses a row, and nobody waits for another's answer."""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
from typing import TYPE_CHECKING

import pytest

from tests.support.live import DEADLINE, Live, eventually, live

if TYPE_CHECKING:
    import pathlib

FILES = 2048  # descriptors of init: 512 places for clients
FOLLOWERS = 300  # more than there are places where descriptors are few
RUNS = 5
SERVICES = 3000  # that only exist
BETWEEN = 3  # answers, at least, while the status of all is made

_ONE = """
[init]
log = "warning"
keep_running = true
[services.a]
command = ["sleep", "1000"]
min_uptime = 0
[services.last]
command = ["true"]
type = "oneshot"
autostart = false
"""


def _connect(init: Live) -> socket.socket:
    client = socket.socket(socket.AF_UNIX)
    client.connect(str(init.socket))  # without a timeout: the backlog may be full
    client.settimeout(DEADLINE)
    return client


def _ask(client: socket.socket, target: str) -> None:
    client.sendall(f"GET {target} HTTP/1.1\r\nHost: nsinit\r\n\r\n".encode())


def _rows(said: bytes) -> list[dict[str, object]]:
    """The events in an answer in chunks (RFC 9112, 7.1), of which each is one row or more."""
    lines = said.partition(b"\r\n\r\n")[2].splitlines()
    return [json.loads(line) for line in lines if line.startswith(b"{")]


def _told(init: Live, clients: list[socket.socket], words: bytes) -> dict[int, bytes]:
    """All that each has been told, once these words have come to all."""
    said = {client.fileno(): b"" for client in clients}

    def all_told() -> bool:
        for fd, _ in poll.poll(100):
            said[fd] += (data := os.read(fd, 1 << 16))
            assert data, f"a follower was dropped: {init.said()}"
            if words in said[fd]:
                poll.unregister(fd)
                waiting.discard(fd)
        return not waiting

    waiting, poll = set(said), select.poll()
    for fd in said:
        poll.register(fd, select.POLLIN)
    eventually(all_told, f"the last row, for {len(waiting)} followers")
    return said


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_everybody_is_told_all_when_hundreds_follow(tmp_path: pathlib.Path, loop: str) -> None:
    """More than 256 at once, each with every row in its order; and others are answered."""
    config = _ONE.replace("[init]", f'[init]\nloop = "{loop}"')
    init = Live(tmp_path, config, "subreaper")
    init.limits = {"nofile": (FILES, FILES)}
    with contextlib.ExitStack() as stack:
        stack.callback(init.close)
        init.start().wait_for("a", "running")
        clients = [stack.enter_context(_connect(init)) for _ in range(FOLLOWERS)]
        for client in clients:
            _ask(client, "/v1/events?follow=true&type=started&since_seq=0")
        for _ in range(RUNS - 1):
            init.client.restart(names=["a"])
        init.client.start(names=["last"])
        said = _told(init, clients, b'"service":"last"')
    runs = [(row.get("service"), row.get("run")) for row in _rows(next(iter(said.values())))]
    assert runs == [*(("a", run) for run in range(1, RUNS + 1)), ("last", 1)]
    assert len({json.dumps(_rows(text)) for text in said.values()}) == 1


def test_others_are_answered_when_the_status_is_of_thousands(tmp_path: pathlib.Path) -> None:
    """Init makes the answer in turns: between them it has time for whoever asks little."""
    config = "[init]\nlog = 'warning'\nkeep_running = true\n"
    config += "".join(
        map("[services.s{}]\ncommand = 'x'\nautostart = false\n".format, range(SERVICES))
    )
    with live(tmp_path, config) as init:
        eventually(init.status, "an answer", DEADLINE * 2)

        def answered() -> int:
            """How many were, by the time that the status began to come."""
            with _connect(init) as all_of_it, _connect(init) as little:
                _ask(all_of_it, "/v1/status")
                count = 0
                while not select.select([all_of_it], [], [], 0)[0]:
                    _ask(little, "/v1/version")
                    assert little.recv(1 << 16).startswith(b"HTTP/1.1 200 ")
                    count += 1
                return count

        # One may come before init hears of the status; a busy machine may let none come between.
        eventually(lambda: answered() > BETWEEN, "answers while the status is made")
