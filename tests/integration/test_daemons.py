"""type = "forking": what is started ends at once, and the daemon that it leaves is the service."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.live import command_line, descendants, eventually, is_alive, live
from tests.support.traces import note, script, trace

if TYPE_CHECKING:
    import pathlib

    from tests.integration.conftest import Start

pytestmark = pytest.mark.every_way

QUIET = "</dev/null >/dev/null 2>&1"
# A daemon in a session of its own, which writes its pid file.
DAEMON = f'setsid sleep 1000 {QUIET} & echo $! > "$HERE/pid"'
FORKING = 'type = "forking"\nrestart_delay = 0.05\n'


def _service(text: str, more: str = "") -> str:
    return f"[init]\nkeep_running = true\n[services.a]\n{FORKING}command = {script(text)}\n{more}"


@pytest.mark.parametrize("way_to_tell", ['pid_file = "${HERE}/pid"\n', ""])
def test_daemon_is_the_service_when_its_parent_has_ended(
    start: Start, loop: str, way_to_tell: str
) -> None:
    """By its pid file, or as the only process that was left: watched, restarted and stopped."""
    init = start(_service(DAEMON, way_to_tell).replace("[init]\n", f'[init]\nloop = "{loop}"\n'))
    first = init.wait_for("a", "running")
    daemon = init.outer_pid(first["pid"])
    assert b"sleep\x001000" in command_line(daemon)
    os.kill(daemon, signal.SIGKILL)
    second = init.wait_for("a", "running", run=2)
    assert second["exit_signal"] == signal.SIGKILL
    daemon = init.outer_pid(second["pid"])
    init.ctl("stop", "a")
    assert not is_alive(daemon)
    assert init.status()["a"]["exit_signal"] == signal.SIGTERM


def test_dependents_wait_when_pid_file_comes_late(start: Start) -> None:
    """Ready is when the daemon is known, not when its parent has ended."""
    late = '(sleep 0.5; echo $$PPID > /dev/null; exec setsid sh -c \'echo $$$$ > "$HERE/pid"; '
    late += f"exec sleep 1000') {QUIET} &"
    init = start(
        _service(late, 'pid_file = "${HERE}/pid"\n')
        + f'[services.b]\ndepends_on = ["a"]\ntype = "oneshot"\n'
        f"command = {script('cat $HERE/pid >> $HERE/trace')}\n"
    )
    init.wait_for("b", "exited")
    assert trace(init) == [str(init.wait_for("a", "running")["pid"])]


@pytest.mark.parametrize(
    "written", ["rubbish", "", "0", "1", "-1", "9" * 30, "own", "12 34", "\0\0", "²"]
)
def test_service_fails_when_pid_file_is_rubbish(tmp_path: pathlib.Path, written: str) -> None:
    """What it names is no process of the service: it is told, and nobody else is signalled."""
    text = str(os.getpid()) if written == "own" else written
    (tmp_path / "pids").write_text(text)
    config = _service(
        f"setsid sleep 1000 {QUIET} &",
        'pid_file = "${HERE}/pids"\nstart_timeout = 0.5\nrestart = "no"\n',
    )
    with live(tmp_path, config) as init:
        failed = init.wait_for("a", "failed")
        assert failed["result"] == "timeout"
        assert not descendants(init.pid)
        assert (tmp_path / "pids").read_text() == text


@pytest.mark.parametrize("kind", ["fifo", "directory", "loop"])
def test_service_fails_when_pid_file_is_no_file(tmp_path: pathlib.Path, kind: str) -> None:
    """A FIFO that nobody writes to does not hold PID 1."""
    path = tmp_path / "pids"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    else:
        path.symlink_to(path)
    config = _service(
        f"setsid sleep 1000 {QUIET} &",
        'pid_file = "${HERE}/pids"\nstart_timeout = 0.5\nrestart = "no"\n',
    )
    with live(tmp_path, config) as init:
        assert init.wait_for("a", "failed")["result"] == "timeout"
        assert not descendants(init.pid)


def test_stale_pid_file_is_not_believed_when_daemon_is_slow(tmp_path: pathlib.Path) -> None:
    """It names a process of another service: the daemon's own number counts, once it is there."""
    main = f'cat "$HERE/other" > "$HERE/pid"; (sleep 0.4; {DAEMON}) {QUIET} &'
    other = script('echo $$$$ > "$HERE/other"; exec sleep 1000')
    config = _service(main, 'pid_file = "${HERE}/pid"\ndepends_on = ["b"]\n')
    config += f"[services.b]\ncommand = {other}\nmin_uptime = 0.2\n"
    with live(tmp_path, config) as init:
        pid = init.wait_for("a", "running")["pid"]
        assert pid == int((tmp_path / "pid").read_text())
        assert pid != init.status()["b"]["pid"]


@pytest.mark.parametrize(
    ("text", "reason", "code"),
    [
        ("exit 0", "it left no process", 0),
        (f"setsid sleep 1000 {QUIET} & setsid sleep 1001 {QUIET} &", "left 2 processes", 0),
        (f"setsid sleep 1000 {QUIET} & exit 3", "", 3),
    ],
)
def test_reason_is_told_when_there_is_no_daemon(
    start: Start, text: str, reason: str, code: int
) -> None:
    """None, too many, or a parent that failed; whatever was left is ended."""
    init = start(_service(text, 'restart = "no"\n'))
    failed = init.wait_for("a", "failed")
    assert reason in failed["reason"]
    assert failed["exit_code"] == code
    eventually(lambda: not descendants(init.pid), "nothing is left")


def test_start_times_out_when_parent_stays(start: Start) -> None:
    """A program that does not go to the background by itself is not a daemon."""
    init = start(_service("exec sleep 1000", 'restart = "no"\nstart_timeout = 0.5\n'))
    assert init.wait_for("a", "failed")["result"] == "timeout"
    eventually(lambda: not descendants(init.pid), "nothing is left")


def test_stop_is_quick_when_daemon_is_not_found_yet(tmp_path: pathlib.Path) -> None:
    """What was left is ended, though nobody knows which of it is the daemon."""
    with live(tmp_path, _service(DAEMON, 'pid_file = "/no/such/pid"\n')) as init:
        eventually(lambda: "pid file" in init.status().get("a", {}).get("reason", ""), "it looks")
        began = time.monotonic()
        init.ctl("stop", "a")
        assert time.monotonic() - began < 5
        assert not descendants(init.pid)


def test_children_end_too_when_daemon_is_stopped(tmp_path: pathlib.Path) -> None:
    """Workers in the daemon's group and beside it."""
    workers = "sleep 1001 & setsid sleep 1002 & exec sleep 1000"
    text = f"setsid sh -c '{workers}' {QUIET} & echo $! > \"$HERE/pid\""
    with live(tmp_path, _service(text, 'pid_file = "${HERE}/pid"\n')) as init:
        init.wait_for("a", "running")
        below = eventually(lambda: (d := descendants(init.pid)) and len(d) == 3 and d, "all")
        init.ctl("stop", "a")
        assert not any(is_alive(pid) for pid in below)


def test_hooks_know_the_daemon_when_they_run(tmp_path: pathlib.Path) -> None:
    """MAINPID is the daemon's, not its parent's."""
    config = _service(DAEMON, f'pid_file = "${{HERE}}/pid"\npost_start = {note("$MAINPID")}\n')
    with live(tmp_path, config) as init:
        pid = init.wait_for("a", "running")["pid"]
        assert trace(init) == [str(pid)]
