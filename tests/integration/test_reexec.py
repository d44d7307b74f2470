"""An init whose program is replaced while it runs: whatever it looked after goes on."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from nsinit.errors import ControlError
from tests.support.live import ROOT, eventually, is_alive, live
from tests.support.replacing import held, replace

if TYPE_CHECKING:
    import pathlib

    from tests.integration.conftest import Start
    from tests.support.live import Live

pytestmark = [pytest.mark.every_way, pytest.mark.every_loop]

# Tells that it runs, and exits with 7 when it is asked to.
ASKED = """["python3", "-c", '''
import signal, sys
signal.signal(signal.SIGUSR1, lambda *_: sys.exit(7))
print("here", flush=True)
while True:
    signal.pause()
''']"""
READY = """["python3", "-c", '''
import os, socket, time
while not os.path.exists(os.environ["HERE"] + "/go"):
    time.sleep(0.02)
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
    s.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
time.sleep(1000)
''']"""


def test_everything_goes_on_when_init_is_replaced(start: Start, loop: str) -> None:
    """Pids, runs, counts and instants are the same; init answers, steers and ends as before."""
    init = start(
        f"""
        [init]
        loop = "{loop}"
        [services.a]
        command = "sleep 1000"
        min_uptime = 0
        restart_delay = 0.05
        [services.migrate]
        type = "oneshot"
        command = "sh -c 'echo migrated'"
        [services.later]
        command = "sleep 1000"
        min_uptime = 0
        autostart = false
        [services.app]
        command = {ASKED}
        min_uptime = 0
        main = true
        """
    )
    first = init.wait_for("a", "running")
    os.kill(init.outer_pid(first["pid"]), signal.SIGKILL)
    init.wait_for("a", "running", run=2)
    init.wait_for("app", "running")
    init.wait_for("migrate", "exited")
    eventually(lambda: "here" in init.said(), "the handler of the main service")
    pid, before = init.pid, init.status()
    told = replace(init)
    assert told["pid"] == init.client.version()["pid"]
    assert init.pid == pid
    after = init.status()
    for name, s in before.items():
        same = ("state", "pid", "run", "restarts", "exit_code", "exit_signal", "want", "result")
        assert {k: s[k] for k in same} == {k: after[name][k] for k in same}
        assert s["since"] == pytest.approx(after[name]["since"], abs=0.5)
    assert [row["line"] for row in init.client.logs(names=["migrate"])] == ["migrated"]
    assert [e["seq"] for e in init.events()] == list(range(1, len(init.events()) + 1))
    assert init.ctl("start", "later").returncode == 0
    os.kill(init.outer_pid(after["a"]["pid"]), signal.SIGKILL)
    init.wait_for("a", "running", run=3)
    os.kill(init.outer_pid(after["app"]["pid"]), signal.SIGUSR1)
    assert init.wait() == 7
    assert not init.socket.exists()
    assert "internal error" not in init.said()


def test_backoff_ends_in_time_when_init_is_replaced(start: Start, loop: str) -> None:
    """The instant of the next try stays what it was."""
    init = start(
        f"""
        [init]
        loop = "{loop}"
        keep_running = true
        [services.a]
        command = "false"
        restart_delay = "6s"
        """
    )
    before = init.wait_for("a", "backoff", run=1)
    replace(init)
    after = init.status()["a"]
    assert (after["state"], after["run"]) == ("backoff", 1)
    assert after["next_retry"] == pytest.approx(before["next_retry"], abs=0.05)
    again = init.wait_for("a", "backoff", run=2)
    assert -0.1 < again["started"] - before["next_retry"] < 3, "not so long after the exec"


def test_stop_goes_on_when_init_is_replaced(start: Start, loop: str) -> None:
    """A service that ignores TERM is killed at its time; whoever waits for that is answered."""
    init = start(
        f"""
        [init]
        loop = "{loop}"
        [services.other]
        command = "sleep 1000"
        [services.a]
        command = "sh -c 'trap : TERM; echo here; while :; do sleep 0.1; done'"
        min_uptime = 0
        stop_timeout = "3s"
        """
    )
    init.wait_for("a", "running")
    eventually(lambda: "here" in init.said(), "the trap")
    answers: list[Any] = []
    began = time.monotonic()
    waiting = threading.Thread(target=lambda: answers.append(init.client.stop(names=["a"])))
    waiting.start()
    init.wait_for("a", "stopping")
    replace(init)
    assert init.status()["a"]["state"] == "stopping"
    waiting.join(20)
    assert 2.5 < time.monotonic() - began < 8
    (answer,) = answers
    assert answer["results"][0]["ok"]
    assert init.status()["a"]["exit_signal"] == 9


def test_end_is_seen_when_service_dies_during_the_exec(tmp_path: pathlib.Path, loop: str) -> None:
    """Its exit code waits for the new program, as do its last words."""
    with (
        held(tmp_path) as hold,
        live(
            tmp_path,
            f"""
        [init]
        loop = "{loop}"
        keep_running = true
        [services.a]
        command = {ASKED}
        min_uptime = 0
        restart = "no"
        """,
            PYTHONPATH=hold.path,
        ) as init,
    ):
        pid = init.wait_for("a", "running")["pid"]
        eventually(lambda: "here" in init.said(), "its handler")
        replacing = threading.Thread(target=replace, args=(init,))
        replacing.start()
        hold.wait()
        os.kill(pid, signal.SIGUSR1)
        eventually(lambda: not is_alive(pid), "its end")
        hold.release()
        replacing.join(20)
        assert init.wait_for("a", "failed")["exit_code"] == 7
        assert init.status()["a"]["run"] == 1


def test_signal_is_heard_when_it_comes_during_the_exec(tmp_path: pathlib.Path) -> None:
    """TERM waits for the new program, which then ends everything in order."""
    config = "[services.a]\ncommand = 'sleep 1000'\nmin_uptime = 0\n"
    with held(tmp_path) as hold, live(tmp_path, config, PYTHONPATH=hold.path) as init:
        init.wait_for("a", "running")
        threading.Thread(target=_replace_or_not, args=(init,)).start()
        hold.wait()
        init.signal(signal.SIGTERM)
        hold.release()
        assert init.wait() == 0
        assert "a is stopped, was killed by TERM" in init.said()


def _replace_or_not(init: Live) -> None:
    try:
        init.client.reexec()
    except ControlError:
        return


def test_readiness_is_heard_when_init_was_replaced_meanwhile(start: Start, loop: str) -> None:
    """A service that is about to be ready says so to the new program, and so does a new one."""
    init = start(
        f"""
        [init]
        loop = "{loop}"
        [services.a]
        type = "notify"
        command = {READY}
        [services.b]
        command = "sleep 1000"
        min_uptime = 0
        depends_on = ["a"]
        """
    )
    init.wait_for("a", "starting")
    replace(init)
    assert init.status()["a"]["state"] == "starting"
    (init.directory / "go").touch()
    init.wait_for("b", "running")
    init.ctl("restart", "a")
    assert init.wait_for("a", "running")["run"] == 2


def test_hook_and_daemon_go_on_when_init_is_replaced(start: Start, loop: str) -> None:
    """The end of a hook is told to the new program, and that of a daemon."""
    init = start(
        f"""
        [init]
        loop = "{loop}"
        [services.hooked]
        command = "sleep 1000"
        min_uptime = 0
        [services.hooked.pre_start]
        command = "sh -c 'until test -e $HERE/go; do sleep 0.05; done; echo hook'"
        [services.daemon]
        type = "forking"
        command = "sh -c 'sleep 1000 & sleep 0.1'"
        restart_delay = 0.05
        """
    )
    daemon = init.wait_for("daemon", "running")
    init.wait_for("hooked", "starting")
    replace(init)
    assert init.status()["daemon"]["pid"] == daemon["pid"]
    assert init.status()["hooked"]["state"] == "starting"
    (init.directory / "go").touch()
    init.wait_for("hooked", "running")
    assert [row["line"] for row in init.client.logs(names=["hooked"])] == ["hook"]
    os.kill(init.outer_pid(daemon["pid"]), signal.SIGKILL)
    init.wait_for("daemon", "running", run=2)


def test_file_counts_when_it_changes_after_init_was_replaced(start: Start, loop: str) -> None:
    """Update and scale go by what was in force before, and by the same file."""
    init = start(
        f"""
        [init]
        loop = "{loop}"
        [services.a]
        command = "sleep 1000"
        min_uptime = 0
        [services.web]
        command = "sleep 1000"
        min_uptime = 0
        replicas = 1
        """
    )
    a = init.wait_for("a", "running")
    init.client.scale(names=["web=2"])
    init.wait_for("web@2", "running")
    replace(init)
    text = init.config.read_text()
    init.config.write_text(text + "\n[services.new]\ncommand = 'sleep 1000'\nmin_uptime = 0\n")
    found = init.client.scale(names=["web=3"])
    assert found["added"] == ["web@3"]
    init.signal(signal.SIGHUP)
    init.wait_for("new", "running")
    running = {"a", "web@1", "new"}
    eventually(
        lambda: {n for n, s in init.status().items() if s["state"] == "running"} == running,
        "the end of what was scaled",
    )
    assert init.status()["a"]["pid"] == a["pid"]
    init.config.write_text(init.config.read_text().replace("sleep 1000", "sleep 2000", 1))
    assert list(init.client.update()["restarted"]) == ["a"]
    init.wait_for("a", "running", run=2)


def test_init_takes_newcomers_when_it_is_replaced_again_and_again(tmp_path: pathlib.Path) -> None:
    """Whoever asks while the program changes waits a moment, and is never turned away."""
    config = "[services.a]\ncommand = 'sleep 1000'\nmin_uptime = 0\n"
    with live(tmp_path, config) as init:
        init.wait_for("a", "running")
        errors: list[BaseException] = []
        count, over = 0, threading.Event()

        def ask() -> None:
            nonlocal count
            while not over.is_set():
                try:
                    init.client.status()
                    count += 1
                except ControlError as error:
                    errors.append(error)

        asking = threading.Thread(target=ask)
        asking.start()
        for _ in range(4):
            replace(init)
        over.set()
        asking.join(20)
        assert not errors
        assert count > 4


def test_environment_is_as_it_was_when_init_was_replaced(tmp_path: pathlib.Path) -> None:
    """Services get what init was given, to the byte, and the soft limit on descriptors."""
    config = """
