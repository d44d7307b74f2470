"""The TCP port of a real init: what it shows, what it refuses, and that it moves along."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.exposition import read, value
from tests.support.live import DEADLINE, ROOT, eventually

if TYPE_CHECKING:
    import pathlib

    from tests.integration.conftest import Start
    from tests.support.live import Live

TOKEN: Final = "correct-horse-battery"
CONFIG: Final = """
[init]
keep_running = true
loop = "{loop}"
listen = {listen}
[services.web]
command = "sh -c 'echo lo''ok; exec sleep 1000'"
min_uptime = 0
"""


@pytest.fixture
def port() -> int:
    """One that is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def told(port: int, target: str, **headers: str) -> tuple[int, bytes]:
    """The status and the body of an answer to a GET."""
    return answer(port, "GET", target, **headers)


def answer(
    port: int, method: str, target: str, body: str = "", **headers: str
) -> tuple[int, bytes]:
    """The same for any method."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
    with contextlib.closing(connection):
        given = {name.replace("_", "-"): text for name, text in headers.items()}
        connection.request(method, target, body or None, given)
        got = connection.getresponse()
        return got.status, got.read()


def is_open(port: int) -> bool:
    """Whether anybody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def table(port: int, **more: Any) -> str:
    """An inline table of [init].listen."""
    made = {"address": f"127.0.0.1:{port}", **more}
    return "{" + ", ".join(f"{key} = {json.dumps(item)}" for key, item in made.items()) + "}"


@pytest.mark.parametrize("chosen", ["uvloop", "asyncio"])
def test_port_shows_and_steers_when_it_may(
    start: Start, port: int, tmp_path: pathlib.Path, chosen: str
) -> None:
    """Figures, probes and the page for everybody; lines and actions for who has the token."""
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    file.chmod(0o644)
    init = start(CONFIG.format(listen=table(port, token_file=str(file), actions=True), loop=chosen))
    init.wait_for("web", "running")
    status, body = told(port, "/metrics", Accept="application/openmetrics-text")
    assert value(read(body.decode()), "nsinit_service_up", service="web") == 1
    assert told(port, "/livez")[0] == told(port, "/readyz")[0] == 200
    status, body = told(port, "/")
    assert (status, b"<title>" in body, b"data-token data-actions" in body) == (200, True, True)
    assert told(port, "/v1/logs")[0] == 401
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    assert b'"look"' in told(port, "/v1/logs", **bearer)[1]
    assert b"look" not in told(port, "/v1/why?names=web")[1]
    steer = {**bearer, "Content_Type": "application/json"}
    status, _ = answer(port, "POST", "/v1/stop", '{"names": ["web"]}', **steer)
    assert status == 200
    init.wait_for("web", "stopped")
    assert b"look" not in told(port, "/v1/why?names=web")[1]  # nor of the run that has ended
    assert b"look" in told(port, "/v1/why?names=web", **bearer)[1]
    assert "somebody with the token stopped it" in init.ctl("why", "web").stdout
    assert told(port, "/livez", Host="evil.example")[0] == 421
    assert told(port, "/" + "x" * 20_000)[0] == 431
    assert answer(port, "POST", "/v1/stop", "x" * 70_000, **steer)[0] == 413
    file.write_text("another-one-of-the-kind")
    init.ctl("update")
    assert told(port, "/v1/logs", **bearer)[0] == 401
    file.write_text(TOKEN)
    file.chmod(0o666)
    init.ctl("update")
    eventually(lambda: "everybody may write it; nobody is let in" in init.said(), "the reason")
    assert told(port, "/v1/logs", **bearer)[0] == 401


def test_port_moves_when_the_configuration_does(start: Start, port: int) -> None:
    """One that is taken is told and costs no service; it goes with an update, and comes."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        other = taken.getsockname()[1]
        init = start(CONFIG.format(listen=table(other), loop="asyncio"))
        pid = init.wait_for("web", "running")["pid"]
        told_so = f"cannot listen on 127.0.0.1:{other}: Address already in use"
        eventually(lambda: told_so in init.said(), "the reason")
        _rewrite(init, str(other), str(port))
        assert "nothing has changed" in init.ctl("update").stdout
        eventually(lambda: is_open(port), "the other port")
    _rewrite(init, f"listen = {table(port)}", "")
    init.ctl("update")
    eventually(lambda: not is_open(port), "no port any more")
    _rewrite(init, "keep_running = true", f'keep_running = true\nlisten = "127.0.0.1:{port}"')
    init.ctl("update")
    eventually(lambda: is_open(port), "a port again")
    assert told(port, "/v1/logs")[0] == 404
    assert init.status()["web"]["pid"] == pid


def _rewrite(init: Live, old: str, new: str) -> None:
    text = init.config.read_text()
    assert old in text
    init.config.write_text(text.replace(old, new))


def test_example_shows_itself_when_run(start: Start, port: int) -> None:
    """config/metrics.toml."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        web = str(probe.getsockname()[1])
    config = (ROOT / "config" / "metrics.toml").read_text()
    init = start(config, METRICS_PORT=str(port), WEB_PORT=web)
    init.wait_for("worker@2", "running")
    status, body = told(port, "/metrics", Accept="application/openmetrics-text")
    assert value(read(body.decode()), "nsinit_service_up", service="worker", replica="2") == 1
    assert status == 200
    assert told(port, "/")[0] == 200


@pytest.mark.parametrize("way", ["subreaper"], indirect=True)
def test_clients_stay_when_init_is_replaced(start: Start, port: int) -> None:
    """A stream of events goes on without a gap, a connection is kept, and limits still hold."""
    init = start(CONFIG.format(listen=table(port), loop="auto"))
    init.wait_for("web", "running")
    kept = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
    follower = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
    with contextlib.closing(kept), contextlib.closing(follower):
        kept.request("GET", "/livez")
        assert kept.getresponse().read() == b'{"live":true}\n'
        follower.request("GET", "/v1/events?follow=1")
        rows = follower.getresponse()
        numbers = [json.loads(rows.readline())["seq"] for _ in range(3)]
        init.client.reexec()
        init.client.restart(names=["web"])
        while json.loads(rows.readline())["new"] != "running":
            numbers.append(len(numbers) + 1)
        assert numbers == list(range(1, len(numbers) + 1))
        kept.request("GET", "/livez")
        assert kept.getresponse().read() == b'{"live":true}\n'
        crowd = [socket.create_connection(("127.0.0.1", port)) for _ in range(40)]
        eventually(lambda: sum(map(_is_closed, crowd)) >= 8, "idle ones make room for others")
        init.client.restart(names=["web"])
        assert json.loads(rows.readline())["seq"] > len(numbers)
        assert told(port, "/livez")[0] == 200
        for one in crowd:
            one.close()


def _is_closed(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
