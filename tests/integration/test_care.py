"""Reload, reset, pin and wait on real services."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from nsinit.errors import ControlError, TimedOutError
from tests.support.live import eventually, toml

if TYPE_CHECKING:
    from tests.integration.conftest import Start
    from tests.support.live import Live, Way

CONFIG = """
[init]
keep_running = true
loop = "{loop}"
[services.command]
command = "sleep 1000"
min_uptime = 0
reload_command = ["sh", "-c", "sleep 0.3; echo reloaded; test ! -e $HERE/bad || exit 3"]
[services.signal]
command = ["sh", "-c", "trap 'echo read again' HUP; echo ready; while :; do sleep 0.05; done"]
min_uptime = 0
reload_signal = "HUP"
[services.notify]
type = "notify"
command = ["python3", "-c", '''
import os, signal, socket, time
def say(text):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.sendto(text, os.environ["NOTIFY_SOCKET"])
say(b"READY=1\\nSTATUS=serving")
time.sleep(1000)
''']
[services.silent]
type = "notify-reload"
reload_signal = "CONT"
start_timeout = 5
command = ["python3", "-c", '''
import os, socket, time
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
    s.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
time.sleep(1000)
''']
[services.missing]
command = "sleep 1000"
min_uptime = 0
reload_command = "no-such-command"
[services.plain]
command = "sleep 1000"
min_uptime = 0
[services.off]
autostart = false
command = "sleep 1000"
min_uptime = 0
reload_signal = "HUP"
[services.crash]
command = "sh -c 'exit 3'"
restart_delay = 60
[services.broken]
type = "oneshot"
command = "sh -c 'exit 3'"
"""


@pytest.fixture
def init(start: Start, way: Way) -> Live:
    """An init with services of every kind, on one loop or the other."""
    loop = "asyncio" if way == "subreaper" else "uvloop"
    made = start(CONFIG.format(loop=loop))
    for name in ("command", "signal", "notify", "silent", "missing", "plain"):
        made.wait_for(name, "running")
    made.wait_for("crash", "backoff")
    made.wait_for("broken", "failed")
    return made


def _told(init: Live, verb: str, *names: str, **params: Any) -> dict[str, tuple[bool, str]]:
    rows = getattr(init.client, verb)(names=list(names), **params)["results"]
    return {row["name"]: (row["ok"], row["reason"]) for row in rows}


def _lines(init: Live, name: str) -> list[str]:
    return [row["line"] for row in init.client.logs(names=[name])]


# --- reload ---------------------------------------------------------------------------------------


def test_reload_is_waited_for_when_a_command_does_it(init: Live) -> None:
    """Its end is the end of the verb; the service goes on as it was."""
    before = init.status()["command"]
    assert _told(init, "reload", "command") == {"command": (True, "reloaded")}
    assert _lines(init, "command") == ["reloaded"]
    assert init.status()["command"]["pid"] == before["pid"]
    with pytest.raises(TimedOutError):
        init.client.reload(names=["command"], timeout=0.05)
    assert init.status()["command"]["reloading"]
    eventually(lambda: not init.status()["command"]["reloading"], "the end of it")
    assert _told(init, "reload", "command", no_wait=True)["command"][0]


def test_reload_fails_when_its_command_does(init: Live) -> None:
    """With the reason, also if there is no such command; the service goes on."""
    (init.directory / "bad").touch()
    assert _told(init, "reload", "command") == {
        "command": (False, "reload_command failed with code 3")
    }
    ((ok, reason),) = _told(init, "reload", "missing").values()
    assert not ok
    assert "no-such-command" in reason
    assert init.ctl("reload", "missing", check=False).returncode == 1
    assert init.status()["missing"]["state"] == "running"


def test_reload_is_a_signal_when_there_is_one(init: Live) -> None:
    """It is sent, and that is all that can be known."""
    eventually(lambda: "ready" in _lines(init, "signal"), "its trap")
    assert init.ctl("reload", "signal").stdout == "signal running\n"
    eventually(lambda: "read again" in _lines(init, "signal"), "the signal")


# At HUP it tells of a reload that began long ago; when it may, of one that began now.
TELLER = """
import os, pathlib, signal, socket, time
def say(text):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.sendto(text.encode(), os.environ["NOTIFY_SOCKET"])
def again(*_):
    say("RELOADING=1\\nMONOTONIC_USEC=1")
    say("READY=1\\nSTATUS=old")
    while not pathlib.Path("go").exists(): time.sleep(0.02)
    say(f"RELOADING=1\\nMONOTONIC_USEC={time.monotonic_ns() // 1000}\\nSTATUS=new")
    say("READY=1")
