"""Lines, events and answers while init is replaced: none is lost, none comes twice."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.live import DEADLINE, NSINIT, eventually, live
from tests.support.replacing import replace

if TYPE_CHECKING:
    import pathlib

    from tests.support.live import Live

pytestmark = pytest.mark.every_loop

LINES = 30_000
# Numbered lines, some of them in two pieces, until so many are written; then it waits.
WRITER = f"""["python3", "-c", '''
import os, time
for n in range({LINES}):
    os.write(1, b"line ")
    os.write(1, b"%d\\n" % n)
    if n % 100 == 0:
        time.sleep(0.01)
time.sleep(1000)
''']"""


def test_no_line_is_lost_when_init_is_replaced_under_load(
    tmp_path: pathlib.Path, loop: str
) -> None:
    """Console, file and follower have every line once, in order, over several execs."""
    config = f"""
        [init]
        loop = "{loop}"
        [services.w]
        command = {WRITER}
        min_uptime = 0
        autostart = false
        log = {{ to = ["console", "file"], file = "{tmp_path}/w.log", max_size = 0 }}
        [services.other]
        command = "sleep 1000"
        min_uptime = 0
    """
    with live(tmp_path, config) as init:
        init.wait_for("other", "running")
        followed = (tmp_path / "followed").open("w+b")
        follower = subprocess.Popen(
            [*NSINIT, "ctl", "logs", "-f", "--json", "w"], env=init.env, stdout=followed
        )
        try:
            init.client.start(names=["w"])
            for _ in range(4):
                replace(init)
            last = f"line {LINES - 1}".encode()
            path = tmp_path / "followed"
            eventually(lambda: last in path.read_bytes(), "the last line", DEADLINE * 3)
        finally:
            follower.kill()
            follower.wait()
            followed.close()
        wanted = [f"line {n}" for n in range(LINES)]
        rows = [json.loads(row) for row in path.read_text().splitlines()]
        assert [row["line"] for row in rows] == wanted
        assert (tmp_path / "w.log").read_text().splitlines() == wanted
        printed = init.out.read_text().splitlines()
        assert [row.partition(" | ")[2] for row in printed if row.startswith("w ")] == wanted
        numbers = [row["line"] for row in init.client.logs(names=["w"])]
        assert numbers == wanted[-len(numbers) :]
        assert init.client.status()["init"]["log_bytes_dropped"] == 0


def test_followers_go_on_when_init_is_replaced(tmp_path: pathlib.Path, loop: str) -> None:
    """Events are numbered without a gap for a client of HTTP/1.1, whose chunks go on too."""
    config = f"""
        [init]
        loop = "{loop}"
        keep_running = true
        [services.a]
        command = "sh -c 'exit 3'"
        restart = "always"
        restart_delay = 0.05
        restart_max_delay = 0.05
        restart_limit = "unlimited"
        min_uptime = 0
    """
    with live(tmp_path, config) as init:
        init.wait_for("a", "backoff")
        connection = _ask(init, b"GET /v1/events?follow=true HTTP/1.1\r\nHost: x\r\n\r\n")
        for _ in range(3):
            replace(init)
        target = init.events()[-1]["seq"] + 10
        seen: list[int] = []
        data = b""
        connection.settimeout(DEADLINE)
        while not seen or seen[-1] < target:
            data += connection.recv(1 << 16)
            head, mark, body = data.partition(b"\r\n\r\n")
            assert mark
            assert b"chunked" in head
            seen = [json.loads(row)["seq"] for row in _chunks(body).splitlines(keepends=True)[:-1]]
        assert seen == list(range(seen[0], seen[-1] + 1))
        connection.close()
        eventually(lambda: init.status()["a"]["restarts"] > 3, "restarts go on")


def _chunks(body: bytes) -> bytes:
    """The content of those chunks that are whole."""
    made = b""
    while b"\r\n" in body:
        size, _, rest = body.partition(b"\r\n")
        count = int(size, 16)
        if len(rest) < count + 2:
            break
        made += rest[:count]
        assert rest[count : count + 2] == b"\r\n"
        body = rest[count + 2 :]
    return made


def _ask(init: Live, request: bytes) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(DEADLINE)
    connection.connect(str(init.socket))
    connection.sendall(request)
    return connection


def test_half_a_request_is_heard_when_init_is_replaced_meanwhile(
    tmp_path: pathlib.Path, loop: str
) -> None:
    """A connection that is kept goes on, also in the middle of what it says."""
    config = f"""
        [init]
        loop = "{loop}"
        [services.a]
        command = "sleep 1000"
    """
    with live(tmp_path, config) as init:
        init.wait_for("a", "running")
        connection = _ask(init, b"GET /v1/version HTTP/1.1\r\nHost: x\r\n\r\nGET /v1/li")
        assert b'"version"' in connection.recv(1 << 16)
        silent = _ask(init, b"")
        replace(init)
        connection.sendall(b"st HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b'"name":"a"' in connection.recv(1 << 16)
        replace(init)
        connection.sendall(b"GET /v1/version HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b'"version"' in connection.recv(1 << 16)
        silent.sendall(b"GET /v1/version HTTP/1.0\r\n\r\n")
        assert b'"version"' in silent.recv(1 << 16)
        connection.close()
        silent.close()


def test_waiting_clients_are_answered_when_init_is_replaced(
    tmp_path: pathlib.Path, loop: str
) -> None:
    """Start, restart and their time limits go on in the new program."""
    config = f"""
        [init]
        loop = "{loop}"
        [services.other]
        command = "sleep 1000"
        [services.a]
        command = "sleep 1000"
        min_uptime = "3s"
        [services.b]
        type = "notify"
        command = "sleep 1000"
        autostart = false
    """
    with live(tmp_path, config) as init:
        init.wait_for("a", "running")
        answers: dict[str, Any] = {}

        def ask(name: str, verb: str, *more: str) -> threading.Thread:
            def run() -> None:
                answers[name] = init.ctl(verb, name, *more, check=False)

            made = threading.Thread(target=run)
            made.start()
            return made

        asking = [ask("a", "restart"), ask("b", "start", "-t", "4")]
        asking.append(ask("other", "wait", "--for", "stopped", "-t", "20"))
        init.wait_for("a", "starting", run=2)
        init.wait_for("b", "starting")
        replace(init)
        init.client.stop(names=["other"])
        for one in asking:
            one.join(30)
        assert answers["other"].returncode == 0
        assert answers["a"].returncode == 0
        assert answers["b"].returncode == 124
        assert init.status()["a"]["run"] == 2


def test_slow_reader_is_dropped_when_init_is_replaced(tmp_path: pathlib.Path, loop: str) -> None:
    """Nobody holds the exec up for longer than a moment, and a drop is counted."""
    config = f"""
        [init]
        loop = "{loop}"
        [services.w]
        command = {WRITER}
        min_uptime = 0
        log = {{ ring = "4MiB" }}
    """
    with live(tmp_path, config) as init:
        init.wait_for("w", "running")
        last = f"line {LINES - 1}"
        eventually(lambda: last in init.out.read_text()[-100:], "all of its lines", DEADLINE * 2)
        slow = _ask(init, b"GET /v1/logs HTTP/1.0\r\n\r\n")
        assert slow.recv(1)
        replace(init)
        assert init.client.status()["init"]["clients_dropped"] == 1
        slow.close()
