"""Services that are watched while they run."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.integration.test_readiness import free_port, python
from tests.support.live import ROOT, Live, eventually

if TYPE_CHECKING:
    import pathlib

    from tests.integration.conftest import Start

SERVERS = {
    "http": """
import http.server, os, pathlib
class H(http.server.BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.send_response(500 if pathlib.Path("sick").exists() else 200)
        self.send_header("Content-Length", "5")
        self.end_headers()
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), H).serve_forever()
""",
    "tcp": """
import os, pathlib, socket, time
s = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
while not pathlib.Path("sick").exists(): time.sleep(0.02)
s.close()
time.sleep(1000)
""",
    "unix": """
import os, pathlib, socket, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("\\0" + os.environ["PORT"] + "@nsinit-test")
while not pathlib.Path("sick").exists(): time.sleep(0.02)
s.close()
time.sleep(1000)
""",
}
HEALTH = {
    "http": 'http = {url = "http://127.0.0.1:${PORT}/", method = "HEAD", status = "200-299"}',
    "tcp": "tcp = ${PORT}",
    "unix": 'unix = "@${PORT}@nsinit-test"',
}


@pytest.mark.parametrize("kind", HEALTH)
def test_service_is_restarted_when_it_is_unhealthy(start: Start, loop: str, kind: str) -> None:
    """Healthy, then not, a few times in a row: the next run has another process."""
    port = str(free_port())
    init = start(
        f"""
        [init]
        loop = "{loop}"
        [services.a]
        command = {python(SERVERS[kind])}
        working_dir = "${{HERE}}"
        min_uptime = 0.3
        restart_delay = 0.05
        stop_timeout = 0.5
        [services.a.health]
        interval = 0.1
        retries = 2
        start_period = "20s"
        {HEALTH[kind].replace("${PORT}", port) if kind == "tcp" else HEALTH[kind]}
        """,
        PORT=port,
    )
    first = init.wait_for("a", "running", health="healthy")
    (init.directory / "sick").touch()
    eventually(lambda: init.status()["a"]["restarts"], "it is restarted")
    (init.directory / "sick").unlink()
    second = init.wait_for("a", "running", health="healthy")
    assert second["pid"] != first["pid"]
    assert "unhealthy" in init.said()


def test_examples_of_health_run_when_loaded(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`config/health.toml`: a check by HTTP, one by a command, and a watchdog."""
    monkeypatch.chdir(ROOT)
    text = (ROOT / "config/health.toml").read_text().replace('"10s"', "0.1")
    text = text.replace("config/readiness/", f"{ROOT}/config/readiness/")
    file = tmp_path / "well"
    file.touch()
    variables = {"HEALTH_PORT": str(free_port()), "HEALTH_FILE": str(file)}
    init = Live(tmp_path, text, "subreaper", **variables)
    try:
        init.start()
        init.wait_for("web", "running", health="healthy")
        init.wait_for("moody", "running", health="healthy")
        alive = init.wait_for("alive", "running")
        file.unlink()
        eventually(lambda: init.status()["moody"]["restarts"], "the moody one is restarted")
        file.touch()
        init.wait_for("moody", "running", health="healthy")
        os.kill(alive["pid"], signal.SIGSTOP)  # no sign of life from now on
        eventually(lambda: init.status()["alive"]["restarts"], "the watchdog bites")
        assert init.wait_for("alive", "running")["pid"] != alive["pid"]
        assert init.status()["web"]["restarts"] == 0
    finally:
        init.close()


def test_nothing_is_asked_when_the_service_does_not_run(start: Start) -> None:
    """A check under way ends with the run; a stopped service has no health."""
    init = start(
        f"""
        [services.a]
        command = "sleep 1000"
        min_uptime = 0
        health = {{tcp = {free_port()}, interval = 0.05, retries = 3, action = "none"}}
        """
    )
    init.wait_for("a", "running", health="unhealthy")
    init.ctl("stop", "a")
    assert init.wait_for("a", "stopped")["health"] is None
    said = len(init.events())
    init.ctl("version")
    assert len(init.events()) == said
