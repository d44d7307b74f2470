"""What users of other supervisors complain of most: each case, on real processes.

Each test has the name of the complaint. Codes of `ctl`, slow and hung stops are in
test_complaints_of_operators.py; a lost environment, limits and logs in the tests of those.
"""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.live import (
    NSINIT,
    ORDINARY,
    Live,
    children,
    descendants,
    environment,
    eventually,
    have,
    is_alive,
    status_field,
)
from tests.support.traces import hook, note, script, trace

if TYPE_CHECKING:
    from tests.integration.conftest import Start

SLEEPER = 'command = "sleep 1000"\nmin_uptime = 0\nrestart_delay = 0.05\n'


def test_dependencies_wait_for_readiness_when_service_is_slow(start: Start) -> None:
    """`priority` of supervisord only orders the forks: the database is not up by then."""
    database = script(
        'sleep 0.5; echo db is up >> "$HERE/trace"; touch "$HERE/up"; exec sleep 1000'
    )
    is_up = script('[ -e "$HERE/up" ]')
    init = start(
        f"[services.db]\ncommand = {database}\nready = {{ exec = {is_up}, interval = 0.1 }}\n"
        f'[services.web]\n{SLEEPER}depends_on = ["db"]\npre_start = {note("web starts")}\n'
    )
    init.wait_for("web", "running")
    assert trace(init) == ["db is up", "web starts"]


def test_container_dies_with_code_when_service_gives_up(start: Start) -> None:
    """Under supervisord a FATAL service leaves a container that runs and does nothing."""
    init = start(
        f"[services.web]\ncommand = {script('exit 23')}\nessential = true\nrestart_limit = 2\n"
        f"restart_delay = 0.05\n[services.other]\n{SLEEPER}post_stop = {note('other ends')}\n"
    )
    assert init.wait() == 23
    assert trace(init) == ["other ends"]


def test_backoff_is_capped_when_service_crashes_at_once(start: Start) -> None:
    """Neither a storm of restarts nor an ever longer wait, nor an overflow after many."""
    init = start(
        f"[services.a]\ncommand = {script('exit 1')}\nrestart_limit = 'unlimited'\n"
        "restart_delay = 0.05\nrestart_max_delay = 0.2\n"
    )
    eventually(lambda: init.status().get("a", {}).get("run", 0) >= 8, "eight runs")
    events = init.events()
    begun = [e["time"] for e in events if e["new"] == "backoff"]
    over = [e["time"] for e in events if e["old"] == "backoff"]
    waits = [after - before for before, after in zip(begun, over, strict=False)]
    assert all(wait >= 0.04 for wait in waits), waits
    assert all(0.19 <= wait <= 2 for wait in waits[3:]), waits


@pytest.mark.every_way
def test_no_orphans_are_left_when_service_is_stopped(start: Start) -> None:
    """What double-forked or left its session outlives `supervisorctl stop`."""
    left = "setsid sleep 1001 & (setsid sh -c 'sleep 1002 & sleep 1003' &) & exec sleep 1000"
    init = start(f"[services.a]\ncommand = {script(left)}\nmin_uptime = 0.3\n")
    init.wait_for("a", "running")

    def below() -> list[int]:
        return [pid for pid in descendants(init.pid) if is_alive(pid)]

    left_alone = eventually(lambda: (found := below()) and len(found) == 5 and found, "all of them")
    init.ctl("stop", "a")
    assert not any(is_alive(pid) for pid in left_alone)


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: mounts another /run")
@pytest.mark.skipif(not have("unshare", "setpriv"), reason="needs unshare and setpriv")
@pytest.mark.parametrize("run", ["uid=1,mode=755", "uid=0,mode=755", "ro", "mode=1777"])
def test_any_owner_of_run_will_do_when_kubernetes_mounts_it(
    tmp_path: pathlib.Path, run: str
) -> None:
    """S6-overlay: "/run belongs to uid 0 instead of 1000 and we're lacking the privileges"."""
    config = tmp_path / "nsinit.toml"
    ask = f"{' '.join(NSINIT)} ctl status web"
    config.write_text(
        f'[services.web]\n{SLEEPER}[services.ask]\nmain = true\ndepends_on = ["web"]\n'
        f"command = {script('unset NSINIT_SOCKET; ' + ask)}\n"
    )
    inner = f'exec setpriv --reuid {ORDINARY} --regid {ORDINARY} --clear-groups "$@"'
    mounts = f"mount -t tmpfs -o {run} none /run && "
    done = subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "--",
         "sh", "-c", mounts + inner, "sh", *NSINIT, "run", str(config)],
        env=environment(), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done
    assert "web" in done.stdout


