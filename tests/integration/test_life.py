"""Services that start, end, come back and stop, on both loops, as PID 1 and as a subreaper."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.live import descendants, eventually, is_alive

if TYPE_CHECKING:
    import pathlib

    from tests.integration.conftest import Start

pytestmark = [pytest.mark.every_way, pytest.mark.every_loop]


def test_services_run_when_dependencies_hold(start: Start, loop: str) -> None:
    """A oneshot, a service that says it is ready, and one that needs both, in that order."""
    init = start(
        f"""
        [init]
        loop = "{loop}"
        [services.migrate]
        type = "oneshot"
        command = "sh -c 'echo migrated'"
        [services.web]
        type = "notify"
        command = ["python3", "-c", '''
import os, socket, time
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
    s.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
time.sleep(1000)
''']
        depends_on = ["migrate"]
        [services.worker]
        command = "sleep 1000"
        min_uptime = 0.1
        depends_on = ["web"]
        """
    )
    init.wait_for("worker", "running")
    order = [e["service"] for e in init.events() if e["new"] == "running"]
    assert order == ["migrate", "web", "worker"]
    assert init.status()["migrate"]["state"] == "exited"
    assert init.status()["migrate"]["exit_code"] == 0


def test_killed_service_comes_back_when_restart_is_on_failure(start: Start, loop: str) -> None:
    """Kill -9 of a main process is a failure; the next run is another process."""
    init = start(
        f"""
        [init]
        loop = "{loop}"
        [services.a]
        command = "sleep 1000"
        min_uptime = 0
        restart_delay = 0.05
        """
    )
    first = init.wait_for("a", "running")
    os.kill(init.outer_pid(first["pid"]), signal.SIGKILL)
    second = init.wait_for("a", "running", run=2)
    assert second["pid"] != first["pid"]
    assert second["exit_signal"] == 9
    assert second["restarts"] == 1


def test_init_ends_with_code_when_main_ends(start: Start, loop: str) -> None:
    """The exit code of the main service is that of init, and everything else is stopped first."""
    init = start(
        f"""
        [init]
        loop = "{loop}"
        [services.other]
        command = "sleep 1000"
        min_uptime = 0
        [services.app]
        main = true
        command = "sh -c 'sleep 0.2; exit 42'"
        depends_on = ["other"]
        """
    )
    assert init.wait() == 42
    assert "other is stopped" in init.said()


def test_term_stops_in_waves_when_services_depend_on_each_other(start: Start, loop: str) -> None:
    """Three waves, the middle one ignores TERM: it is killed within the budget, order is kept."""
    init = start(
        f"""
        [init]
        loop = "{loop}"
        shutdown_timeout = 3
        [services.db]
        command = "sleep 1000"
        min_uptime = 0
        [services.app]
        command = ["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"]
        min_uptime = 0.3
        depends_on = ["db"]
        [services.proxy]
        command = "sleep 1000"
        min_uptime = 0
        depends_on = ["app"]
        """
    )
    init.wait_for("proxy", "running")
    below = descendants(init.pid)
    init.signal(signal.SIGTERM)
    assert init.wait(10) == 0
    said = init.said()
    order = [said.index(f"{name} is stopped") for name in ("proxy", "app", "db")]
    assert order == sorted(order)
    assert "app is stopped, was killed by KILL" in said
    assert "db is stopped, was killed by TERM" in said
    eventually(lambda: not any(is_alive(pid) for pid in below), "nothing is left")


def test_second_term_kills_when_service_ignores_the_first(start: Start, loop: str) -> None:
    """The second TERM skips the rest of the grace."""
    init = start(
        f"""
        [init]
        loop = "{loop}"
        shutdown_timeout = 600
        [services.app]
        command = ["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"]
        min_uptime = 0.3
        stop_timeout = 500
        """
    )
    init.wait_for("app", "running")
    init.signal(signal.SIGTERM)
    init.wait_for("app", "stopping")
    init.signal(signal.SIGTERM)
    assert init.wait(10) == 0
    assert "killed by KILL" in init.said()


@pytest.mark.parametrize("verb", ["stop", "restart"])
def test_stopped_process_is_stopped_when_it_was_suspended(start: Start, verb: str) -> None:
    """A service under SIGSTOP gets its TERM, because a CONT follows."""
    init = start(
        """
        [services.a]
        command = "sleep 1000"
        min_uptime = 0
        stop_timeout = 60
        """
    )
    pid = init.outer_pid(init.wait_for("a", "running")["pid"])
    os.kill(pid, signal.SIGSTOP)
    init.ctl(verb, "a", "-t", "20")
    assert init.status()["a"]["exit_signal"] == 15
    assert not is_alive(pid)


def test_end_is_told_before_timers_when_init_was_frozen(
    start: Start, loop: str, tmp_path: pathlib.Path
) -> None:
    """While init is stopped a service ends and its start timeout passes: it is not a timeout."""
    init = start(
        f"""
        [init]
        loop = "{loop}"
        keep_running = true
        [services.a]
        type = "notify"
        command = "sh -c 'until [ -e {tmp_path}/end ]; do sleep 0.05; done; exit 5'"
        start_timeout = 3
        restart = "no"
        """
    )
    init.wait_for("a", "starting")
    init.signal(signal.SIGSTOP)
    pid = descendants(init.pid)[0]
    (tmp_path / "end").touch()
    eventually(lambda: not is_alive(pid), "the service ends by itself")
    over = time.monotonic() + 3.0
    eventually(lambda: time.monotonic() > over, "its start timeout passes")
    init.signal(signal.SIGCONT)
    ended = init.wait_for("a", "failed")
    assert ended["result"] == "exit-code"
    assert ended["exit_code"] == 5


def test_init_ends_with_first_failure_when_nothing_is_left(start: Start) -> None:
    """A oneshot that failed decides the code when no service could run any more."""
    init = start(
        """
        [services.bad]
        type = "oneshot"
        command = "sh -c 'exit 9'"
        [services.good]
        type = "oneshot"
        command = "true"
        """
    )
    assert init.wait() == 9


def test_init_stays_when_operator_stopped_the_last_service(start: Start) -> None:
    """What an operator stops by hand is expected to be started again."""
    init = start('[services.a]\ncommand = "sleep 1000"\nmin_uptime = 0\n')
    init.wait_for("a", "running")
    init.ctl("stop", "a")
    assert init.status()["a"]["state"] == "stopped"
    init.ctl("start", "a")
    assert init.status()["a"]["state"] == "running"


def test_usr1_and_usr2_are_harmless_when_sent_to_init(start: Start) -> None:
    """USR2 tells the state in the log; neither ends anything."""
    init = start('[services.a]\ncommand = "sleep 1000"\nmin_uptime = 0\n')
    init.wait_for("a", "running")
    for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP, signal.SIGWINCH):
        init.signal(number)
    eventually(lambda: "a: running" in init.said(), "the state is told")
    assert init.status()["a"]["run"] == 1
