"""What is told on a terminal while init works, and that nothing is told elsewhere."""

from __future__ import annotations

import pathlib
import tempfile
from typing import TYPE_CHECKING

import pytest

from nsinit.cli.ctl import WAITS
from nsinit.cli.progress import VERBS
from tests.support.live import NSINIT, Live
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


def _screen(init: Live, *words: str) -> Screen:
    env = {"NSINIT_SOCKET": str(init.socket), "COLUMNS": "80"}
    return Screen(["env", "TERM=xterm", *NSINIT, "ctl", *words], init.directory, **env)


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
