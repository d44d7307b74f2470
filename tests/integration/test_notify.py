"""Services that speak of themselves by sd_notify(3)."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.integration.test_readiness import order, python
from tests.support.live import eventually, have, is_alive, toml

if TYPE_CHECKING:
    from tests.integration.conftest import Start

pytestmark = pytest.mark.every_way

TELL = """
import os, pathlib, socket, sys, time
def tell(text, path=os.environ.get("NOTIFY_SOCKET")):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.sendto(text.encode(), path)
def wait_for(name):
    while not pathlib.Path(name).exists(): time.sleep(0.02)
"""


def test_service_says_what_it_does_when_asked_for_status(start: Start, loop: str) -> None:
    """STATUS with bytes that no terminal should get, ERRNO, and what means nothing."""
    program = r"""
tell("X_FOO=1\n=\n\nREADY=1\nSTATUS=busy \x1b[31m with 3")
wait_for("go")
tell("ERRNO=2")
time.sleep(1000)
"""
    init = start(
        f"""
        [init]
        loop = "{loop}"
        [services.a]
        type = "notify"
        working_dir = "${{HERE}}"
        command = {python(TELL + program)}
        """
    )
    assert init.wait_for("a", "running")["message"] == "busy ?[31m with 3"
    (init.directory / "go").touch()
    init.wait_for("a", "running", message="busy ?[31m with 3 (errno 2)")


def test_systemd_notify_is_heard_when_a_script_uses_it(start: Start, loop: str) -> None:
    """The tool of systemd, whose process is gone soon, and which waits for its barrier."""
    if not have("systemd-notify"):
        pytest.skip("needs systemd-notify")
    script = "systemd-notify --ready --pid --status=up && touch through && exec sleep 1000"
    init = start(
        f"""
        [init]
        loop = "{loop}"
        [services.a]
        type = "notify"
        working_dir = "${{HERE}}"
        command = {toml(["sh", "-c", script])}
        """
    )
    assert init.wait_for("a", "running")["message"] == "up"
    eventually((init.directory / "through").exists, "the barrier is lifted")


def test_run_goes_on_when_its_parent_names_another_main_process(start: Start, loop: str) -> None:
    """MAINPID: the parent ends at once; the run ends with the process that it named."""
    program = r"""
child = os.fork()
if child == 0:
    while True: time.sleep(1000)
tell(f"MAINPID={child}\nREADY=1")
os._exit(7)
"""
    init = start(
        f"""
        [init]
        loop = "{loop}"
        [services.a]
        type = "notify"
        command = {python(TELL + program)}
        restart_delay = 0.05
        """
    )
    a = init.wait_for("a", "running", restarts=0)
    pid = init.outer_pid(a["pid"])
    assert is_alive(pid)
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: init.status()["a"]["restarts"], "its end is the end of the run")
    init.wait_for("a", "running")
    exits = [e for e in init.events() if e["old"] == "running"]
    assert exits, "it had run"


def test_main_pid_is_refused_when_it_is_of_another_service(start: Start) -> None:
    """Nobody can make init kill another service's process in place of its own."""
    program = r"""
wait_for("victim")
time.sleep(0.05)
tell("MAINPID=" + pathlib.Path("victim").read_text() + "\nREADY=1")
time.sleep(1000)
"""
    init = start(
        f"""
        [services.victim]
        command = {
            python(
                "import os,pathlib,time;pathlib.Path('v').write_text(str(os.getpid()));"
                "os.rename('v','victim');time.sleep(1000)"
            )
        }
        working_dir = "${{HERE}}"
        min_uptime = 0
        [services.a]
        type = "notify"
        working_dir = "${{HERE}}"
        command = {python(TELL + program)}
        """
    )
    a, victim = init.wait_for("a", "running"), init.wait_for("victim", "running")
    assert a["pid"] != victim["pid"]
    init.ctl("stop", "a")
    assert init.wait_for("victim", "running")["pid"] == victim["pid"]
    eventually(lambda: "ignored MAINPID" in init.said(), "a word about it")


