"""What a service leaves behind: groups, sessions, orphans, zombies. No cgroup is needed."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.support.live import children, descendants, eventually, is_alive, status_field

if TYPE_CHECKING:
    from tests.integration.conftest import Start
    from tests.support.live import Live

pytestmark = pytest.mark.every_way

# A child in its own session, one that double-forks out of that, and the main process.
DAEMONS = """
import os, signal, sys, time
def daemon():
    os.setsid()
    if os.fork():
        os._exit(0)
    if "deaf" in sys.argv:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("daemon", os.getpid(), flush=True)
    time.sleep(1000)
if not os.fork():
    os.setsid()
    if "deaf" in sys.argv:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("session", os.getpid(), flush=True)
    time.sleep(1000)
if not os.fork():
    daemon()
os.wait()
print("main", os.getpid(), flush=True)
if "leave" in sys.argv:
    time.sleep(0.2)
    sys.exit(1)
time.sleep(1000)
"""


def _service(*arguments: str, more: str = "") -> str:
    words = ", ".join(f'"{word}"' for word in arguments)
    return f"""
        [init]
        keep_running = true
        [services.a]
        command = ["python3", "-c", '''{DAEMONS}''', {words}]
        min_uptime = 0
        stop_timeout = 1
        {more}
        """


def _lines(init: Live) -> dict[str, int]:
    rows = (line.split() for line in init.said().splitlines())
    return {row[2]: int(row[3]) for row in rows if len(row) == 4 and row[:2] == ["a", "|"]}


def _all_up(init: Live) -> list[int]:
    """Pids, as the test sees them, of main, session and daemon."""
    eventually(lambda: len(_lines(init)) == 3, "all three processes have said who they are")
    return [init.outer_pid(pid) for pid in _lines(init).values()]


@pytest.mark.parametrize("how", ["deaf", "polite"])
def test_strays_are_killed_when_service_is_stopped(start: Start, how: str) -> None:
    """Setsid'ed and double-forked processes go with their service, also if they ignore TERM."""
    init = start(_service(how))
    pids = _all_up(init)
    init.ctl("stop", "a")
    assert not any(is_alive(pid) for pid in pids)


def test_strays_are_killed_before_restart_when_main_ends(start: Start) -> None:
    """A run that ends by itself is over only when nothing of it is left."""
    init = start(_service("leave", more="restart_delay = 0\nrestart_limit = 1"))
    init.wait_for("a", "failed")
    assert descendants(init.pid) == []
    init.signal(signal.SIGTERM)
    assert init.wait() == 0


def test_strays_live_on_when_kill_mode_is_process(start: Start) -> None:
    """With kill_mode = "process" only the main process is signalled."""
    init = start(_service("polite", more='kill_mode = "process"'))
    pids = dict(zip(_lines_when_up(init), _all_up(init), strict=True))
    init.ctl("stop", "a")
    assert not is_alive(pids["main"])
    assert is_alive(pids["daemon"])
    assert is_alive(pids["session"])


def _lines_when_up(init: Live) -> list[str]:
    _all_up(init)
    return list(_lines(init))


def test_orphans_end_with_init_when_it_shuts_down(start: Start) -> None:
    """Nothing outlives init, known to it or not."""
    init = start(_service("deaf", more='kill_mode = "process"'))
    pids = _all_up(init)
    init.signal(signal.SIGTERM)
    init.wait()
    eventually(lambda: not any(is_alive(pid) for pid in pids), "all are gone")


@pytest.mark.every_loop
def test_no_zombie_is_left_when_orphans_end(start: Start, loop: str) -> None:
    """A thousand double-forked processes are reaped, and the service's own status is not lost."""
    script = """
import os, time
for _ in range(1000):
    if not os.fork():
        if not os.fork():
            os._exit(0)
        os._exit(0)
    os.wait()
print("done", flush=True)
time.sleep(1000)
"""
    init = start(
        f"""
        [init]
        loop = "{loop}"
        [services.a]
        command = ["python3", "-c", '''{script}''']
        min_uptime = 0
        """
    )
    eventually(lambda: "a      | done" in init.said(), "all orphans were made")

    def reaped() -> bool:
        return (
            len(children(init.pid)) == 1 and init.client.status()["init"]["orphans_reaped"] == 1000
        )

    eventually(reaped, "all orphans were reaped")
    os.kill(children(init.pid)[0], signal.SIGKILL)
    assert init.wait_for("a", "backoff")["exit_signal"] == 9


def test_init_has_one_thread_when_it_runs(start: Start, loop: str) -> None:
    """Threads and clones do not go together; nothing may start one."""
    init = start(f'[init]\nloop = "{loop}"\n[services.a]\ncommand = "sleep 1000"\n')
    init.wait_for("a", "running")
    assert status_field(init.pid, "Threads") == "1"
