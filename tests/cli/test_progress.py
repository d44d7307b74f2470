"""What is told on a terminal while init works, and that nothing is told elsewhere."""

from __future__ import annotations

import os
import pathlib
import tempfile
from typing import TYPE_CHECKING

import pytest

from nsinit.cli.ctl import WAITS
from nsinit.cli.progress import VERBS
from tests.support.boxes import Box
from tests.support.live import NSINIT, Live, eventually, live
from tests.support.terminal import INTERRUPT, Screen

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """
[init]
keep_running = true
[services.slow]
shell = true
command = "trap '' TERM; while :; do sleep 0.05; done"
stop_timeout = "1s"
min_uptime = 0
[services.quick]
command = "sleep 1000"
min_uptime = 0
"""


BOX = """
[sandbox]
name = "shop"
[services.slow]
command = ["sh", "-c", "trap '' TERM; read x < gate; echo up; while :; do sleep 0.05; done"]
working_dir = "{here}"
ready = {{ log = "up" }}
stop_timeout = "2s"
[services.next]
command = "sleep 1000"
depends_on = ["slow"]
[services.later]
command = "true"
type = "oneshot"
schedule = {{ every = "1h" }}
"""


@pytest.fixture(scope="module")
def running() -> Iterator[Live]:
    """One service that takes long to stop, and one that does not."""
    with tempfile.TemporaryDirectory(prefix="nsinit-test-") as directory:
        made = Live(pathlib.Path(directory), CONFIG, "subreaper")
        try:
            made.start()
            made.wait_for("slow", "running")
            yield made
        finally:
            made.close()


@pytest.fixture
def init(running: Live) -> Live:
    """It, with both of them up."""
    running.ctl("start", "slow", "quick")
    return running


@pytest.fixture
def box(tmp_path: pathlib.Path) -> Iterator[Box]:
    """A place for a sandbox with a service that takes long both ways."""
    made = Box(tmp_path, BOX.format(here=tmp_path), os.geteuid())
    os.mkfifo(tmp_path / "gate")
    yield made
    made.run("kill", "shop")
    made.close()


def _screen(init: Live, *words: str) -> Screen:
    env = {"NSINIT_SOCKET": str(init.socket), "COLUMNS": "80"}
    return Screen(["env", "TERM=xterm", *NSINIT, "ctl", *words], init.directory, **env)


def _box_screen(box: Box, *words: str) -> Screen:
    env = {"NSINIT_RUN_DIR": box.env["NSINIT_RUN_DIR"], "COLUMNS": "90"}
    return Screen(["env", "TERM=xterm", *NSINIT, *words], box.directory, **env)


def test_line_tells_how_far_it_is_when_stopping_takes_long(init: Live) -> None:
    """From the events of init; it is gone when the answer is there."""
    with _screen(init, "stop", "slow", "quick") as screen:
        screen.wait_for(r"stopping 1 of 2: slow stopping \(\d s of 60 s\)")
        screen.wait_for(r"\r\x1b\[K(\S*slow|\S*quick)")
        screen.wait_for("stopped")


def test_line_says_that_init_goes_on_when_waiting_is_given_up(init: Live) -> None:
    """Ctrl-C ends the waiting, and not the work."""
    with _screen(init, "stop", "slow") as screen:
        screen.wait_for(r"stopping 0 of 1: slow stopping \(")
        screen.type(INTERRUPT)
        screen.wait_for("no longer waiting; init goes on stopping slow: nsinit ctl status")
    init.wait_for("slow", "stopped")


def test_nothing_is_told_when_nobody_sees_it(init: Live) -> None:
    """Without a terminal, with --quiet."""
    done = init.ctl("stop", "slow")
    assert done.stderr == ""
    assert "\r" not in done.stdout
    assert tuple(VERBS) == WAITS
    init.ctl("start", "slow")
    with _screen(init, "stop", "slow", "--quiet") as screen:
        assert screen.wait_for(r"^slow \S*stopped")


def test_line_tells_what_a_shutdown_waits_for_when_it_is_seen(tmp_path: pathlib.Path) -> None:
    """It ends with init; programs get their answer at once, as ever."""
    with live(tmp_path, CONFIG) as init:
        init.wait_for("slow", "running")
        with _screen(init, "shutdown") as screen:
            screen.wait_for(r"stopping 1 of 2: slow stopping \(\d s\)")
            screen.wait_for("init has ended")
        init.wait()
    assert not init.socket.exists()


def test_line_tells_what_is_not_ready_when_a_sandbox_is_left_in_the_background(box: Box) -> None:
    """And then what `nsinit stop` waits for; what goes on when nobody does; --quiet is that."""
    with _box_screen(box, "run", "--detach", str(box.config)) as screen:
        screen.wait_for(r"starting 1 of 3: slow starting, next waiting \(\d s\)")
        (box.directory / "gate").write_text("go\n")
        screen.wait_for(r"\r\x1b\[Kshop\r\n")
        assert screen.process.wait(20) == 0
    with _box_screen(box, "stop", "shop") as screen:
        screen.wait_for(r"stopping 2 of 3: slow stopping \(\d s of 30 s\)")
        screen.type(INTERRUPT)
        screen.wait_for(r"no longer waiting; shop goes on stopping slow: nsinit list")
    with _box_screen(box, "stop", "shop", "-q") as screen:
        assert screen.process.wait(20) in (0, 4)
        assert screen.seen == ""
    eventually(lambda: not os.listdir(box.directory / "run"), "the sandbox is gone")


def test_line_says_what_becomes_of_a_sandbox_when_its_start_is_interrupted(box: Box) -> None:
    """Whoever types ^C does not want it, and sees how it goes away."""
    with _box_screen(box, "run", "-d", str(box.config)) as screen:
        screen.wait_for("starting 1 of 3")
        screen.type(INTERRUPT)
        screen.wait_for("interrupted: the sandbox 'shop' is being stopped; once more: at once")
        assert screen.process.wait(20) == 130
    assert os.listdir(box.directory / "run") == []