def test_everything_works_when_init_is_not_pid_1(tmp_path: pathlib.Path) -> None:
    """Under `docker run --init`, in a pod with a shared pid namespace, in a CI job."""
    bystander = subprocess.Popen(["sleep", "1000"])
    config = f"[services.a]\ncommand = {script('(setsid sleep 1001 &) ; exec sleep 1000')}\n"
    init = Live(tmp_path, config + "min_uptime = 0.2\n", "subreaper")
    try:
        init.start()
        pid = init.wait_for("a", "running")["pid"]
        eventually(lambda: len(children(init.pid)) == 2, "it adopts the orphan")
        os.kill(pid, signal.SIGKILL)
        init.wait_for("a", "running", run=2)
        init.signal(signal.SIGTERM)
        assert init.wait() == 0
        assert "PID 1" not in init.said()
        assert bystander.poll() is None
    finally:
        init.close()
        bystander.kill()
        bystander.wait()


def test_shutdown_is_in_order_when_services_need_each_other(start: Start) -> None:
    """The proxy first, the database last, each after the one before has really ended."""
    main = script('trap \'sleep 0.2; echo $NSINIT_SERVICE ends >> "$HERE/trace"; exit 0\' TERM; '
                  "while :; do sleep 0.05; done")  # fmt: skip
    init = start(
        "".join(
            f"[services.{name}]\ncommand = {main}\nmin_uptime = 0.3\ndepends_on = {needs}\n"
            for name, needs in (("proxy", ["app"]), ("db", []), ("app", ["db"]))
        )
    )
    init.wait_for("proxy", "running")
    init.signal(signal.SIGTERM)
    assert init.wait() == 0
    assert trace(init) == ["proxy ends", "app ends", "db ends"]


def test_update_restarts_nothing_else_when_one_service_changed(start: Start) -> None:
    """`supervisorctl update` restarts a whole group, and `reload` everything."""
    services = "".join(f"[services.s{n}]\n{SLEEPER}" for n in range(6))
    init = start(services)
    for n in range(6):
        init.wait_for(f"s{n}", "running")
    before = {name: s["pid"] for name, s in init.status().items()}
    text = init.config.read_text()
    changed = text.replace("[services.s3]\n", '[services.s3]\nenvironment = { X = "1" }\n')
    init.config.write_text(changed.replace("[services.s5]\n", '[services.s5]\ndescription = "x"\n'))
    init.ctl("update")
    init.wait_for("s3", "running", run=2)
    after = {name: s["pid"] for name, s in init.status().items()}
    assert {name for name in before if before[name] != after[name]} == {"s3"}


def test_oneshot_is_a_success_when_it_exits_0_at_once(start: Start) -> None:
    """Not "exited too quickly", not FATAL, not started again."""
    init = start(
        '[init]\nkeep_running = true\n[services.job]\ntype = "oneshot"\n'
        f"command = {script('echo ran >> $HERE/trace')}\n"
    )
    job = init.wait_for("job", "exited")
    assert (job["run"], job["exit_code"], job["result"]) == (1, 0, "success")
    assert init.ctl("status", "job").returncode == 0
    assert trace(init) == ["ran"]


def test_b_starts_when_a_has_completed(start: Start) -> None:
    """Migrations before the application; and not at all when they failed."""
    job = script('sleep 0.4; echo migrated >> "$HERE/trace"')
    init = start(
        f'[init]\nkeep_running = true\n[services.a]\ntype = "oneshot"\ncommand = {job}\n'
        f'[services.b]\n{SLEEPER}depends_on = {{ a = "completed" }}\n'
        f"pre_start = {note('b starts')}\n"
        f'[services.bad]\ntype = "oneshot"\ncommand = "false"\n'
        f'[services.never]\n{SLEEPER}depends_on = ["bad"]\n'
    )
    init.wait_for("b", "running")
    assert trace(init) == ["migrated", "b starts"]
    never = init.wait_for("never", "failed")
    assert (never["result"], never["run"]) == ("dependency", 0)
    assert "bad failed" in never["reason"]


