"""Hooks: commands at the points of a service's life, on real processes."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.live import descendants, eventually, is_alive, live, status_field
from tests.support.traces import hook, note, script, trace

if TYPE_CHECKING:
    import pathlib

    from tests.integration.conftest import Start

SLEEPER = 'command = "sleep 1000"\nmin_uptime = 0\nrestart_delay = 0.05\n'
LIFE = ["pre_start", "main", "post_start", "pre_stop", "stop_command", "post_stop"]


def test_hooks_run_in_order_when_service_lives_and_stops(start: Start, loop: str) -> None:
    """Each is over before the next begins; after a restart all of them run again."""
    main = script('echo main >> "$HERE/trace"; exec sleep 1000')
    hooks = "\n".join(f"{name} = {note(name)}" for name in LIFE if name != "main")
    init = start(
        f'[init]\nloop = "{loop}"\n[services.a]\ncommand = {main}\nmin_uptime = 0.2\n{hooks}'
    )
    init.wait_for("a", "running")
    assert trace(init) == LIFE[:3]
    init.ctl("restart", "a")
    assert trace(init) == LIFE + LIFE[:3]
    init.signal(signal.SIGTERM)
    assert init.wait() == 0
    assert trace(init) == LIFE * 2


@pytest.mark.parametrize(
    ("main", "told"),
    [
        ("exit 3", ["exit-code", "exited", "3", "a 3 0 a"]),
        ("exit 0", ["success", "exited", "0", "a 0 0 a"]),
        ("kill -9 $$$$", ["signal", "killed", "KILL", "a 256 9 a"]),
        ("kill -TERM $$$$", ["signal", "killed", "TERM", "a 256 15 a"]),
    ],
)
def test_post_stop_is_told_the_end_when_main_has_ended(
    start: Start, main: str, told: list[str]
) -> None:
    """Systemd's variables, and the arguments of s6's finish scripts."""
    words = '"$SERVICE_RESULT" "$EXIT_CODE" "$EXIT_STATUS" "$0 $1 $2 $3"'
    post = hook(f'printf "%s\\n" {words} >> "$HERE/trace"')
    init = start(
        f"[init]\nkeep_running = true\n[services.a]\ncommand = {script(main)}\n"
        f'restart = "no"\npost_stop = {post}\n'
    )
    eventually(lambda: init.status().get("a", {}).get("state") in ("exited", "failed"), "its end")
    assert trace(init) == told


def test_hooks_know_main_pid_when_it_runs(start: Start) -> None:
    """MAINPID, as init's own namespace counts."""
    init = start(
        f"[services.a]\n{SLEEPER}post_start = {note('$MAINPID')}\npre_stop = {note('$MAINPID')}\n"
    )
    pid = init.wait_for("a", "running")["pid"]
    init.ctl("stop", "a")
    assert trace(init) == [str(pid), str(pid)]


def test_service_is_not_restarted_when_post_stop_exits_125(start: Start) -> None:
    """As a finish script of s6 says it."""
    init = start(
        f"[init]\nkeep_running = true\n[services.a]\ncommand = {script('sleep 0.2; exit 1')}\n"
        f'restart = "always"\nrestart_delay = 0.05\npost_stop = {hook("exit 125")}\n'
    )
    failed = init.wait_for("a", "failed")
    assert (failed["run"], failed["exit_code"]) == (1, 1)
    assert "post_stop forbids a restart" in failed["reason"]
    init.ctl("start", "a", "--no-wait")
    init.wait_for("a", "failed", run=2)


def test_on_fail_runs_once_when_service_gives_up(start: Start) -> None:
    """Not for each of the attempts; init does not end before it has."""
    report = note('"$SERVICE_RESULT $EXIT_STATUS"')
    init = start(
        f"[services.a]\ncommand = {script('exit 7')}\nrestart_limit = 2\nrestart_delay = 0.05\n"
        f"on_fail = {report.replace('echo', 'sleep 0.3; echo', 1)}\n"
    )
    assert init.wait() == 7
    assert trace(init) == ["start-limit-hit 7"]


def test_init_hooks_run_around_everything_when_init_lives(start: Start, loop: str) -> None:
    """Before the first service and after the last one is gone."""
    init = start(
        f'[init]\nloop = "{loop}"\npre_start = {note("first")}\npost_stop = {note("last")}\n'
        f"[services.a]\n{SLEEPER}pre_start = {note('begin')}\npost_stop = {note('end')}\n"
    )
    init.wait_for("a", "running")
    init.signal(signal.SIGTERM)
    assert init.wait() == 0
    assert trace(init) == ["first", "begin", "end", "last"]


