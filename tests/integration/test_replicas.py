"""Several instances of one service: started, scaled, restarted in turn, and told apart."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.live import eventually, is_alive, live
from tests.support.traces import note, script, trace

if TYPE_CHECKING:
    import pathlib

    from tests.integration.conftest import Start
    from tests.support.live import Live

WEB = '[services.web]\ncommand = "sleep 100{{index}}"\nmin_uptime = 0\nrestart_delay = 0.05\n'


def _runs(init: Live) -> dict[str, Any]:
    return {name: s["run"] for name, s in init.status().items()}


def _pids(init: Live) -> dict[str, Any]:
    return {name: s["pid"] for name, s in init.status().items()}


def test_instances_differ_when_index_is_filled_in(start: Start) -> None:
    """In the command and the environment; they know their number."""
    command = script('echo $NSINIT_SERVICE $NSINIT_REPLICA $PORT {{index}} >> "$HERE/trace"')
    init = start(
        f'[init]\nkeep_running = true\n[services.job]\ntype = "oneshot"\ncommand = {command}\n'
        'replicas = 3\nenvironment = { PORT = "800{{index}}" }\n'
        f'[services.last]\ntype = "oneshot"\ncommand = {script("echo last >> $HERE/trace")}\n'
        'depends_on = ["job"]\n'
    )
    init.wait_for("last", "exited")
    lines = trace(init)
    assert sorted(lines[:3]) == [f"job@{n} {n} 800{n} {n}" for n in (1, 2, 3)]
    assert lines[3:] == ["last"]


def test_others_stay_when_scaled(start: Start, loop: str) -> None:
    """More come at the end, fewer go from the end; none of the rest is touched."""
    init = start(f'[init]\nloop = "{loop}"\nkeep_running = true\n{WEB}replicas = 2\n')
    init.wait_for("web@2", "running")
    before = _pids(init)
    init.ctl("scale", "web=4")
    init.wait_for("web@4", "running")
    assert {name: pid for name, pid in _pids(init).items() if name in before} == before
    gone = init.outer_pid(before["web@2"])
    init.ctl("scale", "web=1")
    eventually(lambda: list(init.status()) == ["web@1"], "three are gone")
    assert _pids(init) == {"web@1": before["web@1"]}
    assert not is_alive(gone)
    init.ctl("scale", "web=0")
    eventually(lambda: init.status() == {}, "all are gone")
    init.ctl("scale", "web=2")
    init.wait_for("web@2", "running")
    init.ctl("update")
    assert list(init.status()) == ["web@1", "web@2"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["one=3"], 1),
        (["nobody=3"], 1),
        (["web=-1"], 2),
        (["web=1001"], 1),
        (["web=99999"], 2),
        (["web"], 2),
        (["=2"], 2),
        (["web=x", "web=2"], 2),
        (["web=²"], 2),
    ],
)
def test_nothing_changes_when_scale_is_wrong(
    tmp_path: pathlib.Path, words: list[str], code: int
) -> None:
    """It is said why, with a code that is not 0."""
    config = f'{WEB}replicas = 2\n[services.one]\ncommand = "sleep 1000"\nmin_uptime = 0\n'
    with live(tmp_path, config) as init:
        init.wait_for("one", "running")
        before = _pids(init)
        done = init.ctl("scale", *words, check=False)
        assert done.returncode in (1, 2), done
        assert done.stderr.startswith("nsinit: ")
        assert _pids(init) == before


def test_at_most_one_is_down_when_restarted_by_name(start: Start, loop: str) -> None:
    """`restart web` takes the replicas one after the other, each once the last one is up."""
    web = WEB.replace("min_uptime = 0", "min_uptime = 0.2")
    init = start(f'[init]\nloop = "{loop}"\n{web}replicas = 3\n')
    for number in (1, 2, 3):
        init.wait_for(f"web@{number}", "running")
    seen = init.events()[-1]["seq"]
    init.ctl("restart", "web")
    assert _runs(init) == {"web@1": 2, "web@2": 2, "web@3": 2}
    down: set[str] = set()
    order: list[str] = []
    for event in init.events():
        if event["seq"] <= seen or event["type"] != "state":
            continue
        if event["new"] == "running":
            down.discard(event["service"])
            order.append(event["service"])
        else:
            down.add(event["service"])
        assert len(down) <= 1, init.events()
    assert order == ["web@1", "web@2", "web@3"]


def test_rest_stays_when_first_replica_does_not_come_up(start: Start) -> None:
    """A rolling restart that goes wrong does not take everything down."""
    main = script('[ ! -e "$HERE/broken" ] || exit 1; exec sleep 1000')
    init = start(
        f"[services.web]\ncommand = {main}\nmin_uptime = 0.2\nrestart_limit = 1\n"
        "restart_delay = 0.05\nreplicas = 3\n"
    )
    for number in (1, 2, 3):
        init.wait_for(f"web@{number}", "running")
    (init.directory / "broken").touch()
    init.ctl("restart", "web", "--no-wait")
    init.wait_for("web@1", "failed")
    assert init.status()["web@2"]["run"] == 1
    assert init.status()["web@3"]["run"] == 1


def test_only_one_is_replaced_when_a_replica_is_killed(start: Start) -> None:
    """Each is a service of its own."""
    init = start(f"{WEB}replicas = 3\n")
    init.wait_for("web@3", "running")
    os.kill(init.outer_pid(init.wait_for("web@2", "running")["pid"]), signal.SIGKILL)
    init.wait_for("web@2", "running", run=2)
    assert _runs(init) == {"web@1": 1, "web@2": 2, "web@3": 1}


def test_replicas_stop_in_order_when_scaled_down_with_dependents(tmp_path: pathlib.Path) -> None:
    """Hooks run for those that go."""
    config = f"{WEB}replicas = 3\npost_stop = {note('$NSINIT_SERVICE')}\n"
    with live(tmp_path, config) as init:
        init.wait_for("web@3", "running")
        init.ctl("scale", "web=2")
        eventually(lambda: len(init.status()) == 2, "one is gone")
        assert trace(init) == ["web@3"]
