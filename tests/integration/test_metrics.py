"""Figures of a real init, by its socket."""

from __future__ import annotations

import os
import signal
import socket
from typing import TYPE_CHECKING

import pytest

from tests.support.exposition import Samples, read, value
from tests.support.live import eventually

if TYPE_CHECKING:
    from tests.integration.conftest import Start
    from tests.support.live import Live

CONFIG = """
[init]
keep_running = true
[services.web]
command = "sleep 1000"
min_uptime = 0
restart_delay = 0
restart = "always"
[services.job]
type = "oneshot"
command = "sh -c 'echo out; exit 3'"
[services.pair]
command = "sh -c 'while :; do :; done'"
replicas = 2
nice = 19
autostart = false
min_uptime = 0
"""


def scraped(init: Live) -> Samples:
    """What a scraper gets."""
    return read(init.client.metrics())


def get(init: Live, target: str, *headers: str) -> tuple[str, str]:
    """The head and the body of an answer."""
    lines = "".join(f"{header}\r\n" for header in headers)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(init.socket))
        connection.sendall(f"GET {target} HTTP/1.0\r\n{lines}\r\n".encode())
        data = b""
        while piece := connection.recv(1 << 16):
            data += piece
    head, _, body = data.decode().partition("\r\n\r\n")
    return head, body


def test_figures_are_right_when_services_start_and_end(start: Start) -> None:
    """Starts, ends, exit codes, what processes use; and no less over a reexec."""
    init = start(CONFIG)
    init.wait_for("job", "failed")
    pid = init.wait_for("web", "running")["pid"]
    first = scraped(init)
    assert value(first, "nsinit_service_state", service="job", state="failed") == 1
    assert value(first, "nsinit_service_last_exit_code", service="job") == 3
    assert value(first, "nsinit_service_ends_total", service="job", result="exit-code") == 1
    assert value(first, "nsinit_service_up", service="pair", replica="2") == 0
    assert (value(first, "nsinit_service_memory_bytes", service="web") or 0) > 100_000
    assert value(first, "nsinit_service_open_fds", service="web") == 3
    assert value(first, "nsinit_ready") == 0
    os.kill(init.outer_pid(pid), signal.SIGKILL)
    init.wait_for("web", "running", run=2)
    init.client.start(names=["pair"])
    second = eventually(
        lambda: (
            got
            if (value(got := scraped(init), "nsinit_service_cpu_seconds_total",
                      service="pair", replica="1") or 0) > 0.02
            else None
        ),
        "a busy service uses CPU",
    )  # fmt: skip
    assert value(second, "nsinit_service_restarts_total", service="web") == 1
    assert value(second, "nsinit_service_ends_total", service="web", result="signal") == 1
    assert value(second, "nsinit_service_processes", service="pair", replica="2") == 1
    used = value(second, "nsinit_service_cpu_seconds_total", service="pair", replica="1")
    init.client.stop(names=["pair"])
    if init.way == "subreaper":
        init.client.reexec()
    third = scraped(init)
    assert (value(third, "nsinit_service_cpu_seconds_total", service="pair", replica="1") or 0) >= (
        used or 0
    )
    for name, labels in (("starts", {}), ("ends", {"result": "signal"}), ("restarts", {})):
        now = value(third, f"nsinit_service_{name}_total", service="web", **labels)
        assert now == value(second, f"nsinit_service_{name}_total", service="web", **labels)


def test_text_is_what_the_client_wants_when_it_says_so(start: Start) -> None:
    """By Accept or by a parameter; some families alone; an unknown one is refused with a hint."""
    init = start(CONFIG)
    init.wait_for("web", "running")
    head, body = get(init, "/metrics", "Accept: application/openmetrics-text; version=1.0.0")
    assert (
        "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8" in head.lower()
    )
    assert len(read(body)) > 20
    head, body = get(init, "/metrics", "Accept: */*")
    assert "content-type: text/plain; version=0.0.4; charset=utf-8" in head.lower()
    assert len(read(body, openmetrics=False)) > 20
    _, body = get(init, "/metrics?family=nsinit_services&format=openmetrics")
    assert set(read(body)) == {"nsinit_services"}
    head, body = get(init, "/metrics?family=nsinit_servces")
    assert " 404 " in head
    assert "nsinit_services" in body
    done = init.ctl("metrics", "nsinit_service_up")
    assert 'nsinit_service_up{service="web"} 1\n' in done.stdout
    assert done.stdout.endswith("# EOF\n")
    assert '"text": "# HELP' in init.ctl("metrics", "--json").stdout


@pytest.mark.parametrize("way", ["subreaper"], indirect=True)
def test_others_are_answered_when_many_scrape(start: Start) -> None:
    """Scrapes at the same time share what is read of /proc, and all get an answer."""
    init = start(CONFIG)
    init.wait_for("web", "running")
    connections = []
    for _ in range(20):
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(str(init.socket))
        connection.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        connections.append(connection)
    assert init.client.livez() == {"live": True}
    for connection in connections:
        data = b""
        while piece := connection.recv(1 << 16):
            data += piece
        connection.close()
        assert data.endswith(b"# EOF\n")
    eventually(lambda: value(scraped(init), "nsinit_clients") == 1, "they are gone")
