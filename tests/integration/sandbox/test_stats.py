"""What groups have used is told, what the kernel kills for memory is recognised, services pause."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from nsinit.cli.silence import why_silent
from nsinit.errors import ControlError, TimedOutError
from nsinit.kernel import cgroups
from tests.support.live import NSINIT, eventually

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable

    from tests.support.boxes import Box
    from tests.support.cells import Cell

pytestmark = [
    pytest.mark.root,
    pytest.mark.parametrize("user", ["rootful"], indirect=True),
]
BUSY = """\
import os, time
while True:
    with open("ticks", "a") as file:
        file.write(".")
    time.sleep(0.01)
"""
HUNGRY = f"{sys.executable} -c 'x = bytearray(300 << 20)'"
SMALL = "resources = {memory = '48M', swap = 0}\nrestart = 'no'\n"


def _service(made: Box, name: str) -> dict[str, Any]:
    found: dict[str, Any] = made.client.status(names=[name])["services"][0]
    return found


def _wait(made: Box, name: str, **wanted: Any) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        with suppress(ControlError):
            found = _service(made, name)
            return found if all(found[key] == value for key, value in wanted.items()) else None
        return None

    found: dict[str, Any] = eventually(look, f"{name} is {wanted}")
    return found


@pytest.mark.row(46)
def test_statistics_are_told_when_a_service_is_busy(celled: Callable[..., Box]) -> None:
    """Of the service and of the sandbox; in `status` of those that are named, and in `top`."""
    made = celled(
        "[sandbox]\nresources = {pids = 100}\n"
        f"[services.busy]\ncommand = ['{sys.executable}', '-c', 'while True: pass']\n"
        "resources = {cpu = 0.2, memory = '64M', pids = 10}\n"
        "[services.plain]\ncommand = 'sleep 1000'\n"
    ).start()
    _wait(made, "busy", state="running")

    def throttled() -> bool:
        return bool(_service(made, "busy")["usage"]["cpu"]["throttled"])

    eventually(throttled, "its quota was met")
    answer = made.client.status(names=["busy", "plain"])
    busy, plain = answer["services"]
    usage, whole = busy["usage"], answer["init"]["usage"]
    assert (usage["cpu"]["limit"], usage["pids"]["limit"]) == (0.2, 10)
    assert usage["memory"]["limit"] == 64 << 20
    assert 0 < usage["cpu"]["usage"] <= whole["cpu"]["usage"] + 0.1
    assert usage["cpu"]["throttled_periods"] > 0
    assert 0 < usage["memory"]["current"] <= usage["memory"]["limit"]
    assert usage["pids"]["current"] == 1
    assert whole["pids"]["limit"] == 100
    assert whole["pids"]["current"] >= 2
    assert plain["usage"] is None
    assert "usage" in busy
    assert made.client.status()["services"][0]["usage"] is None  # they may be many

    def top() -> dict[str, Any] | None:
        found: dict[str, Any] = made.client.top(interval=1.0)
        return found if found["services"][0]["cpu"] > 0 else None  # the machine may be busy

    seen = eventually(top, "it is seen at work")
    rows = {row["name"]: row for row in seen["services"]}
    assert rows["busy"]["cpu"] < 50
    assert rows["busy"]["group"]["rates"]["throttled"] is not None
    assert rows["plain"]["group"] is None
    assert seen["sandbox"]["rates"]["cpu"] > 0
    # Not from within the cell: in version 2 nobody gets in beside groups with controllers.
    words = [*NSINIT, "ctl", "--socket", str(made.socket), "status", "busy"]
    told = subprocess.run(words, env=made.env, capture_output=True, text=True, check=True).stdout
    assert "limit 0.2 CPUs" in told
    assert "the whole sandbox" in told
    assert made.stop() == 0


@pytest.mark.row(46)
def test_result_is_oom_when_the_counter_of_the_group_rose(celled: Callable[..., Box]) -> None:
    """It is told in the log and by `why`; a KILL by hand in the same group is just that."""
    made = celled(
        f'[sandbox]\n[services.eater]\ncommand = "{HUNGRY}"\n{SMALL}'
        f"[services.victim]\ncommand = 'sleep 1000'\n{SMALL}"
        f"[services.parent]\ncommand = [\"sh\", \"-c\", '''{HUNGRY}; exit 3''']\n{SMALL}"
        "[services.stays]\ncommand = 'sleep 1000'\n"
    ).start()
    eater = _wait(made, "eater", state="failed")
    assert (eater["result"], eater["exit_signal"]) == ("oom", signal.SIGKILL)
    made.wait_for_line("eater has failed, was killed by the kernel for its memory: it may have 48")
    why = made.client.why(names=["eater"])["services"][0]["sentences"]
    assert any("result oom" in sentence for sentence in why), why
    parent = _wait(made, "parent", state="failed")
    assert (parent["result"], parent["exit_code"]) == ("exit-code", 3)
    made.wait_for_line("parent: the kernel killed one of its processes for lack of memory")
    made.client.signal(signal="KILL", names=["victim"])
    assert _wait(made, "victim", state="failed")["result"] == "signal"
    assert made.stop() == 0


@pytest.mark.row(46)
def test_service_stands_still_when_it_is_paused(celled: Callable[..., Box], cell: Cell) -> None:
    """Neither its probe nor its watchdog ends it; a stop does, and leaves nothing."""
    made = celled(
        f"[sandbox]\n[services.busy]\ncommand = ['{sys.executable}', '-c', '''\n{BUSY}''']\n"
        "working_dir = 'HERE'\nresources = {}\nhealth = {exec = 'true', interval = '100ms', "
        "timeout = '10s', retries = 3}\nwatchdog = '60s'\n"
        "[services.plain]\ncommand = 'sleep 1000'\n"
    )
    made.config.write_text(made.config.read_text().replace("HERE", str(made.directory)))
    made.start()
    ticks = made.directory / "ticks"
    _wait(made, "busy", health="healthy")
    assert made.client.pause(names=["busy"])["results"][0]["paused"]
    _pass_time(made, ticks, stands=True)
    paused = _service(made, "busy")
    assert (paused["state"], paused["paused"], paused["usage"]["frozen"]) == ("running", True, True)
    for verb in ("reload", "exec"):
        words = (*(["--", "true"] if verb == "exec" else []),)
        done = made.run("ctl", "--socket", str(made.socket), verb, "busy", *words)
        assert done.returncode == 1
    told = made.run("ctl", "--socket", str(made.socket), "pause", "plain")
    assert (told.returncode, "resources = {}" in told.stderr) == (1, True)
    made.client.unpause(names=["busy"])
    _pass_time(made, ticks, stands=False)
    after = _wait(made, "busy", health="healthy", paused=False)
    assert (after["run"], after["restarts"]) == (1, 0)
    made.client.pause(names=["busy"])
    assert made.client.restart(names=["busy"])["results"][0]["ok"]
    assert not _wait(made, "busy", state="running")["paused"]
    made.client.pause(names=["busy"])
    assert made.stop() == 0
    assert cell.groups() == []


def _pass_time(made: Box, ticks: pathlib.Path, *, stands: bool) -> None:
    """Half a second of somebody else's life: the service goes on in it, or does not."""
    before = ticks.stat().st_size
    made.run("ctl", "--socket", str(made.socket), "top", "plain", "-d", "0.5")
    assert (ticks.stat().st_size == before) is stands