def test_first_start_is_retried_when_it_fails(start: Start) -> None:
    """Systemd and compose give up dependents when the first attempt of a dependency fails."""
    flaky = script('[ -e "$HERE/2" ] || { [ -e "$HERE/1" ] && touch "$HERE/2"; touch "$HERE/1"; '
                   "exit 1; }; exec sleep 1000")  # fmt: skip
    init = start(
        f"[services.db]\ncommand = {flaky}\nmin_uptime = 0.3\nrestart_delay = 0.05\n"
        f'[services.web]\n{SLEEPER}depends_on = ["db"]\n'
    )
    assert init.wait_for("web", "running")["run"] == 1
    assert init.status()["db"]["run"] == 3


def test_hooks_and_stop_commands_run_when_service_comes_and_goes(start: Start) -> None:
    """Supervisord has neither; wrappers of shell lose signals and codes instead."""
    main = script('until [ -e "$HERE/quit" ]; do sleep 0.05; done; exit 0')
    stop = hook('touch "$HERE/quit"; while kill -0 $MAINPID 2>/dev/null; do sleep 0.05; done')
    init = start(
        f"[services.a]\ncommand = {main}\nmin_uptime = 0.2\npre_start = {note('prepared')}\n"
        f"stop_command = {stop}\npost_stop = {note('cleaned after $EXIT_STATUS')}\n"
    )
    init.wait_for("a", "running")
    init.signal(signal.SIGTERM)
    assert init.wait() == 0
    assert trace(init) == ["prepared", "cleaned after 0"]


def _ticks(pid: int) -> int:
    """The time that a process has computed, in hundredths of a second."""
    words = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(words[11]) + int(words[12])


def test_no_busy_loop_and_no_leak_when_services_come_and_go(start: Start, loop: str) -> None:
    """Supervisord at 100 % after a closed descriptor; descriptors that grow with each restart."""
    init = start(
        f'[init]\nloop = "{loop}"\n[services.a]\n{SLEEPER}[services.b]\n{SLEEPER}'
        f"pre_start = {hook('echo x')}\npost_stop = {hook('echo y')}\n"
        "health = { exec = 'true', interval = 0.2 }\n"
    )
    init.wait_for("b", "running", health="healthy")

    def descriptors() -> int:
        return len(list(pathlib.Path(f"/proc/{init.pid}/fd").iterdir()))

    init.ctl("restart", "a", "b")
    before = descriptors()
    for _ in range(15):
        init.client.restart(names=["a", "b"])
    eventually(lambda: descriptors() <= before + 1, "nothing is kept")
    init.wait_for("b", "running", health="healthy")
    began, until = _ticks(init.pid), time.monotonic() + 2
    eventually(lambda: time.monotonic() > until, "two quiet seconds", 5)
    assert _ticks(init.pid) - began <= 20
    assert len(descendants(init.pid)) <= 3


@pytest.mark.every_way
def test_no_zombies_are_left_when_orphans_end(start: Start) -> None:
    """Of a service's grandchildren, of hooks, of probes, and of what left its session."""
    orphans = "for i in 1 2 3 4 5 6 7 8 9; do (setsid sleep 0.2 &) ; (sleep 0.1 &) ; done"
    init = start(
        f"[services.a]\ncommand = {script(orphans + '; exec sleep 1000')}\nmin_uptime = 0.1\n"
        f"post_start = {hook(orphans)}\n"
        f"health = {{ exec = {script('(sleep 0.1 &)')}, interval = 0.1 }}\n"
    )
    init.wait_for("a", "running", health="healthy")
    eventually(lambda: init.client.status()["init"]["orphans_reaped"] >= 36, "all are reaped")

    def zombies() -> list[int]:
        return [pid for pid in descendants(init.pid) if status_field(pid, "State")[:1] == "Z"]

    eventually(lambda: not zombies(), "no zombie stays")