def test_nothing_starts_when_init_pre_start_fails(start: Start) -> None:
    """Init ends with its code, and says why; its post_stop cleans up."""
    init = start(
        f"[init]\npre_start = {hook('exit 9')}\npost_stop = {note('last')}\n"
        f"[services.a]\n{SLEEPER}pre_start = {note('begin')}\n"
    )
    assert init.wait() == 9
    assert trace(init) == ["last"]
    assert "pre_start failed with code 9" in init.said()


@pytest.mark.parametrize("name", ["pre_start", "post_start"])
def test_run_fails_when_hook_on_the_way_up_hangs(start: Start, name: str) -> None:
    """Its time limit counts, it is killed with what it started, and the reason is told."""
    hanging = hook("sleep 1001 & echo $! > $HERE/pid; wait", timeout="300ms")
    init = start(
        f'[init]\nkeep_running = true\n[services.a]\n{SLEEPER}restart = "no"\n{name} = {hanging}\n'
    )
    failed = init.wait_for("a", "failed")
    assert failed["result"] == "timeout"
    assert f"{name} took too long" in failed["reason"]
    eventually(lambda: not descendants(init.pid), "nothing is left")


def test_stop_goes_on_when_hooks_on_the_way_down_hang(start: Start) -> None:
    """Each is cut short at its limit; the service ends by TERM as usual."""
    hooks = "".join(
        f"{name} = {hook('exec sleep 1001', timeout='200ms')}\n"
        for name in ("pre_stop", "stop_command", "post_stop")
    )
    init = start(f"[services.a]\n{SLEEPER}{hooks}")
    init.wait_for("a", "running")
    began = time.monotonic()
    init.ctl("stop", "a")
    assert time.monotonic() - began < 10
    stopped = init.status()["a"]
    assert (stopped["state"], stopped["exit_signal"]) == ("stopped", 15)
    for name in ("pre_stop", "stop_command", "post_stop"):
        assert f"{name} took too long" in init.said()
    eventually(lambda: not descendants(init.pid), "nothing is left")


def test_shutdown_keeps_its_budget_when_hooks_hang(start: Start, loop: str) -> None:
    """Hooks get their share of the one deadline, like signals do."""
    hooks = "".join(
        f"{name} = {hook('trap : TERM; sleep 1001; sleep 1001', timeout='1h')}\n"
        for name in ("pre_stop", "stop_command", "post_stop")
    )
    init = start(
        f'[init]\nloop = "{loop}"\nshutdown_timeout = 2\n'
        f'[services.a]\n{SLEEPER}{hooks}[services.b]\ndepends_on = ["a"]\n{SLEEPER}{hooks}'
    )
    init.wait_for("b", "running")
    began = time.monotonic()
    init.signal(signal.SIGTERM)
    assert init.wait() == 0
    assert time.monotonic() - began < 6


def test_second_term_skips_hooks_when_they_hang(start: Start) -> None:
    """Of services and of init itself."""
    slow = hook("exec sleep 1001", timeout="1h")
    init = start(
        f"[init]\nshutdown_timeout = 600\npost_stop = {slow}\n"
        f"[services.a]\n{SLEEPER}stop_timeout = 500\npre_stop = {slow}\npost_stop = {slow}\n"
    )
    init.wait_for("a", "running")
    init.signal(signal.SIGTERM)
    init.wait_for("a", "stopping")
    init.signal(signal.SIGTERM)
    assert init.wait(15) == 0


def test_stop_command_ends_service_when_stopped(start: Start) -> None:
    """The signals come after it, so what ends by it ends in its own way."""
    main = script('until [ -e "$HERE/end" ]; do sleep 0.05; done; exit 0')
    stop = hook('touch "$HERE/end"; while kill -0 $MAINPID; do sleep 0.05; done 2>/dev/null')
    init = start(f"[services.a]\ncommand = {main}\nmin_uptime = 0.2\nstop_command = {stop}\n")
    init.wait_for("a", "running")
    init.ctl("stop", "a")
    assert init.status()["a"]["exit_code"] == 0


def test_daemon_of_hook_lives_as_long_as_service_when_left_behind(tmp_path: pathlib.Path) -> None:
    """A hook may start something beside the service: it goes with it."""
    leave = hook("setsid sleep 1002 >/dev/null 2>&1 </dev/null & echo $! > $HERE/pid")
    with live(tmp_path, f"[services.a]\n{SLEEPER}pre_start = {leave}\n") as init:
        init.wait_for("a", "running")
        daemon = int((tmp_path / "pid").read_text())
        assert is_alive(daemon)
        init.ctl("stop", "a")
        assert not is_alive(daemon)


def test_daemon_of_hook_is_ended_when_the_program_could_not_be_started(
    tmp_path: pathlib.Path,
) -> None:
    """It was started for a run that never was."""
    leave = hook("setsid sleep 1002 >/dev/null 2>&1 </dev/null & echo $! > $HERE/pid")
    config = f"""
        [init]
        keep_running = true
        [services.a]
        command = "/no/such/program"
        restart = "no"
        pre_start = {leave}
    """
    with live(tmp_path, config) as init:
        init.wait_for("a", "failed")
        assert not is_alive(int((tmp_path / "pid").read_text()))
        assert "/no/such/program" in init.status()["a"]["reason"]