[services.a]
command = "sh -c 'echo $(ulimit -n) $ODD; env | grep -c NSINIT_REEXEC; sleep 1000'"
min_uptime = 0
"""
    with live(tmp_path, config, ODD="x\udcffy") as init:
        init.wait_for("a", "running")
        replace(init)
        replace(init)
        init.ctl("restart", "a")
        eventually(lambda: len(list(init.client.logs(names=["a"]))) == 4, "two lines of each run")
        first, none, again, still_none = [r["line"] for r in init.client.logs(names=["a"])]
        assert first == again
        assert (none, still_none) == ("0", "0")


def test_version_is_told_when_another_is_installed(tmp_path: pathlib.Path) -> None:
    """A newer nsinit in the place of the one that runs: told, then used."""
    from tests.support.replacing import copy_of_nsinit

    there = copy_of_nsinit(tmp_path)
    config = "[services.a]\ncommand = 'sleep 1000'\nmin_uptime = 0\n"
    with live(tmp_path, config, PYTHONPATH=str(there)) as init:
        pid = init.wait_for("a", "running")["pid"]
        old = init.client.version()["version"]
        assert "installed" not in init.ctl("version").stdout
        module = there / "nsinit" / "__init__.py"
        module.write_text(module.read_text().replace(f'"{old}"', '"9.9.9"'))
        assert "9.9.9 is installed" in init.ctl("version").stdout
        assert "9.9.9" in init.ctl("reexec").stdout
        assert init.client.version()["version"] == "9.9.9"
        assert init.status()["a"]["pid"] == pid
        assert ROOT not in there.parents
