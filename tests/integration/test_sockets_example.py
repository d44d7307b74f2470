"""`config/sockets.toml` does what its first lines say."""

from __future__ import annotations

import socket
import subprocess
from typing import TYPE_CHECKING, Any

from nsinit.client import Client
from nsinit.errors import ControlError
from tests.integration.test_sockets import free_port
from tests.support.live import NSINIT, ROOT, environment, eventually

if TYPE_CHECKING:
    import pathlib


def _answer(address: tuple[str, int] | str, said: bytes = b"") -> bytes:
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family) as client:
        client.settimeout(20)
        client.connect(address)
        client.sendall(said)
        client.shutdown(socket.SHUT_WR)
        return client.makefile("rb").read()


def test_example_runs_when_started_as_it_says(tmp_path: pathlib.Path) -> None:
    """A service with sockets, one that sleeps, and one with a process per connection."""
    ports = {name: free_port() for name in ("WEB_PORT", "CLOCK_PORT", "ECHO_PORT")}
    env = environment(
        NSINIT_SOCKET=str(tmp_path / "s"), **{name: str(port) for name, port in ports.items()}
    )
    init = subprocess.Popen([*NSINIT, "run", "config/sockets.toml"], cwd=ROOT, env=env)
    client = Client(str(tmp_path / "s"))

    def states() -> dict[str, Any]:
        try:
            return {s["name"]: s["state"] for s in client.status()["services"]}
        except ControlError:
            return {}

    wanted = {"web": "running", "clock": "waiting", "echo": "running"}
    try:
        eventually(lambda: states() == wanted, "all are there")
        get = b"GET / HTTP/1.0\r\n\r\n"
        assert b"hello from a socket" in _answer(("127.0.0.1", ports["WEB_PORT"]), get)
        assert b"hello from a socket" in _answer("\0nsinit-example", get)
        for _ in range(2):
            assert _answer(("127.0.0.1", ports["CLOCK_PORT"])).startswith(b"it is ")
        echoed = _answer(("127.0.0.1", ports["ECHO_PORT"]), b"hello")
        assert echoed == b"you are 127.0.0.1\nhello"
    finally:
        init.terminate()
        assert init.wait(20) == 0