@pytest.mark.parametrize("who", ["main", "init", "launcher"])
def test_nothing_is_left_when_somebody_is_killed_while_a_service_is_paused(
    celled: Callable[..., Box], cell: Cell, who: str
) -> None:
    """What is frozen dies all the same, and with it the groups."""
    made = celled(
        "[sandbox]\nname = 'still'\n[services.a]\ncommand = 'sleep 1000'\nresources = {}\n"
        "restart_delay = '10ms'\n"
    ).start()
    running = _wait(made, "a", state="running")
    made.client.pause(names=["a"])
    assert made.process is not None
    if who == "main":
        made.client.signal(signal="KILL", names=["a"])
        assert not _wait(made, "a", state="running", run=running["run"] + 1)["paused"]
        assert made.stop() == 0
    else:
        os.kill(made.pid if who == "init" else made.process.pid, signal.SIGKILL)
        made.wait()
        made.run("list")  # whoever looks next removes what a killed launcher has left
    eventually(lambda: not cell.groups(), f"removed: {cell.groups()}")


@pytest.mark.parametrize("end", ["stop", "kill", "list"])
def test_sandbox_ends_when_version_1_has_frozen_a_service_and_init_was_killed(
    celled: Callable[..., Box], cell: Cell, end: str
) -> None:
    """What is frozen there does not die, and its init not before it: whoever ends it thaws it.

    Where init shares its pid namespace, what it leaves is removed by whoever looks next.
    """
    if cell.unified:
        pytest.skip("this kernel has all controllers in version 2")
    old = [root / "old" for controller, root in cell.roots.items() if controller != ""]
    for root in old:
        root.mkdir()
    mount = next(place.mount for place in cgroups.places() if "freezer" in place.controllers)
    parent = str(cell.root("freezer") / "old").removeprefix(mount)
    made = celled(
        f"[sandbox]\nname = 'still'\ncgroup_parent = '{parent}'\n"
        f"namespaces = {{pid = '{'shared' if end == 'list' else 'new'}'}}\n"
        "[services.a]\ncommand = 'sleep 1000'\nresources = {}\n"
    ).start()
    _wait(made, "a", state="running")
    made.client.pause(names=["a"])
    assert made.process is not None
    pids = [made.process.pid, made.pid] if end == "list" else [made.pid]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    if end == "list":
        made.wait()
    done = made.run(end, *(() if end == "list" else ("still",)))
    assert done.returncode == 0, done.stderr
    made.wait()
    eventually(lambda: not cell.groups("pids"), f"removed: {cell.groups('pids')}")
    for root in old:  # which is empty
        root.rmdir()


