"""Model against reality: the record of a real life runs again on the core, action by action.

The driver of a real init writes down each action once it has carried it out, without the core or
the recorder having a say in that; services write down what they see. All of it has to agree with
what the core alone makes of the recorded events. A record leaves out: what comes after it was
taken (the last KILLs, Finish), how long anything took, and what is no business of the core: output,
probes' answers beyond their status, clients.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from nsinit.core import messages as m
from nsinit.core.replay import Step, read, replay
from scripts.mutation.catalogue import MUTANTS
from scripts.mutation.copies import copy_tree, replace_once
from tests.support.live import ROOT, eventually, live
from tests.support.replacing import replace
from tests.support.traces import script

if TYPE_CHECKING:
    import pathlib

# Runs in every Python below: a driver tells a file what it has carried out, when it has.
_WITNESS = """
import functools, os, sys
from importlib.machinery import PathFinder

class Witness:
    def find_spec(self, name, path=None, target=None):
        if name != "nsinit.runtime.driver":
            return None
        spec = PathFinder.find_spec(name, path)
        run = spec.loader.exec_module
        spec.loader.exec_module = lambda module: (run(module), watch(module.Driver))
        return spec

def watch(driver):
    import msgspec
    fd = os.open(os.environ["HERE"] + "/done", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for name in ("_carry_out", "_changed"):
        def watched(self, action, *more, _work=getattr(driver, name)):
            _work(self, action, *more)
            os.write(fd, msgspec.json.encode(action) + b"\\n")
        setattr(driver, name, watched)

sys.meta_path.insert(0, Witness())
"""
_MAIN = "echo $$$$ >> $HERE/{0}.pids; trap 'echo HUP >> $HERE/{0}.told' HUP; "
_STAY = "while :; do sleep 1000 & wait; done"
CONFIG = f"""
    [init]
    keep_running = true
    shutdown_timeout = "20s"
    [services.crash]
    command = {script(_MAIN.format("crash") + "exit 3")}
    restart_limit = "unlimited"
    restart_delay = 0.05
    restart_max_delay = 0.1
    [services.steady]
    command = {script(_MAIN.format("steady") + _STAY)}
    reload_signal = "HUP"
    min_uptime = 0
    pre_start = "true"
    post_stop = "false"
    [services.tells]
    type = "notify"
    command = ["{sys.executable}", "-c", '''
import os, signal, socket
told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
told.connect(os.environ["NOTIFY_SOCKET"].replace("@", chr(0)))
told.send(b"READY=1\\nSTATUS=here")
signal.pause()
''']
    [services.needs]
    command = "sleep 1000"
    depends_on = ["tells"]
    min_uptime = 0
    [services.sick]
    command = "sleep 1000"
    min_uptime = 0
    restart_delay = 0.05
    restart_limit = "unlimited"
    health = {{ exec = "false", interval = "0.1s", retries = 2 }}
    [services.once]
    type = "oneshot"
    command = "true"
    [services.stubborn]
    command = {script("trap '' TERM; " + _STAY)}
    min_uptime = 0
    stop_timeout = "15s"
"""


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A directory with all that is left of a rich life: record, done, events, what services saw."""
    here = tmp_path_factory.mktemp("life")
    (here / "witness").mkdir()
    (here / "witness" / "sitecustomize.py").write_text(_WITNESS)
    with live(here, CONFIG, PYTHONPATH=f"{here}/witness:{ROOT}") as init:
        for name in ("steady", "needs", "stubborn"):
            init.wait_for(name, "running")
        init.wait_for("once", "exited")
        init.ctl("reload", "steady")
        init.ctl("restart", "tells")
        init.ctl("stop", "needs")
        init.ctl("start", "needs")
        replace(init)
        more = "\n[services.new]\ncommand = 'sleep 1000'\nmin_uptime = 0\n"
        init.config.write_text(CONFIG.replace("retries = 2", "retries = 3") + more)
        init.ctl("update")
        init.wait_for("new", "running")
        init.ctl("restart", "steady")
        eventually(lambda: init.status()["crash"]["run"] > 5, "crashes")
        eventually(lambda: init.status()["sick"]["run"] > 1, "a failed health check")
        replace(init)
        init.ctl("pin", "crash", check=False)
        (here / "events").write_text(init.ctl("events", "--json").stdout)
        init.signal(signal.SIGTERM)
        init.wait_for("stubborn", "stopping")
        eventually(lambda: init.status()["steady"]["state"] == "stopped", "others stop")
        init.ctl("record", "--out", str(here / "record"))
        init.signal(signal.SIGTERM)
        init.wait()
    return here


def _steps(path: pathlib.Path) -> list[Step]:
    record = read(path.read_bytes().splitlines())
    assert record.whole
    assert record.parts[0].state.phase == "new"  # it goes back to the very beginning
    return list(replay(record))


def test_core_wants_what_was_carried_out_when_a_life_is_told_again(life: pathlib.Path) -> None:
    """All actions, in their order, over two other programs in the place of the first."""
    steps = _steps(life / "record")
    assert [step for step in steps if step.wrong] == []
    wanted = [json.loads(msgspec.json.encode(action)) for s in steps for action in s.actions]
    done = [json.loads(line) for line in (life / "done").read_text().splitlines()]
    assert len(wanted) > 150
    assert done[: len(wanted)] == wanted
    kinds = {type(action).__name__ for step in steps for action in step.actions}
    assert {"Spawn", "RunTask", "Signal", "Sweep", "Release", "Arm", "Disarm", "Changed"} <= kinds
    told = {type(step.told.event).__name__ for step in steps}
    assert {"Boot", "Notified", "Update", "Restart", "Stop", "Fired", "Exited", "Shutdown"} <= told
    assert [row["type"] for row in done[len(wanted) :]][-1] == "Finish"


def test_core_was_told_what_there_was_when_a_life_is_told_again(life: pathlib.Path) -> None:
    """Processes, by their own word; signals, by that of who got them; changes, by the events."""
    steps = _steps(life / "record")
    events = [step.told.event for step in steps]
    actions = [action for step in steps for action in step.actions]
    for name in ("crash", "steady"):
        spawned = [e.pid for e in events if isinstance(e, m.Spawned) and e.service == name]
        assert list(map(int, (life / f"{name}.pids").read_text().split())) == spawned
    hups = [a for a in actions if isinstance(a, m.Signal) and a.number == signal.SIGHUP]
    assert (life / "steady.told").read_text().split() == ["HUP"] * len(hups) == ["HUP"]
    assert {e.status for e in events if isinstance(e, m.Exited) and e.service == "crash"} == {3}
    seen: list[dict[str, Any]] = [
        json.loads(line) for line in (life / "events").read_text().splitlines()
    ]
    for name in ("crash", "steady", "tells", "needs", "sick", "once", "new"):
        moves = [
            (str(a.old), str(a.new))
            for a in actions
            if isinstance(a, m.Changed) and a.service == name and a.kind == "state"
        ]
        shown = [
            (e["old"], e["new"]) for e in seen if e["type"] == "state" and e["service"] == name
        ]
        assert shown, name
        assert moves[: len(shown)] == shown


@pytest.mark.parametrize(
    ("file", "breaks"),
    [
        ("starting.py", "runs are not numbered"),
        ("ending.py", "a request is done twice"),
        ("turn.py", "timers are not disarmed when their state is left"),
        ("turn.py", "a task has no limit"),
    ],
)
def test_difference_is_seen_when_the_core_is_another(
    life: pathlib.Path, tmp_path: pathlib.Path, file: str, breaks: str
) -> None:
    """One with a mistake in it, that has a real life told."""
    (mutant,) = [one for one in MUTANTS if (one.file, one.breaks) == (file, breaks)]
    copy_tree(tmp_path, ("nsinit", "scripts"), "__pycache__")
    replace_once(tmp_path / "nsinit" / "core" / file, mutant.old, mutant.new)
    done = _told_again(tmp_path, life / "record")
    assert done.returncode == 1, done
    assert _told_again(ROOT, life / "record").returncode == 0


@pytest.mark.parametrize("key", ["at", "jitter", "sum", "run", "status", "event"])
def test_difference_is_seen_when_a_record_is_changed(
    life: pathlib.Path, tmp_path: pathlib.Path, key: str
) -> None:
    """Wherever the core goes by it; or a line is missing. What it only hands on may be another."""
    rows = [json.loads(line) for line in (life / "record").read_text().splitlines()]
    place = next(
        index
        for index, row in enumerate(rows)
        if row.get("event", {}).get("type") == ("Emptied" if key in row else "Exited")
        and row["event"]["service"] == "crash"
    )
    row = rows[place]
    if key == "event":
        del rows[place]
    elif key in row:
        row[key] += 1
    else:
        row["event"][key] = 0
    changed = tmp_path / "record"
    changed.write_text("\n".join(map(json.dumps, rows)))
    assert _told_again(ROOT, changed).returncode == 1


def _told_again(root: pathlib.Path, record: pathlib.Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "scripts/replay", str(record)],
        cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip
