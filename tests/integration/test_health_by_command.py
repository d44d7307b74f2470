"""`health` and `ready` by a command: what a probe says, and what comes of it."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.live import descendants, eventually, live, toml
from tests.support.traces import note, script, trace

if TYPE_CHECKING:
    import pathlib

    from tests.integration.conftest import Start

SLEEPER = 'command = "sleep 1000"\nmin_uptime = 0\nrestart_delay = 0.05\n'


def _health(text: str, **keys: object) -> str:
    made = {"interval": "50ms", "timeout": "2s", "retries": 2, **keys}
    rest = ", ".join(f"{key} = {toml(value)}" for key, value in made.items())
    return f"health = {{ exec = {script(text)}, {rest} }}\n"


def test_service_is_restarted_when_its_probe_fails(start: Start, loop: str) -> None:
    """After `retries` in a row; the new run is asked anew."""
    probe = 'if [ -e "$HERE/sick" ]; then rm "$HERE/sick"; exit 1; fi'
    init = start(
        f'[init]\nloop = "{loop}"\n[services.a]\n{SLEEPER}{_health(probe, retries=1)}'
        f"post_stop = {note('$SERVICE_RESULT')}\n"
    )
    first = init.wait_for("a", "running", health="healthy")
    (init.directory / "sick").touch()
    second = init.wait_for("a", "running", run=2, health="healthy")
    assert second["pid"] != first["pid"]
    assert second["result"] == "watchdog"
    assert trace(init) == ["watchdog"]


@pytest.mark.parametrize(
    ("action", "state"), [("stop", "failed"), ("none", "running"), ("shutdown", "")]
)
def test_action_is_taken_when_service_is_unhealthy(
    tmp_path: pathlib.Path, action: str, state: str
) -> None:
    """Stopped for good, only told, or the end of init with a code."""
    config = f"[init]\nkeep_running = true\n[services.a]\n{SLEEPER}"
    with live(tmp_path, config + _health("exit 1", action=action)) as init:
        if action == "shutdown":
            assert init.wait() not in (0, 70)
            return
        fields = {"health": "unhealthy"} if action == "none" else {}
        found = init.wait_for("a", state, **fields)
        assert found["run"] == 1
        assert "unhealthy: failed with code 1" in found["reason"] + str(init.events())


def test_failures_do_not_count_when_service_is_young(tmp_path: pathlib.Path) -> None:
    """start_period: it may be unwell at first, and a good answer ends that."""
    probe = '[ -e "$HERE/well" ]'
    health = _health(probe, retries=1, start_period="1h")
    with live(tmp_path, f"[services.a]\n{SLEEPER}{health}") as init:
        init.wait_for("a", "running", health="starting")
        over = time.monotonic() + 0.5
        eventually(lambda: time.monotonic() > over, "several probes")
        assert init.status()["a"]["run"] == 1
        (tmp_path / "well").touch()
        init.wait_for("a", "running", health="healthy")
        (tmp_path / "well").unlink()
        init.wait_for("a", "running", run=2)


def test_single_failures_are_forgotten_when_a_good_one_follows(tmp_path: pathlib.Path) -> None:
    """Only failures in a row make it unhealthy."""
    probe = 'if mkdir "$HERE/odd" 2>/dev/null; then exit 1; fi; rmdir "$HERE/odd"'
    probe = f'echo >> "$HERE/trace"; {probe}'
    with live(tmp_path, f"[services.a]\n{SLEEPER}{_health(probe)}") as init:
        init.wait_for("a", "running")
        eventually(lambda: len(trace(init)) >= 12, "many probes")
        assert init.status()["a"]["run"] == 1


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("sleep 1001 & sleep 1002", "took too long"),
        ("trap '' TERM; setsid sleep 1001 & wait", "took too long"),
        ("kill -9 $$$$", "killed by signal 9"),
        ("yes >&2; yes", "took too long"),
    ],
)
def test_nothing_piles_up_when_probes_hang(tmp_path: pathlib.Path, text: str, why: str) -> None:
    """A probe that is cut short counts as failed, and its processes are gone with it."""
    health = _health(text, timeout="150ms", action="none")
    with live(tmp_path, f"[services.a]\n{SLEEPER}{health}stop_timeout = 1\n") as init:
        init.wait_for("a", "running", health="unhealthy")
        assert any(why in str(event) for event in init.events())
        if "setsid" not in text:
            over = time.monotonic() + 1
            eventually(lambda: time.monotonic() > over, "some more")
            assert len(descendants(init.pid)) <= 4
        init.ctl("stop", "a")
        eventually(lambda: not descendants(init.pid), "what was killed dies")


def test_reason_is_told_when_probe_is_missing(tmp_path: pathlib.Path) -> None:
    """Not a silent restart loop."""
    health = 'health = { exec = "/no/such/probe", interval = 0.05, retries = 1, action = "stop" }\n'
    config = f"[init]\nkeep_running = true\n[services.a]\n{SLEEPER}{health}"
    with live(tmp_path, config) as init:
        assert "/no/such/probe" in init.wait_for("a", "failed")["reason"]


def test_checks_end_when_service_is_stopped(tmp_path: pathlib.Path) -> None:
    """No probe of what does not run."""
    probe = 'echo >> "$HERE/trace"'
    with live(tmp_path, f"[services.a]\n{SLEEPER}{_health(probe)}") as init:
        eventually(lambda: trace(init), "a probe")
        init.ctl("stop", "a")
        before = len(trace(init))
        over = time.monotonic() + 0.4
        eventually(lambda: time.monotonic() > over, "the time of several probes")
        assert len(trace(init)) == before


def test_dependents_wait_when_ready_asks(start: Start, loop: str) -> None:
    """Running only once the command says so; then it is not asked any more."""
    probe = script('echo asked >> "$HERE/trace"; [ -e "$HERE/ready" ]')
    init = start(
        f'[init]\nloop = "{loop}"\n[services.db]\n{SLEEPER}'
        f"ready = {{ exec = {probe}, interval = 0.1 }}\n"
        f'[services.web]\n{SLEEPER}depends_on = ["db"]\n'
    )
    eventually(lambda: len(trace(init)) >= 3, "it is asked again and again")
    assert init.status()["db"]["state"] == "starting"
    assert init.status()["web"]["state"] == "waiting"
    (init.directory / "ready").touch()
    init.wait_for("web", "running")
    asked = len(trace(init))
    os.kill(init.outer_pid(init.status()["web"]["pid"]), signal.SIGKILL)
    init.wait_for("web", "running", run=2)
    assert len(trace(init)) == asked


def test_start_times_out_when_never_ready(start: Start) -> None:
    """What the probe says last is not lost, and the service is stopped."""
    ready = f"ready = {{ exec = {script('exit 6')}, interval = 0.05 }}\n"
    init = start(
        f"[init]\nkeep_running = true\n[services.a]\n{SLEEPER}{ready}"
        'start_timeout = 0.5\nrestart = "no"\n'
    )
    assert init.wait_for("a", "failed")["result"] == "timeout"
    eventually(lambda: not descendants(init.pid), "nothing is left")


@pytest.mark.parametrize("end", ["kill", "stop", "fail"])
def test_dependents_follow_when_service_breaks(start: Start, end: str) -> None:
    """on_failure = "restart-dependents": after a failure, not after a stop by hand."""
    init = start(
        f'[services.db]\n{SLEEPER}on_failure = "restart-dependents"\n'
        f'[services.web]\n{SLEEPER}depends_on = ["db"]\n[services.apart]\n{SLEEPER}'
    )
    init.wait_for("web", "running")
    init.wait_for("apart", "running")
    if end == "stop":
        init.ctl("stop", "db")
        init.ctl("start", "db")
        assert init.wait_for("web", "running")["run"] == 1
        return
    number = signal.SIGKILL if end == "kill" else signal.SIGABRT
    os.kill(init.outer_pid(init.status()["db"]["pid"]), number)
    init.wait_for("db", "running", run=2)
    init.wait_for("web", "running", run=2)
    assert init.status()["apart"]["run"] == 1


def test_init_ends_with_code_when_service_with_on_failure_shutdown_gives_up(start: Start) -> None:
    """After its last attempt, in order, with its code."""
    init = start(
        f"[services.a]\ncommand = {script('exit 11')}\nrestart_limit = 1\nrestart_delay = 0.05\n"
        f'on_failure = "shutdown"\n[services.b]\n{SLEEPER}post_stop = {note("b ends")}\n'
    )
    assert init.wait() == 11
    assert trace(init) == ["b ends"]
