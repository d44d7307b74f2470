"""What users of other supervisors complain of: codes of their tools, and stops that take for ever.

Each test has the name of the complaint and runs its case on real processes.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

from tests.support.live import NSINIT, environment, eventually, is_alive

if TYPE_CHECKING:
    from tests.integration.conftest import Start
    from tests.support.live import Live

DEAF = """["sh", "-c", "trap '' TERM INT HUP; echo deaf; while :; do sleep 1000; done"]"""


def test_usable_exit_codes_of_ctl_when_a_script_asks(start: Start) -> None:
    """`supervisorctl status` said 0 whatever had happened, and its stop never failed."""
    init = start(
        """
        [init]
        keep_running = true
        [services.up]
        command = "sleep 1000"
        min_uptime = 0
        [services.down]
        command = "sleep 1000"
        autostart = false
        [services.done]
        type = "oneshot"
        command = "true"
        [services.broken]
        command = "sh -c 'exit 3'"
        restart = "no"
        """
    )
    init.wait_for("up", "running")
    init.wait_for("done", "exited")
    init.wait_for("broken", "failed")
    codes = {
        "status": 0, "status up": 0, "status done": 0, "status down": 3, "status broken": 1,
        "status up down broken": 1, "status nobody": 4, "list tag:nothing": 4,
        "health": 1, "health up done": 0, "health down": 3,
        "start up": 0, "start broken": 1, "start nobody": 4, "stop down": 0,
        "wait up": 0, "wait broken": 1, "wait down -t 0.1": 124,
        "restart up -t 0": 124, "reload up": 1, "signal USR1 down": 1,
        "exec up -- true": 0, "exec up -- false": 1, "exec up -- no-such-command": 127,
        "strat": 2, "start": 2, "status --colour": 2, "wait up --for joy": 2,
    }  # fmt: skip
    got = {words: init.ctl(*words.split(), check=False).returncode for words in codes}
    assert got == codes
    nowhere = [*NSINIT, "ctl", "--socket", "/nowhere/x.sock", "status"]
    assert subprocess.run(nowhere, env=environment(), check=False).returncode == 4


def test_slow_stop_is_no_slower_than_the_slowest_when_services_are_independent(
    start: Start,
) -> None:
    """Three services of a second each were stopped one after the other."""
    slow = """["sh", "-c", "trap 'sleep 1; exit 0' TERM; echo up; while :; do sleep 0.05; done"]"""
    tables = "\n".join(f"[services.s{n}]\ncommand = {slow}\nmin_uptime = 0" for n in range(5))
    init = start(tables)
    for n in range(5):
        init.wait_for(f"s{n}", "running")
    eventually(lambda: init.said().count("| up") == 5, "their traps")
    began = time.monotonic()
    init.signal(signal.SIGTERM)
    assert init.wait() == 0
    assert 0.9 < time.monotonic() - began < 4


def _deaf(start: Start, more: str = "") -> tuple[Live, int]:
    init = start(
        f"""
        [init]
        shutdown_timeout = 2
        [services.deaf]
        command = {DEAF}
        min_uptime = 0
        {more}
        """
    )
    pid = init.outer_pid(init.wait_for("deaf", "running")["pid"])
    eventually(lambda: "| deaf" in init.said(), "its trap")
    return init, pid


def test_hung_stop_ends_by_kill_when_a_service_ignores_every_signal(start: Start) -> None:
    """It stays `stopping` no longer than told, its children go with it, and others may be asked."""
    init, pid = _deaf(start, 'stop_timeout = "0.5s"\n[services.other]\ncommand = "sleep 1000"')
    began = time.monotonic()
    assert init.ctl("stop", "deaf").stdout.startswith("deaf stopped")
    assert 0.4 < time.monotonic() - began < 5
    assert not is_alive(pid)
    assert init.status()["deaf"]["exit_signal"] == signal.SIGKILL


def test_hung_stop_does_not_block_init_when_it_takes_its_time(start: Start) -> None:
    """Everything else is answered meanwhile, and a second request is no error."""
    init, _ = _deaf(start, 'stop_timeout = "3s"\n[services.other]\ncommand = "sleep 1000"')
    init.wait_for("other", "running")
    init.ctl("stop", "deaf", "--no-wait")
    began = time.monotonic()
    assert init.status()["deaf"]["state"] == "stopping"
    init.ctl("restart", "other")
    assert "deaf is stopping" in init.ctl("why", "deaf").stdout
    assert time.monotonic() - began < 3
    assert init.ctl("stop", "deaf").returncode == 0


def test_hung_stop_ends_in_the_budget_when_init_shuts_down(start: Start) -> None:
    """The container's runtime never has to kill: the KILL comes from init, in time."""
    init, pid = _deaf(start, 'stop_timeout = "60s"')
    began = time.monotonic()
    os.kill(init.pid, signal.SIGTERM)
    assert init.wait() == 0
    assert time.monotonic() - began < 4
    assert not is_alive(pid)
