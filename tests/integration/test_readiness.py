"""Services that are ready when they say so, or when they are found to be."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from tests.support.live import ROOT, eventually, toml

if TYPE_CHECKING:
    import pathlib

    from tests.integration.conftest import Start
    from tests.support.live import Live

DEPENDENT = """
[services.user]
command = "sleep 1000"
min_uptime = 0
log = "null"
depends_on = ["a"]
"""


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def python(program: str) -> str:
    """A command line, as TOML, that runs a program."""
    return toml(["python3", "-u", "-c", program])


def order(init: Live) -> list[str]:
    """Which services came to run, in order."""
    return [e["service"] for e in init.events() if e["new"] == "running"]


def open_fds(init: Live) -> int:
    """How many descriptors init holds."""
    return len(os.listdir(f"/proc/{init.pid}/fd"))


SERVERS = {
    "http": """
import http.server, os, pathlib, time
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        good = self.headers["X-Asked"] == "yes" and pathlib.Path("go").exists()
        pathlib.Path("asked").touch()
        self.send_response(204 if good else 503)
        self.end_headers()
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), H).serve_forever()
""",
    "tcp": """
import os, pathlib, socket, time
pathlib.Path("asked").touch()
while not pathlib.Path("go").exists(): time.sleep(0.02)
s = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
while True: s.accept()[0].close()
""",
    "unix": """
import pathlib, socket, time
pathlib.Path("asked").touch()
s = socket.socket(socket.AF_UNIX)
s.bind("sock")
while not pathlib.Path("go").exists(): time.sleep(0.02)
s.listen()
while True: s.accept()[0].close()
""",
    "file": """
import pathlib, time
pathlib.Path("asked").touch()
while not pathlib.Path("go").exists(): time.sleep(0.02)
pathlib.Path("made").touch()
time.sleep(1000)
""",
    "fd": """
import os, pathlib, time
pathlib.Path("asked").touch()
os.write(7, b"not yet")
while not pathlib.Path("go").exists(): time.sleep(0.02)
os.write(7, b"now\\n")
time.sleep(1000)
""",
    "log": """
import pathlib, sys, time
pathlib.Path("asked").touch()
sys.stderr.write("x" * 70000 + " ready on port 1\\n")  # beyond what is looked at of a line
sys.stderr.write("I am rea")
while not pathlib.Path("go").exists(): time.sleep(0.02)
sys.stderr.write("dy on po")
time.sleep(0.05)
sys.stderr.write("rt 80\\r\\n")
time.sleep(1000)
""",
}
READY = {
    "http": 'http = {url = "http://localhost:${PORT}/x?y", status = 204, '
    'headers = {X-Asked = "yes"}}',
    "tcp": 'tcp = "localhost:${PORT}"',
    "unix": 'unix = "${HERE}/sock"',
    "file": 'file = "${HERE}/made"',
    "fd": "fd = 7",
    "log": r"log = '^I am ready on port \d+$'",
}


@pytest.mark.parametrize("kind", READY)
def test_dependents_wait_on_when_readiness_fails_at_first(
    start: Start, loop: str, kind: str
) -> None:
    """It is not ready, then it is; no attempt is a failure of the service."""
    init = start(
        f"""
        [init]
        loop = "{loop}"
        [services.a]
        command = {python(SERVERS[kind])}
        working_dir = "${{HERE}}"
        [services.a.ready]
        interval = 0.05
        {READY[kind]}
        {DEPENDENT}
        """,
        PORT=str(free_port()),
    )
    init.wait_for("a", "starting")
    eventually((init.directory / "asked").exists, "the server runs")
    before = open_fds(init)
    status = init.status()
    assert (status["a"]["state"], status["user"]["state"]) == ("starting", "waiting")
    (init.directory / "go").touch()
    init.wait_for("user", "running")
    assert order(init) == ["a", "user"]
    status = init.status()
    assert status["a"]["restarts"] == 0
    eventually(lambda: open_fds(init) <= before, "no descriptor is left of the probes")


def test_examples_of_readiness_run_when_loaded(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`config/readiness.toml`: one service for each way, and one that waits for them all."""
    from tests.support.live import Live

    monkeypatch.chdir(ROOT)
    ports = {"READY_PORT": str(free_port()), "READY_PORT_2": str(free_port())}
    text = (ROOT / "config/readiness.toml").read_text()
    text = text.replace("config/readiness/", f"{ROOT}/config/readiness/")
    init = Live(tmp_path, text, "subreaper", READY_DIR=str(tmp_path), **ports)
    try:
        init.start()
        init.wait_for("last", "running")
        assert order(init)[-1] == "last"
        assert len(order(init)) == 10
        assert init.status()["by-notify"]["message"] == "waiting for work"
        init.ctl("reload", "by-notify-too")
        assert init.status()["by-notify-too"]["message"] == "waiting for more work"
    finally:
        init.close()


