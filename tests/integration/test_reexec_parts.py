"""What only some inits have goes on too: sockets, stored descriptors, schedules, probes."""

from __future__ import annotations

import os
import signal
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from tests.support.live import DEADLINE, eventually, live
from tests.support.replacing import held, replace

if TYPE_CHECKING:
    import pathlib

pytestmark = pytest.mark.every_loop

SERVER = """["python3", "-c", '''
import os, socket
listening = socket.socket(fileno=3)
while True:
    made, _ = listening.accept()
    made.sendall(b"pid %d" % os.getpid())
    made.close()
''']"""
KEEPER = """["python3", "-c", '''
import array, os, socket, time
if "LISTEN_FDS" in os.environ:
    print(os.environ["LISTEN_FDNAMES"], os.read(3, 10).decode(), flush=True)
else:
    reader, writer = os.pipe()
    os.write(writer, b"kept")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.connect(os.environ["NOTIFY_SOCKET"])
        s.sendmsg(
            [b"FDSTORE=1\\\\nFDNAME=mine\\\\nFDPOLL=0"],
            [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [reader]))],
        )
        s.send(b"READY=1")
time.sleep(1000)
''']""".replace("\\\\n", "\\n")


@pytest.fixture
def loops(loop: str) -> str:
    """The beginning of a configuration."""
    return f'[init]\nloop = "{loop}"\nkeep_running = true\n'


def _ask(path: pathlib.Path) -> str:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(DEADLINE)
        connection.connect(str(path))
        return connection.recv(100).decode()


def test_sockets_stay_when_init_is_replaced(tmp_path: pathlib.Path, loops: str) -> None:
    """Who connects meanwhile is served; the next run gets the same socket, a lazy one on demand."""
    config = f"""{loops}
        [services.web]
        command = {SERVER}
        sockets = ["{tmp_path}/web"]
        min_uptime = 0
        restart_delay = 0.05
        [services.lazy]
        command = {SERVER}
        sockets = [{{ listen = "{tmp_path}/lazy", lazy = true }}]
        min_uptime = 0
    """
    with held(tmp_path) as hold, live(tmp_path, config, PYTHONPATH=hold.path) as init:
        pid = init.wait_for("web", "running")["pid"]
        init.wait_for("lazy", "waiting")
        inode = (tmp_path / "web").stat().st_ino
        replacing = threading.Thread(target=replace, args=(init,))
        replacing.start()
        hold.wait()
        assert _ask(tmp_path / "web") == f"pid {pid}"
        early = socket.socket(socket.AF_UNIX)
        early.settimeout(DEADLINE)
        early.connect(str(tmp_path / "lazy"))
        hold.release()
        replacing.join(20)
        assert early.recv(100).startswith(b"pid")
        early.close()
        assert init.wait_for("lazy", "running")["run"] == 1
        os.kill(pid, signal.SIGKILL)
        again = init.wait_for("web", "running", run=2)["pid"]
        assert _ask(tmp_path / "web") == f"pid {again}"
        assert (tmp_path / "web").stat().st_ino == inode
        init.signal(signal.SIGTERM)
        assert init.wait() == 0
        assert not (tmp_path / "web").exists()


def test_processes_of_connections_are_counted_when_init_is_replaced(
    tmp_path: pathlib.Path, loops: str
) -> None:
    """Those that run count against the limit, and their end makes room."""
    config = f"""{loops}
        [services.cat]
        command = ["cat"]
        sockets = [{{ listen = "{tmp_path}/cat", accept = true, max_connections = 1 }}]
        min_uptime = 0
    """
    with live(tmp_path, config) as init:
        init.wait_for("cat", "running")
        first, second = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
        for one in (first, second):
            one.settimeout(DEADLINE)
            one.connect(str(tmp_path / "cat"))
        first.sendall(b"one")
        assert first.recv(10) == b"one"
        replace(init)
        first.sendall(b"two")
        assert first.recv(10) == b"two"
        second.settimeout(0.5)
        second.sendall(b"three")
        with pytest.raises(TimeoutError):
            second.recv(10)
        first.close()
        second.settimeout(DEADLINE)
        assert second.recv(10) == b"three"
        second.close()
        init.ctl("stop", "cat")
        assert "internal error" not in init.said()


def test_stored_descriptors_are_kept_when_init_is_replaced(
    tmp_path: pathlib.Path, loops: str
) -> None:
    """The next run has what the last has stored, though init was replaced twice."""
    config = f"""{loops}
        [services.keeper]
        type = "notify"
        command = {KEEPER}
        fd_store_max = 2
        start_timeout = "3s"
        restart_delay = 0.05
    """
    with live(tmp_path, config) as init:
        pid = init.wait_for("keeper", "running")["pid"]
        replace(init)
        replace(init)
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: "mine kept" in init.said(), "what was stored")


def test_schedule_goes_on_when_init_is_replaced(tmp_path: pathlib.Path, loops: str) -> None:
    """The next time is what it was, of intervals and of calendars."""
    config = f"""{loops}
        [services.often]
        type = "oneshot"
        command = "true"
        schedule = {{ every = "3s" }}
        [services.daily]
        type = "oneshot"
        command = "true"
        schedule = {{ cron = "3 4 * * *", jitter = "1h" }}
    """
    with live(tmp_path, config) as init:
        init.wait_for("daily", "waiting")
        before = {name: s["next_run"] for name, s in init.status().items()}
        replace(init)
        after = {name: s["next_run"] for name, s in init.status().items()}
        assert after == pytest.approx(before, abs=0.1)
        init.wait_for("often", "waiting", run=1)
        started = init.status()["often"]["started"]
        assert started == pytest.approx(before["often"], abs=1.5)


def test_readiness_is_told_when_init_was_replaced_meanwhile(
    tmp_path: pathlib.Path, loops: str
) -> None:
    """By a newline, by a line of output, by a probe that is under way."""
    wait = "until test -e $HERE/go; do sleep 0.05; done"
    config = f"""{loops}
        [services.fd]
        command = ["sh", "-c", "{wait}; echo >&4; sleep 1000"]
        ready = {{ fd = 4 }}
        [services.line]
        command = ["sh", "-c", "printf 'all '; {wait}; echo is well; sleep 1000"]
        ready = {{ log = "^all is well$" }}
        [services.port]
        command = "sleep 1000"
        ready = {{ http = "http://127.0.0.1:%d/", timeout = "20s" }}
    """
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.settimeout(DEADLINE)
        with live(tmp_path, config % server.getsockname()[1]) as init:
            first, _ = server.accept()
            for name in ("fd", "line", "port"):
                init.wait_for(name, "starting")
            replace(init)
            second, _ = server.accept()
            second.sendall(b"HTTP/1.1 204 Fine\r\n\r\n")
            (tmp_path / "go").touch()
            for name in ("fd", "line", "port"):
                assert init.wait_for(name, "running")["run"] == 1
            first.close()
            second.close()
