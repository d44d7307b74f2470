"""An error that init can't get over: it begins anew with all that it knows, a few times at most."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from tests.support.live import eventually, live

if TYPE_CHECKING:
    import pathlib

    from tests.integration.conftest import Start

CONFIG = """
[services.a]
command = "sleep 1000"
min_uptime = 0
restart_delay = 0.05
[services.b]
command = "sleep 1000"
min_uptime = 0
"""


def _config(loop: str) -> str:
    return f'[init]\nloop = "{loop}"\n{CONFIG}'


def test_init_begins_anew_when_its_core_fails(start: Start, loop: str) -> None:
    """What the core could not handle is handled by the next program; nothing is lost."""
    # Boot and, for each of both, the spawn, the exec and the uptime come first.
    init = start(_config(loop), NSINIT_FAULTS="core:EIO@8-12")
    a, b = init.wait_for("a", "running"), init.wait_for("b", "running")
    os.kill(init.outer_pid(a["pid"]), signal.SIGKILL)
    eventually(lambda: "goes on after an exec of itself" in init.said(), "the next program")
    init.wait_for("a", "running", run=2)
    assert init.status()["b"]["pid"] == b["pid"]
    assert "init begins anew (1 of 3 times)" in init.said()
    assert "Traceback" in init.said()
    crash = init.socket.parent / "crash.txt"
    assert "OSError" in crash.read_text()
    assert crash.stat().st_mode & 0o777 == 0o600
    init.signal(signal.SIGTERM)
    assert init.wait() == 0


def test_init_lives_on_without_a_loop_when_that_fails_again_and_again(
    start: Start, loop: str
) -> None:
    """Three times is enough; then it reaps, restarts and stops as it can."""
    init = start(_config(loop), NSINIT_FAULTS="loop:EIO")
    eventually(lambda: "does not any more" in init.said(), "three attempts")
    assert "(3 of 3 times)" in init.said()
    assert init.said().count("goes on after an exec") == 3
    eventually(lambda: init.said().count("a is running (pid") == 1, "the service")
    pid = int(init.said().partition("a is running (pid ")[2].partition(")")[0])
    os.kill(init.outer_pid(pid), signal.SIGKILL)
    eventually(lambda: init.said().count("a is running (pid") == 2, "its second run")
    init.signal(signal.SIGTERM)
    assert init.wait() == 0
    assert "b is stopped, was killed by TERM" in init.said()


def test_init_lives_on_when_it_can_not_begin_anew(tmp_path: pathlib.Path) -> None:
    """No memory for the state, no exec: what is left is what there always was."""
    faults = "loop:EIO,execve:ENOEXEC"
    with live(tmp_path, CONFIG, NSINIT_FAULTS=faults) as init:
        eventually(lambda: "init can't begin anew" in init.said(), "the attempt")
        eventually(lambda: "b is running" in init.said(), "the services")
        init.signal(signal.SIGTERM)
        assert init.wait() == 0
        assert "b is stopped, was killed by TERM" in init.said()


def test_event_is_told_again_when_the_core_fails_once(tmp_path: pathlib.Path) -> None:
    """One failure is no reason to begin anew, and the end of a process is not forgotten."""
    with live(tmp_path, CONFIG, NSINIT_FAULTS="core:EIO@8") as init:
        a = init.wait_for("a", "running")
        init.wait_for("b", "running")
        os.kill(a["pid"], signal.SIGKILL)
        init.wait_for("a", "running", run=2)
        assert init.said().count("cannot handle") == 1
        assert "begins anew" not in init.said()