def test_hanging_server_costs_nothing_else_when_it_is_probed(start: Start, loop: str) -> None:
    """It accepts and says nothing: others are ready at once, and init ends at once."""
    hanging = """
import os, pathlib, socket, time
s = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
kept = []
while True:
    kept.append(s.accept()[0])
    pathlib.Path("asked").touch()
"""
    port = free_port()
    init = start(
        f"""
        [init]
        loop = "{loop}"
        [services.a]
        command = {python(hanging)}
        working_dir = "${{HERE}}"
        start_timeout = 1000
        ready = {{http = "http://127.0.0.1:{port}/", timeout = 500}}
        [services.b]
        command = "sleep 1000"
        min_uptime = 0
        restart_delay = 0.01
        """,
        PORT=str(port),
    )
    eventually((init.directory / "asked").exists, "the probe hangs")
    first = init.wait_for("b", "running")
    os.kill(init.outer_pid(first["pid"]), 9)
    init.wait_for("b", "running", restarts=1)
    assert init.status()["a"]["state"] == "starting"
    before = open_fds(init)
    init.ctl("stop", "a")
    eventually(lambda: open_fds(init) < before, "the probe is gone with its run")
    init.ctl("shutdown")
    assert init.wait() == 0


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("b'SSH-2.0-x\\\\r\\\\n'", "it speaks no HTTP/1"),
        ("b'HTTP/1.1 500 Oops\\\\r\\\\n\\\\r\\\\n'", "it answered 500"),
        ("b'HTTP/1.1 200 OK\\\\r\\\\nX: ' + b'x' * 100000", "its headers are too long"),
        ("b''", "without an answer"),
        ("b'HTTP/1.1 200 OK\\\\r\\\\nContent-Length: 5\\\\r\\\\n\\\\r\\\\nabc'", "not to the end"),
    ],
    ids=["ssh", "500", "huge", "nothing", "cut"],
)
def test_start_fails_with_the_reason_when_no_answer_is_good(
    tmp_path: pathlib.Path, answer: str, why: str
) -> None:
    """The reason says what came instead, while it waits."""
    from tests.support.live import live

    server = f"""
import os, socket
s = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
while True:
    with s.accept()[0] as one:
        one.recv(1000)
        try:
            one.sendall({answer.replace(chr(92) * 2, chr(92))})
            one.shutdown(socket.SHUT_WR)
            while one.recv(1000): pass
        except OSError:
            pass
"""
    port = free_port()
    config = f"""
        [services.a]
        command = {python(server)}
        start_timeout = 1000
        ready = {{http = "http://127.0.0.1:{port}/", interval = 0.05}}
        """
    with live(tmp_path, config, PORT=str(port)) as init:
        eventually(lambda: why in init.status().get("a", {}).get("reason", ""), why)


def test_service_fails_when_it_is_not_ready_in_time(start: Start) -> None:
    """Nobody listens; start_timeout ends it, its dependents never start."""
    init = start(
        f"""
        [init]
        keep_running = true
        [services.a]
        command = "sleep 1000"
        start_timeout = 0.3
        restart = "no"
        ready = {{tcp = "127.0.0.1:{free_port()}", interval = 0.05}}
        {DEPENDENT}
        """
    )
    assert init.wait_for("a", "failed")["result"] == "timeout"
    init.wait_for("user", "failed")


def test_service_is_not_ready_when_its_last_words_say_so(start: Start, loop: str) -> None:
    """It is dead by then; nobody may count on it."""
    init = start(
        f"""
        [init]
        loop = "{loop}"
        keep_running = true
        [services.a]
        command = {toml(["sh", "-c", "echo ready; exit 1"])}
        restart = "no"
        ready = {{log = "ready"}}
        [services.b]
        command = {toml(["sh", "-c", "echo >&5; exit 1"])}
        restart = "no"
        ready = {{fd = 5}}
        """
    )
    for name in ("a", "b"):
        init.wait_for(name, "failed")
    assert order(init) == []


def test_descriptor_closed_in_silence_means_nothing_when_it_was_to_tell(start: Start) -> None:
    """The service goes on, and is not ready."""
    init = start(
        f"""
        [init]
        keep_running = true
        [services.a]
        command = {toml(["sh", "-c", "exec 3>&-; touch closed; sleep 1000"])}
        working_dir = "${{HERE}}"
        start_timeout = 0.5
        restart = "no"
        ready = {{fd = 3}}
        """
    )
    assert init.wait_for("a", "failed")["result"] == "timeout"
    assert (init.directory / "closed").exists()


def test_faults_of_the_kernel_are_failed_probes_when_injected(tmp_path: pathlib.Path) -> None:
    """No socket, no connection, no bytes: later attempts succeed, no descriptor is lost."""
    from tests.support.live import live

    port = free_port()
    config = f"""
        [services.a]
        command = {toml(["python3", f"{ROOT}/config/readiness/server.py", "http", str(port)])}
        ready = {{http = "http://127.0.0.1:{port}/ready", interval = 0.02}}
        """
    faults = "socket:EMFILE@2-3,connect:ENETUNREACH@3,send:EPIPE@1,recv:ECONNRESET@1"
    with live(tmp_path, config, NSINIT_FAULTS=faults) as init:
        init.wait_for("a", "running")
        assert init.status()["a"]["restarts"] == 0
