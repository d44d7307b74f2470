"""What the kernel itself refuses a running init: room, processes, memory, time."""

from __future__ import annotations

import contextlib
import itertools
import os
import pathlib
import resource
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.live import Live, eventually, live

if TYPE_CHECKING:
    from collections.abc import Iterator

SLEEPERS = """
[services.a]
command = "sleep 1000"
min_uptime = 0
restart_delay = 0.05
restart_max_delay = "200ms"
restart_limit = "unlimited"
[services.b]
command = "sleep 1001"
"""
WRITER = """
[services.writer]
command = ["sh", "-c", "while :; do echo {line}; sleep 0.02; done"]
log = {{ file = "{directory}/writer.log", max_size = "100MB" }}
"""
LINE = "whole" * 1000
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: mounts and cgroups")


def _killed(init: Live) -> None:
    os.kill(init.status()["a"]["pid"], signal.SIGKILL)


def _ends_in_order(init: Live, b: int) -> None:
    """What was not concerned is as it was, and nothing is left at the end."""
    init.wait_for("a", "running")
    assert init.status()["b"]["pid"] == b
    init.signal(signal.SIGTERM)
    assert init.wait() == 0
    assert not init.socket.exists()


def _on_tmpfs(init: Live, place: str, options: str) -> None:
    """Have init start in a mount namespace of its own, with a small file system at `place`."""
    full = f"head -c 200k /dev/zero > {place}/other"  # by somebody else
    script = f'mount -t tmpfs -o {options} none "{place}" && {full} && exec "$@"'
    init.prefix = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh"]


def test_loss_is_told_when_a_log_reaches_the_limit_of_a_file(tmp_path: pathlib.Path) -> None:
    """RLIMIT_FSIZE: no signal ends init, the limit of the service is what it was."""
    config = SLEEPERS + WRITER.format(line=LINE, directory=tmp_path)
    init = Live(tmp_path, config, "subreaper")
    init.limits = {"fsize": (60_000, 200_000)}
    try:
        init.start()
        b = init.wait_for("b", "running")["pid"]
        eventually(lambda: "writer.log" in init.said(), "the loss is told")
        assert "File too large" in init.said()
        log = tmp_path / "writer.log"
        assert log.stat().st_size <= 200_000
        assert resource.prlimit(b, resource.RLIMIT_FSIZE) == (60_000, 200_000)
        init.wait_for("writer", "running", run=1)
        _killed(init)
        _ends_in_order(init, b)
    finally:
        init.close()


@ROOT_ONLY
def test_log_goes_on_when_its_full_file_system_has_room_again(tmp_path: pathlib.Path) -> None:
    """The loss is told, the lines before and after it are whole."""
    logs = tmp_path / "logs"
    logs.mkdir()
    init = Live(tmp_path, SLEEPERS + WRITER.format(line=LINE, directory=logs), "subreaper")
    _on_tmpfs(init, str(logs), "size=256k")
    try:
        init.start()
        b = init.wait_for("b", "running")["pid"]
        inside = pathlib.Path(f"/proc/{init.pid}/root{logs}")
        eventually(lambda: "No space left on device" in init.said(), "the loss is told")
        _killed(init)
        init.wait_for("a", "running")
        full = (inside / "writer.log").stat().st_size
        (inside / "other").unlink()
        eventually(lambda: (inside / "writer.log").stat().st_size > full, "it goes on")
        lines = (inside / "writer.log").read_bytes().split(b"\n")[:-1]
        after = dict(itertools.pairwise(lines))
        for cut in set(lines) - {LINE.encode()}:  # where there was no room, and what tells of it
            assert b"dropped here" in cut + after.get(cut, b""), cut[-200:]
        _ends_in_order(init, b)
    finally:
        init.close()


@contextlib.contextmanager
def _cgroup(controller: str) -> Iterator[pathlib.Path]:
    """A cgroup of the first version, where this machine has that controller."""
    above = pathlib.Path("/sys/fs/cgroup", controller)
    made = above / f"nsinit-faults-{os.getpid()}"
    if not (above / "cgroup.procs").exists() or not os.access(above, os.W_OK):
        pytest.skip(f"this kernel has no cgroup v1 {controller} that can be written")
    made.mkdir()
    try:
        yield made
    finally:
        eventually(lambda: not (made / "cgroup.procs").read_text(), "it is empty")
        made.rmdir()


