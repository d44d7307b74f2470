"""Descriptors that a service leaves with init for its next run: FDSTORE of sd_notify(3)."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from tests.integration.test_readiness import python
from tests.support.live import eventually

if TYPE_CHECKING:
    from tests.integration.conftest import Start
    from tests.support.live import Live

PROGRAM = r"""
import array, os, pathlib, socket, time
names = os.environ.get("LISTEN_FDNAMES", "").split(":")
given = int(os.environ.get("LISTEN_FDS", "0"))
if given:
    assert os.environ["LISTEN_PID"] == str(os.getpid())
    text = os.pread(3 + names.index("notes"), 99, 0).decode()
else:
    fd = os.memfd_create("notes")
    os.write(fd, b"of the first run")
    text = "nothing"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.connect(os.environ["NOTIFY_SOCKET"])
        socket.send_fds(s, [b"FDSTORE=1\nFDNAME=notes"], [fd])
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
    s.connect(os.environ["NOTIFY_SOCKET"])
    s.send(f"READY=1\nSTATUS={given}: {text}".encode())
time.sleep(1000)
"""


def _begin(start: Start, more: str = "") -> Live:
    init = start(
        f"""
        [init]
        keep_running = true
        [services.a]
        type = "notify"
        command = {python(PROGRAM)}
        restart_delay = 0.05
        {more}
        """
    )
    assert init.wait_for("a", "running")["message"] == "0: nothing"
    return init


def test_descriptor_is_given_back_when_the_service_has_died(start: Start) -> None:
    """With its name and what is in it; also to the run after the next, and after a re-exec."""
    init = _begin(start, "fd_store_max = 2")
    for run in (2, 3):
        os.kill(init.outer_pid(init.status()["a"]["pid"]), signal.SIGKILL)
        init.wait_for("a", "running", run=run, message="1: of the first run")
    assert init.ctl("reexec").returncode == 0
    assert init.ctl("restart", "a").returncode == 0
    eventually(lambda: init.status().get("a", {}).get("run") == 4, "it is restarted")
    init.wait_for("a", "running", message="1: of the first run")


def test_nothing_is_kept_when_there_is_no_room(start: Start) -> None:
    """fd_store_max is 0 unless given, as under systemd."""
    init = _begin(start)
    assert init.ctl("restart", "a").returncode == 0
    init.wait_for("a", "running", run=2, message="0: nothing")


def test_descriptors_are_dropped_when_the_service_is_stopped(start: Start) -> None:
    """What was kept over a failure is not kept over an end."""
    init = _begin(start, "fd_store_max = 2")
    assert init.ctl("stop", "a").returncode == 0
    assert init.ctl("start", "a").returncode == 0
    init.wait_for("a", "running", run=2, message="0: nothing")