@pytest.mark.parametrize("end", ["stop", "kill", "launcher"])
def test_whole_sandbox_stands_still_when_it_is_paused(
    celled: Callable[..., Box], cell: Cell, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is listed so; nothing waits for its init, and every way to end it does."""
    made = celled(
        "[sandbox]\nname = 'still'\nresources = {}\n[services.a]\ncommand = 'sleep 1000'\n"
    ).start()
    _wait(made, "a", state="running")
    assert made.run("pause", "still").returncode == 0
    assert made.run("list").stdout.splitlines()[1].split()[:2] == ["still", "paused"]
    done = made.run("enter", "still", "--", "true")
    assert (done.returncode, "nsinit unpause still" in done.stderr) == (4, True)
    monkeypatch.setenv("NSINIT_RUN_DIR", made.env["NSINIT_RUN_DIR"])
    silent = TimedOutError(f"no answer from {made.socket}")  # what an operator gets after 10 s
    assert why_silent(silent) == "it is paused: nsinit unpause still"
    if end == "stop":
        assert made.run("unpause", "still").returncode == 0
        assert _service(made, "a")["state"] == "running"
        assert made.run("pause", "still").returncode == 0
        done = made.run("stop", "still")
    elif end == "kill":
        done = made.run("kill", "still")
    else:
        assert made.process is not None
        made.process.kill()
        made.wait()
        done = made.run("list")
    assert done.returncode == 0, done.stderr
    eventually(lambda: not cell.groups(), f"removed: {cell.groups()}")


def test_sandbox_is_not_paused_when_it_has_no_group(celled: Callable[..., Box]) -> None:
    """The answer says what gives it one."""
    made = celled("[sandbox]\nname = 'free'\n[services.a]\ncommand = 'sleep 1000'\n").start()
    _wait(made, "a", state="running")
    done = made.run("pause", "free")
    assert (done.returncode, "it has no cgroup" in done.stderr) == (1, True)
    assert "resources = {}" in done.stderr
    assert made.run("unpause", "free").returncode == 0
