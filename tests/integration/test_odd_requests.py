"""Requests of any kind to a real init: each gets an answer, and init goes on."""

from __future__ import annotations

import json
import pathlib
import socket
import tempfile
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nsinit.control.commands import COMMANDS, Command, Param
from tests.support.live import Live, live

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