signal.signal(signal.SIGHUP, again)
say("READY=1")
while True: time.sleep(1000)
"""


@pytest.mark.parametrize("way", ["pid1", "subreaper"], indirect=True)
def test_reload_is_waited_for_when_the_service_tells_of_it(start: Start, loop: str) -> None:
    """READY=1 after a RELOADING=1 of an earlier reload does not end it; or its time ends it."""
    init = start(
        f"""
        [init]
        loop = "{loop}"
        [services.a]
        type = "notify-reload"
        start_timeout = 20
        working_dir = "${{HERE}}"
        command = {toml(["python3", "-c", TELLER])}
        """
    )
    before = init.wait_for("a", "running")
    told: dict[str, tuple[bool, str]] = {}
    waiter = threading.Thread(target=lambda: told.update(_told(init, "reload", "a")))
    waiter.start()
    try:
        init.wait_for("a", "running", message="old", reloading=True)
        assert told == {}
        assert "it reads its configuration again" in init.ctl("why", "a").stdout
    finally:
        (init.directory / "go").touch()
        waiter.join(20)
    assert told == {"a": (True, "reloaded")}
    init.wait_for("a", "running", message="new", reloading=False, pid=before["pid"])


def test_reload_fails_when_the_service_does_not_tell_of_it(init: Live) -> None:
    """Its time is over; it runs on, and the reason is told."""
    assert _told(init, "reload", "silent") == {"silent": (False, "reload took too long")}
    assert "silent: reload took too long" in init.said()
    assert init.status()["silent"]["state"] == "running"


@pytest.mark.parametrize(
    ("name", "said"),
    [("plain", "neither reload_command nor reload_signal"), ("off", "it is stopped")],
)
def test_reload_is_refused_when_it_cannot_be(init: Live, name: str, said: str) -> None:
    """Nothing happens to the others either."""
    with pytest.raises(ControlError, match=said):
        init.client.reload(names=["command", name])
    assert _lines(init, "command") == []


# --- reset ----------------------------------------------------------------------------------------


def test_failures_are_forgotten_when_reset(init: Live) -> None:
    """Failed is stopped, and can be waited for again; a backoff is over at once."""
    assert init.ctl("reset", "broken").stdout == "broken stopped\n"
    assert init.status()["broken"]["exit_code"] is None
    run = init.status()["crash"]["run"]
    init.ctl("reset", "crash")
    again = init.wait_for("crash", "backoff", run=run + 1)
    assert again["restarts"] == 1


# --- pin ------------------------------------------------------------------------------------------


def test_service_stays_as_it_is_when_pinned(init: Live) -> None:
    """Up or down; start, stop and restart are refused with the reason, for all that is named."""
    assert init.ctl("pin", "plain").stdout == "plain running, pinned up\n"
    assert init.ctl("pin", "off").stdout == "off stopped, pinned down\n"
    before = init.status()
    for verb, name in (("stop", "plain"), ("restart", "plain"), ("start", "off"), ("stop", "*")):
        done = init.ctl(verb, name, check=False)
        assert done.returncode == 1
        assert f"cannot {verb} what is pinned: " in done.stderr
        assert "hint: nsinit ctl unpin " in done.stderr
    after = init.status()
    assert {n: (s["state"], s["pid"]) for n, s in after.items() if n in ("plain", "off")} == {
        n: (s["state"], s["pid"]) for n, s in before.items() if n in ("plain", "off")
    }
    assert after["command"]["state"] == "running"
    assert "pinned" in init.ctl("status", "plain").stdout
    assert init.ctl("unpin", "*").stdout.count("not pinned") == len(after)
    init.ctl("stop", "plain")
    init.ctl("start", "off")


def test_shutdown_is_not_refused_when_something_is_pinned(init: Live) -> None:
    """Init ends all the same, in time."""
    init.ctl("pin", "plain")
    init.ctl("shutdown")
    assert init.wait() == 0


# --- wait -----------------------------------------------------------------------------------------


def test_wait_ends_when_the_state_comes(init: Live) -> None:
    """As it comes, not when somebody looks; several waits at a time."""
    got: list[Any] = []

    def wait(state: str) -> None:
        got.append(init.client.wait(names=["off"], state=state)["results"][0]["state"])

    waits = [threading.Thread(target=wait, args=(state,)) for state in ("ready", "running")]
    for one in waits:
        one.start()
    init.client.start(names=["off"])
    for one in waits:
        one.join(20)
    assert got == ["running", "running"]


def test_message_is_shown_when_a_service_says_something(init: Live) -> None:
    """STATUS of sd_notify, where the operator looks first."""
    eventually(lambda: init.status()["notify"]["message"], "its message")
    assert '"serving"' in init.ctl("status", "notify").stdout
    assert "it says: serving" in init.ctl("why", "notify").stdout
