"""Requests of any kind to a real init: each gets an answer, and init goes on."""

from __future__ import annotations

import contextlib
import json
import pathlib
import re
import socket
import tempfile
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nsinit.control.commands import COMMANDS, Command, Param
from tests.support.live import Live, live, status_field

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """
[init]
keep_running = true
loop = "{loop}"
[services.a]
command = "sleep 1000"
min_uptime = 0
reload_command = "true"
[services.b]
autostart = false
command = "sleep 1000"
depends_on = ["a"]
"""
# What ends init, or what is not answered for as long as the client likes.
ROWS = [row for row in COMMANDS if row.name not in ("shutdown", "reexec", "logs", "events")]
PATHS = [row.path + "?timeout=0" * (row.name == "wait") for row in ROWS]
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False),
    st.text(max_size=8),
    st.lists(st.text(max_size=4), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)
GOOD: dict[str, st.SearchStrategy[Any]] = {
    "names": st.lists(st.sampled_from(["a", "b", "*", "tag:x", "a@1"]), min_size=1, max_size=2),
    "name": st.sampled_from(["a", "b"]),
    "words": st.lists(st.sampled_from(["true", "", "a\0b", "\ud800"]), min_size=1, max_size=2),
    "choice": st.text(max_size=4),
    "text": st.text(max_size=4),
    "integer": st.integers(0, 20),
    "seconds": st.floats(0, 0.05),
    "flag": st.booleans(),
    "signal": st.sampled_from(["CONT", "URG"]),
}


def _value(param: Param) -> st.SearchStrategy[Any]:
    likely = st.sampled_from(param.choices) if param.choices else GOOD[param.kind]
    if param.kind == "seconds":
        return likely | st.sampled_from(["soon", -1, "1e400", []])
    if param.kind == "signal":
        return likely | st.sampled_from(["NONE", 0, 65, -1])
    return likely | ODD


@st.composite
def _requests(draw: st.DrawFn) -> tuple[Command, dict[str, Any]]:
    row = draw(st.sampled_from(ROWS))
    params = {p.name: draw(_value(p)) for p in row.params if draw(st.integers(0, 3))}
    for name in {"timeout", "interval"} & {param.name for param in row.params}:
        params.setdefault(name, 0.05)
    return row, params


@pytest.fixture(scope="module", params=["uvloop", "asyncio"])
def init(request: pytest.FixtureRequest) -> Iterator[Live]:
    """An init that has to stand all of them."""
    with tempfile.TemporaryDirectory(prefix="nsinit-test-") as directory:
        config = CONFIG.format(loop=request.param)
        with live(pathlib.Path(directory), config) as made:
            made.wait_for("a", "running")
            yield made


def _answer(init: Live, data: bytes) -> bytes:
    """What comes back, up to the end, after the client has said all."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(15)
        connection.connect(str(init.socket))
        connection.sendall(data)
        got = b""
        while b"\r\n\r\n" not in got:
            piece = connection.recv(65536)
            if not piece:
                break
            got += piece
        return got


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(request=_requests())
def test_every_request_is_answered_when_its_parameters_are_anything(
    init: Live, request: tuple[Command, dict[str, Any]]
) -> None:
    """By a status that HTTP knows; init has no internal error to tell of."""
    row, params = request
    body = json.dumps(params).encode()
    head = f"{row.method} {row.path} HTTP/1.0\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    got = _answer(init, head + body)
    assert got.startswith(b"HTTP/1.1 "), (row.name, params)
    assert int(got.split()[1]) in (200, 400, 404, 409, 422, 503, 504)
    assert "internal error" not in init.said()
    assert "Traceback" not in init.said()
    assert init.client.livez() == {"live": True}


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.binary(min_size=1, max_size=40), path=st.sampled_from(PATHS))
def test_init_goes_on_when_bytes_follow_a_request(init: Live, data: bytes, path: str) -> None:
    """Such as signals to a command that was never started."""
    body = b'{"name": "a", "command": ["true"]}' if path == "/v1/exec" else b""
    method = b"POST" if body else b"GET"
    head = b"%s %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
    got = _answer(init, head % (method, path.encode(), len(body)) + body + data)
    assert got.startswith(b"HTTP/1.1 ")
    assert init.client.livez() == {"live": True}


@st.composite
def _talks(draw: st.DrawFn) -> list[tuple[int, bytes]]:
    """For some connections, how many requests they make, and the noise that ends some of them."""
    noise = st.just(b"") | st.binary(min_size=1, max_size=30) | st.sampled_from(ENDS)
    return draw(st.lists(st.tuples(st.integers(0, 6), noise), min_size=2, max_size=6))


ENDS = [
    b"GET /v1/st",
    b"\r\n\r\n\r\n",
    b"POST /v1/stop HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{",
]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(talks=_talks(), data=st.data())
def test_each_gets_its_own_answers_when_many_talk_at_once(
    init: Live, talks: list[tuple[int, bytes]], data: st.DataObject
) -> None:
    """In the order of their requests, however the pieces of all of them are mixed."""
    with contextlib.ExitStack() as stack:
        clients, left = [], []
        for number, (count, noise) in enumerate(talks):
            client = stack.enter_context(socket.socket(socket.AF_UNIX))
            client.settimeout(15)
            client.connect(str(init.socket))
            asked = b"".join(
                f"GET /v1/list?names=c{number}n{at} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
                for at in range(count)
            )
            clients.append(client)
            left.append(asked + noise)
        while any(left):
            number = data.draw(st.sampled_from([n for n, rest in enumerate(left) if rest]))
            size = data.draw(st.integers(1, len(left[number])))
            with contextlib.suppress(OSError):  # turned away for its noise
                clients[number].sendall(left[number][:size])
            left[number] = left[number][size:]
        for number, (count, noise) in enumerate(talks):
            got = _heard(clients[number], count if noise else None)
            told = re.findall(rb"no service is called '(\w+)'", got)
            assert told == [f"c{number}n{at}".encode() for at in range(count)], (noise, got)
    assert init.client.livez() == {"live": True}
    assert "internal error" not in init.said()


def _heard(client: socket.socket, count: int | None) -> bytes:
    """Up to its end, after ours; or, where noise may break that off, so many answers at least."""
    if count is None:
        client.shutdown(socket.SHUT_WR)
    got = b""
    while count is None or got.count(b"no service is called") < count:
        try:
            piece = client.recv(65536)
        except ConnectionResetError:  # what it said last was not read any more
            break
        if not piece:
            break
        got += piece
    return got


def test_memory_stays_when_many_requests_are_made(init: Live) -> None:
    """Answers, refusals and connections leave nothing behind."""
    ask = b"GET /v1/list HTTP/1.1\r\nHost: x\r\n\r\nGET /v1/list?x=1 HTTP/1.1\r\nHost: x\r\n\r\n"

    def burst(rounds: int) -> int:
        for _ in range(rounds):
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(15)
                client.connect(str(init.socket))
                client.sendall(ask * 50)
                got = 0
                while got < 100:
                    got += client.recv(1 << 20).count(b"HTTP/1.1 ")
        return int(status_field(init.pid, "VmRSS").split()[0])

    before = burst(8)
    assert burst(25) - before < 600  # KiB, after 2500 more


def test_every_answer_comes_when_the_client_has_said_all(init: Live) -> None:
    """Many requests at once, and the end of them: then the end of the answers."""
    for count in range(1, 40):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(15)
            client.connect(str(init.socket))
            client.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n" * count)
            assert _heard(client, None).count(b'{"live":true}') == count