def test_leftovers_are_ended_when_post_stop_forks(tmp_path: pathlib.Path) -> None:
    """A daemon of the last hook does not outlive the run."""
    leave = hook("setsid sleep 1002 >/dev/null 2>&1 </dev/null & echo $! > $HERE/pid")
    with live(tmp_path, f"[services.a]\n{SLEEPER}post_stop = {leave}\n") as init:
        init.wait_for("a", "running")
        init.ctl("stop", "a")
        assert not is_alive(int((tmp_path / "pid").read_text()))
        assert init.status()["a"]["state"] == "stopped"


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ('{ command = "/no/such/hook" }', "/no/such/hook: No such file"),
        ('{ command = "no-such-hook" }', "no-such-hook"),
        ('{ command = "/etc" }', "it is a directory"),
        ('{ command = "true", user = "no-such-user" }', "no-such-user"),
        ('{ command = ["sh", "-c", "kill -9 $$$$"] }', "was killed by signal 9"),
        ('{ command = ["sh", "-c", "exit 3"] }', "failed with code 3"),
    ],
)
@pytest.mark.parametrize("name", ["pre_start", "post_start"])
def test_reason_is_told_when_hook_cannot_do_its_part(
    tmp_path: pathlib.Path, name: str, table: str, reason: str
) -> None:
    """The run fails with it, and nothing of it is left; init goes on."""
    config = (
        f'[init]\nkeep_running = true\n[services.a]\n{SLEEPER}restart = "no"\n{name} = {table}\n'
    )
    with live(tmp_path, config) as init:
        failed = init.wait_for("a", "failed")
        assert reason in failed["reason"]
        assert name in failed["reason"]
        assert not descendants(init.pid)


@pytest.mark.parametrize("name", ["pre_stop", "stop_command", "post_stop", "on_fail"])
def test_service_ends_as_usual_when_late_hook_is_missing(tmp_path: pathlib.Path, name: str) -> None:
    """It is said, and changes nothing."""
    more = "restart_limit = 0\n" if name == "on_fail" else ""
    config = f"[init]\nkeep_running = true\n[services.a]\n{SLEEPER}{more}"
    config += f'{name} = {{ command = "/no/x" }}\n'
    with live(tmp_path, config) as init:
        pid = init.wait_for("a", "running")["pid"]
        if name == "on_fail":
            os.kill(pid, signal.SIGKILL)
            init.wait_for("a", "failed")
        else:
            init.ctl("stop", "a")
        eventually(lambda: f"{name} failed: cannot" in init.said(), "it is said")


def test_control_answers_when_hook_floods_its_output(tmp_path: pathlib.Path) -> None:
    """What it prints goes where the service's output goes."""
    flood = hook("yes flood | head -n 3000000; echo the last line")
    with live(tmp_path, f"[services.a]\n{SLEEPER}pre_start = {flood}\n") as init:
        init.wait_for("a", "starting")
        init.wait_for("a", "running")
        assert [r["line"] for r in init.client.logs(names=["a"])][-1] == "the last line"


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: other users")
def test_hook_runs_as_its_user_when_it_names_one(tmp_path: pathlib.Path) -> None:
    """Not as the service's; the service itself stays who it is."""
    (tmp_path / "trace").touch()
    (tmp_path / "trace").chmod(0o666)
    config = f'[services.a]\n{SLEEPER}user = "nobody"\n'
    config += f"pre_start = {note('$(id -u) $(id -g) $USER', user='root')}\n"
    config += f"post_start = {note('$(id -u)')}\n"
    with live(tmp_path, config) as init:
        pid = init.wait_for("a", "running")["pid"]
        assert trace(init)[0] == "0 0 root"
        assert status_field(pid, "Uid").split()[0] == "65534"


def test_start_begins_anew_when_pre_start_failed_before(start: Start) -> None:
    """A failed preparation is a failed run: it is tried again like one."""
    flaky = hook('[ -e "$HERE/once" ] || { touch "$HERE/once"; exit 1; }')
    init = start(f"[services.a]\n{SLEEPER}pre_start = {flaky}\n")
    running = init.wait_for("a", "running")
    assert running["run"] == 2


def test_stop_is_quick_when_pre_start_still_runs(start: Start) -> None:
    """The hook is ended with the run that it prepares."""
    init = start(f"[services.a]\n{SLEEPER}pre_start = {hook('exec sleep 1001')}\n")
    init.wait_for("a", "starting")
    eventually(lambda: descendants(init.pid), "the hook runs")
    init.ctl("stop", "a")
    assert init.status()["a"]["state"] == "stopped"
    eventually(lambda: not descendants(init.pid), "nothing is left")
