"""What has happened, told by a real init: events from any number on, and how runs ended."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from nsinit.errors import ControlError
from tests.support.live import NSINIT, eventually, live
from tests.support.replacing import replace

if TYPE_CHECKING:
    import pathlib

    from tests.support.live import Live

CONFIG = """
    [init]
    keep_running = true
    [services.big]
    command = ["python3", "-c", '''
import os, time
x = b"x" * (96 << 20)
end = time.process_time() + 0.2
while time.process_time() < end: pass
os.write(1, b"first\\nand last, without an end")
os._exit(3)
''']
    restart = "no"
    min_uptime = 0
    log = "null"
    [services.sick]
    command = ["sh", "-c", "echo well; exec sleep 1000"]
    min_uptime = 0
    health = { exec = ["sh", "-c", "exit 7"], interval = "0.1s", retries = 2 }
    restart = "no"
    [services.ok]
    command = "sleep 1000"
    min_uptime = 0
    pre_start = "true"
    tags = ["t"]
    [services.told]
    type = "notify"
    command = ["python3", "-c", '''
import os, socket, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
time.sleep(1000)
''']
    [services.missing]
    command = "/nowhere/x"
    restart = "no"
""".replace('log = "null"\n', "")


def rows(init: Live, **params: Any) -> list[dict[str, Any]]:
    """Events as a client gets them."""
    return list(init.client.events(**params))


def test_past_is_told_when_services_have_ended_in_many_ways(tmp_path: pathlib.Path) -> None:
    """Why, by whom, with what they used and said last; and it all stays over a reexec."""
    with live(tmp_path, CONFIG) as init:
        init.wait_for("big", "failed")
        init.wait_for("sick", "failed")
        init.wait_for("missing", "failed")
        init.wait_for("ok", "running")
        init.wait_for("told", "running")
        init.ctl("restart", "ok")
        init.ctl("signal", "USR1", "told")
        init.wait_for("told", "running", run=2)
        init.ctl("stop", "tag:t")
        with pytest.raises(ControlError):
            init.client.start(names=["nobody"])
        _look(init)
        before = rows(init)
        replace(init)
        after = rows(init)
        assert after[: len(before)] == before
        assert [row["seq"] for row in after] == list(range(1, len(after) + 1))
        new = [row["type"] for row in rows(init, since_seq=before[-1]["seq"])]
        assert new[:2] == ["request", "reexec"]
        deaths = _deaths(init)
        assert deaths["ok"][0]["by"] == "stop"
        assert [one["run"] for one in deaths["ok"]] == [2, 1]
        text = init.ctl("history", "told", "ok", "-n", "1").stdout
        assert "told running for" in text
        assert "came back as run 2" in text
        assert "run 1 was killed by USR1" in text
        assert "signalled by an operator" in text
        assert "its last ends:\n  run 1" in init.ctl("why", "told").stdout
        assert init.ctl("history", "tol", check=False).returncode == 4
        with pytest.raises(ControlError):
            init.client.start(names=["x" * 50_000])
        asked = [row for row in rows(init) if row["type"] == "request"][-1]
        assert len(str(asked)) < 1000  # what is kept of a request has a bound
        init.ctl("shutdown")
        init.wait()


def _deaths(init: Live) -> dict[str, list[dict[str, Any]]]:
    return {s["name"]: s["deaths"] for s in init.client.history()["services"]}


def _look(init: Live) -> None:
    deaths = _deaths(init)
    (big,) = deaths["big"]
    assert (big["exit_code"], big["result"], big["by"]) == (3, "exit-code", "")
    assert big["output"] == ["first", "and last, without an end"]
    assert 0.2 <= big["cpu_user"] + big["cpu_system"] < 20
    assert 96 << 20 < big["max_rss"] < 200 << 20
    assert 0.2 < big["seconds"] < 30
    (sick,) = deaths["sick"]
    assert (sick["exit_signal"], sick["by"], sick["result"]) == (15, "health", "watchdog")
    assert sick["output"] == ["well"]
    assert sick["max_rss"] is None, "the kernel counts the init that it was forked from"
    (missing,) = deaths["missing"]
    assert (missing["pid"], missing["result"]) == (None, "exec")
    assert "/nowhere/x" in missing["reason"]
    kinds: dict[str, list[dict[str, Any]]] = {}
    for row in rows(init):
        kinds.setdefault(row["type"], []).append(row)
    assert kinds["boot"][0]["seq"] == 1
    assert [(r["old"], r["new"]) for r in kinds["phase"]] == [("new", "up")]
    assert [(r["service"], r["by"]) for r in kinds["ready"]] == [("told", "notify")] * 2
    assert {r["hook"] for r in kinds["hook"]} == {"pre_start"}
    assert [r["in_a_row"] for r in kinds["probe"]] == [1, 2]
    assert kinds["probe"][0]["reason"] == "failed with code 7"
    assert kinds["health"][0]["health"] == "unhealthy"
    assert kinds["start-failed"][0]["errno"] == 2
    asked = [(r["verb"], r["names"], r["by_uid"], r["signal"]) for r in kinds["request"]]
    me = os.geteuid()
    assert asked == [
        ("restart", ["ok"], me, None), ("signal", ["told"], me, "USR1"),
        ("stop", ["tag:t"], me, None), ("start", ["nobody"], me, None),
    ]  # fmt: skip
    assert kinds["request"][-1]["reason"].startswith("refused: no service")
    ends = {(r["service"], r["run"]): r for r in kinds["exited"]}
    assert ends["told", 1]["by"] == "signal"
    assert ends["ok", 1]["by"] == "restart"
    of_ok = rows(init, names=["tag:t"], type="exited,request")
    assert [r["type"] for r in of_ok] == ["request", "exited", "request", "exited"]


def test_follower_sees_what_comes_when_an_update_brings_it(tmp_path: pathlib.Path) -> None:
    """By a pattern that fits it; what left is still known by its name. HUP and TERM are told."""
    config = """
        [init]
        keep_running = true
        [services.web1]
        command = "sleep 1000"
        min_uptime = 0
        [services.lost]
        command = "sh -c 'echo gone; (sleep 0.01 &); exec sleep 1000'"
        log = { to = ["file"], file = "/nowhere/x" }
        [services.beat]
        type = "oneshot"
        command = "true"
        schedule = { every = "1s" }
    """
    with live(tmp_path, config) as init:
        init.wait_for("web1", "running")
        command = [*NSINIT, "ctl", "events", "-f", "--json", "web*"]
        with subprocess.Popen(command, env=init.env, stdout=subprocess.PIPE) as follower:
            try:
                _follow(init, config, follower)
            finally:
                follower.kill()


def _follow(init: Live, config: str, follower: subprocess.Popen[bytes]) -> None:
    assert follower.stdout is not None
    assert json.loads(follower.stdout.readline())["service"] == "web1"
    init.config.write_text(config.replace("web1", "web2"))
    init.signal(1)
    seen: list[dict[str, Any]] = []
    while {("web1", "stopped"), ("web2", "running")} - {(r["service"], r["new"]) for r in seen}:
        seen.append(json.loads(follower.stdout.readline()))
    change = next(row for row in seen if row["type"] == "update")
    assert (change["added"], change["removed"]) == (["web2"], ["web1"])
    assert [row["signal"] for row in seen if row["type"] == "request"] == ["HUP"]
    end = next(row for row in seen if row["type"] == "exited")
    assert (end["service"], end["by"]) == ("web1", "update")
    eventually(lambda: "web1" not in init.status(), "web1 is gone")
    crowds = {"drop", "orphans", "trigger"}
    eventually(lambda: crowds <= {row["type"] for row in rows(init)}, "what comes in crowds")
    (drop,) = rows(init, type="drop")
    assert (drop["what"], drop["count"], drop["total"]) == ("bytes of output", 5, 5)
    assert rows(init, type="trigger", names=["beat"])[0]["by"] == "schedule"
    assert rows(init, names=["web1"], type="exited") == [end]
    assert "web1 is no more" in init.ctl("history", "web1").stdout
    init.signal(15)
    tail = [json.loads(line) for line in follower.stdout]
    assert "TERM" in [row["signal"] for row in tail if row["type"] == "request"]
    assert "phase" not in {row["type"] for row in tail}, "that is about init, not about web"
    assert (tail[-1]["service"], tail[-1]["new"]) == ("web2", "stopped")
    init.wait()


def test_length_of_a_run_is_told_when_the_next_begins_at_once(tmp_path: pathlib.Path) -> None:
    """The restart happens with the end: it is not the new run that has ended."""
    config = """
        [services.web]
        command = "sleep 0.5"
        min_uptime = 0
        kill_mode = "process"
        restart = "always"
        restart_reset = 0.1
    """
    with live(tmp_path, config) as init:
        init.wait_for("web", "running", run=2)
        (first,) = _deaths(init)["web"]
        assert first["seconds"] >= 0.4