@ROOT_ONLY
def test_service_comes_back_when_a_limit_of_processes_is_raised(tmp_path: pathlib.Path) -> None:
    """fork(2) is refused by the cgroup around init: told, tried again, nobody else is touched."""
    with _cgroup("pids") as group, live(tmp_path, SLEEPERS) as init:
        b = init.wait_for("b", "running")["pid"]
        init.wait_for("a", "running")
        (group / "cgroup.procs").write_text(str(init.pid))
        (group / "pids.max").write_text("1")
        _killed(init)
        eventually(lambda: "Resource temporarily unavailable" in init.said(), "it is told")
        init.wait_for("a", "backoff")
        (group / "pids.max").write_text("max")
        _ends_in_order(init, b)


@ROOT_ONLY
def test_init_lives_when_memory_of_its_cgroup_runs_out(tmp_path: pathlib.Path) -> None:
    """The kernel kills what uses most of it, and init says of what that has died."""
    hog = 'command = ["sh", "-c", "sleep 0.3; exec tail /dev/zero"]'
    config = f'{SLEEPERS}[services.hog]\n{hog}\nautostart = false\nrestart = "no"\n'
    with _cgroup("memory") as group:
        (group / "memory.limit_in_bytes").write_text(str(64 << 20))
        init = Live(tmp_path, config, "subreaper")
        init.prefix = ["sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh"]
        try:
            init.start()
            b = init.wait_for("b", "running")["pid"]
            init.ctl("start", "hog", check=False)
            failed = init.wait_for("hog", "failed")
            assert failed["result"] in ("oom", "signal")
            assert "hog has failed" in init.said()
            _killed(init)
            _ends_in_order(init, b)
        finally:
            init.close()


def test_init_goes_on_when_it_gets_no_memory_for_a_while(tmp_path: pathlib.Path) -> None:
    """RLIMIT_AS at what it has already: a service dies meanwhile, and comes back later."""
    with live(tmp_path, SLEEPERS) as init:
        a, b = init.wait_for("a", "running"), init.wait_for("b", "running")["pid"]
        before = resource.prlimit(init.pid, resource.RLIMIT_AS)
        resource.prlimit(init.pid, resource.RLIMIT_AS, (1 << 20, before[1]))
        for _ in range(3):
            with contextlib.suppress(Exception):
                init.client.status()
        os.kill(a["pid"], signal.SIGKILL)
        time.sleep(0.5)
        resource.prlimit(init.pid, resource.RLIMIT_AS, before)
        eventually(lambda: init.status().get("a", {}).get("run", 0) > a["run"], "it is back")
        _ends_in_order(init, b)


def test_nothing_is_skipped_or_doubled_when_init_was_stopped(tmp_path: pathlib.Path) -> None:
    """SIGSTOP for longer than several timers: one death is one restart, one file is one start."""
    count = tmp_path / "count"
    tick = f"""
[services.tick]
type = "oneshot"
command = ["sh", "-c", "echo >> {count}"]
schedule = {{ every = "300ms" }}
"""
    with live(tmp_path, SLEEPERS + tick) as init:
        a, b = init.wait_for("a", "running"), init.wait_for("b", "running")["pid"]
        eventually(count.exists, "the schedule runs")
        init.signal(signal.SIGSTOP)
        eventually(
            lambda: pathlib.Path(f"/proc/{init.pid}/stat").read_text().split(") ")[1][0] == "T",
            "it is stopped",
        )
        os.kill(a["pid"], signal.SIGKILL)
        time.sleep(0.2)
        seen = len(count.read_bytes())
        time.sleep(1.5)
        assert len(count.read_bytes()) == seen
        init.signal(signal.SIGCONT)
        init.wait_for("a", "running", run=a["run"] + 1, restarts=a["restarts"] + 1)
        eventually(lambda: len(count.read_bytes()) > seen, "the schedule goes on")
        assert len(count.read_bytes()) <= seen + 3  # what was missed is not made up for
        _ends_in_order(init, b)