def test_service_can_not_speak_for_another_when_both_have_one_user(start: Start) -> None:
    """Its credentials tell; a stranger that lives is refused too."""
    liar = r"""
path = pathlib.Path("path")
while not path.exists(): time.sleep(0.02)
tell("READY=1\nSTATUS=a lie", path.read_text())
pathlib.Path("lied").touch()
time.sleep(1000)
"""
    quiet = r"""
pathlib.Path("p").write_text(os.environ["NOTIFY_SOCKET"])
os.rename("p", "path")
wait_for("go")
tell("READY=1")
time.sleep(1000)
"""
    init = start(
        f"""
        [services.a]
        type = "notify"
        working_dir = "${{HERE}}"
        command = {python(TELL + quiet)}
        [services.liar]
        working_dir = "${{HERE}}"
        command = {python(TELL + liar)}
        min_uptime = 0
        """
    )
    eventually((init.directory / "lied").exists, "the lie is told")
    eventually(lambda: "ignored a notification from liar" in init.said(), "a word about it")
    a = init.status()["a"]
    assert (a["state"], a["message"]) == ("starting", None)
    (init.directory / "go").touch()
    init.wait_for("a", "running")
    assert order(init)[-1] == "a"


def test_start_may_take_longer_when_the_service_asks(start: Start, loop: str) -> None:
    """EXTEND_TIMEOUT_USEC: beyond start_timeout, and failing in the end when nothing follows."""
    patient = r"""
for _ in range(15):
    tell("EXTEND_TIMEOUT_USEC=2000000")
    time.sleep(0.2)
tell("READY=1")
time.sleep(1000)
"""
    init = start(
        f"""
        [init]
        loop = "{loop}"
        [services.a]
        type = "notify"
        start_timeout = 2
        restart = "no"
        command = {python(TELL + patient)}
        [services.b]
        type = "notify"
        start_timeout = 2
        restart = "no"
        command = {python(TELL + "tell('EXTEND_TIMEOUT_USEC=2100000'); time.sleep(1000)")}
        """
    )
    init.wait_for("a", "running")
    assert init.wait_for("b", "failed")["result"] == "timeout"


@pytest.mark.parametrize("way_of_hanging", ["silence", "trigger"])
def test_service_is_aborted_when_its_watchdog_hears_nothing(
    start: Start, loop: str, way_of_hanging: str
) -> None:
    """ABRT, and the next run: after silence, or at once when the service says that it hangs."""
    last = 'tell("WATCHDOG=trigger")\n' if way_of_hanging == "trigger" else ""
    program = rf"""
assert os.environ["WATCHDOG_USEC"] == "1000000"
assert "WATCHDOG_PID" not in os.environ
tell("READY=1")
for _ in range(8):
    tell("WATCHDOG=1")
    time.sleep(0.2)
{last}
time.sleep(1000)
"""
    init = start(
        f"""
        [init]
        loop = "{loop}"
        [services.a]
        type = "notify"
        watchdog = 1
        restart_delay = 0.05
        command = {python(TELL + program)}
        """,
        WATCHDOG_PID="1",
        NOTIFY_SOCKET="/nowhere",
    )
    init.wait_for("a", "running")
    eventually(lambda: init.status()["a"]["restarts"], "the watchdog bites")
    over = next(e for e in init.events() if e["old"] == "stopping")
    assert (over["exit_signal"], over["result"]) == (signal.SIGABRT, "watchdog"), over


def test_watchdog_can_be_ended_when_the_service_asks(start: Start) -> None:
    """WATCHDOG_USEC=0 in a message, as before long work."""
    init = start(
        f"""
        [services.a]
        type = "notify"
        watchdog = 0.3
        working_dir = "${{HERE}}"
        command = {
            python(
                TELL
                + '''
tell("READY=1")
tell("WATCHDOG_USEC=0")
time.sleep(0.9)
pathlib.Path("outlived").touch()
time.sleep(1000)
'''
            )
        }
        """
    )
    eventually((init.directory / "outlived").exists, "its watchdog is off")
    assert init.status()["a"]["restarts"] == 0
