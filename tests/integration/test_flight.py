"""The record of a real init runs again on the core, and does the same."""

from __future__ import annotations

import json
import signal
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.support.live import ROOT, eventually, live
from tests.support.replacing import replace

if TYPE_CHECKING:
    import pathlib

CONFIG = """
    [init]
    keep_running = true
    [init.environment]
    PASSWORD = "hunter2"
    [services.crash]
    command = "sh -c 'echo hunter2; exit 3'"
    restart_limit = "unlimited"
    restart_delay = 0.05
    restart_max_delay = 0.1
    min_uptime = 0
    environment = { TOKEN = "hunter2" }
    [services.w]
    command = "sleep 1000"
    replicas = 1
    pre_start = "true"
    min_uptime = 0
    [services.sick]
    command = "sleep 1000"
    min_uptime = 0
    health = { exec = "false", interval = "0.1s", retries = 2 }
"""


def replayed(path: pathlib.Path, *options: str) -> subprocess.CompletedProcess[str]:
    """What scripts/replay says of a record."""
    return subprocess.run(
        [sys.executable, "scripts/replay", str(path), *options],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_record_runs_again_when_init_has_lived_through_much(tmp_path: pathlib.Path) -> None:
    """Crashes, checks, an update, a scale and two replaced programs; nothing secret is in it."""
    path = tmp_path / "record"
    with live(tmp_path, CONFIG) as init:
        init.wait_for("w@1", "running")
        init.ctl("scale", "w=3")
        replace(init)
        init.config.write_text(CONFIG.replace("retries = 2", "retries = 3") + "\n[services.new]\n"
                               "command = 'sleep 1000'\nmin_uptime = 0\n")  # fmt: skip
        init.ctl("update")
        init.wait_for("new", "running")
        replace(init)
        init.ctl("restart", "w")
        eventually(lambda: init.status()["crash"]["run"] > 5, "crashes")
        told = init.ctl("record", "--out", str(path)).stdout
        assert init.ctl("record", "-o", "/nowhere/x", check=False).returncode == 1
        init.signal(signal.SIGUSR2)
        left = init.socket.parent / "flight.ndjson"
        eventually(left.exists, "the record that USR2 leaves")
        eventually(lambda: f"the flight record is in {left}" in init.said(), "it is told where")
        init.ctl("shutdown")
        init.wait()
    done = replayed(path)
    assert (done.returncode, done.stderr) == (0, ""), done
    count = int(told.split()[0])
    assert count > 30
    assert f"{count} events, 0 of them with another outcome" in done.stdout
    assert replayed(left).returncode == 0
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(left.stat().st_mode) == 0o600
    text = path.read_text()
    assert "hunter2" not in text + left.read_text()
    assert [json.loads(line)["begin"] for line in text.splitlines() if '"begin"' in line[:9]]
    trace = replayed(path, "--trace", "new").stdout
    assert "Changed new run=1 old=starting new=running" in trace
    assert "Changed crash" not in trace
    test = tmp_path / "test_made.py"
    test.write_text(replayed(path, "--test").stdout)
    run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null"]
    done = subprocess.run([*run, str(test)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done
    path.write_text(text.replace('"status": 3', '"status": 0').replace('"status":3', '"status":0'))
    done = replayed(path)
    assert done.returncode == 1
    assert "other actions follow" in done.stdout
    path.write_text("rubbish")
    done = replayed(path)
    assert (done.returncode, "no flight record" in done.stderr) == (2, True)


def test_record_is_left_when_init_has_met_an_error_of_its_own(tmp_path: pathlib.Path) -> None:
    """Beside crash.txt, for whoever comes later."""
    with live(tmp_path, CONFIG, NSINIT_FAULTS="core:EIO@8-12") as init:
        left = init.socket.parent / "flight.ndjson"
        eventually(left.exists, "the record")
        assert replayed(left).returncode == 0
