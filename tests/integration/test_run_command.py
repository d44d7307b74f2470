"""The command of `nsinit run -- COMMAND` as the main service of a container."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.support.live import Live, children, eventually, status_field

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator

CONFIG = """
[services.side]
command = "sleep 1000"
min_uptime = 0
[services.main]
depends_on = ["side"]
"""
SCRIPT = 'trap "echo asked; exit 5" TERM; echo up; while :; do sleep 0.05; done'


@pytest.fixture(params=["pid1", "subreaper"])
def init(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Iterator[Live]:
    """An init whose ENTRYPOINT is `nsinit run FILE` and whose CMD is a shell."""
    made = Live(tmp_path, CONFIG, request.param)
    made.words = ["--", "sh", "-c", SCRIPT]
    try:
        yield made.start()
    finally:
        made.close()


def test_main_has_the_last_word_when_the_container_is_stopped(init: Live) -> None:
    """`docker stop`: TERM reaches main, which ends with its own code, and that is init's."""
    main = init.wait_for("main", "running")
    assert main["main"]
    order = [e["service"] for e in init.events() if e["new"] == "running"]
    assert order == ["side", "main"]
    eventually(lambda: "main   | up" in init.said(), "main runs")
    init.signal(signal.SIGTERM)
    assert init.wait() == 5
    assert "main   | asked" in init.said()


def test_everything_ends_when_main_does(init: Live) -> None:
    """A main service is not restarted: its code is that of the container."""
    pid = init.outer_pid(init.wait_for("main", "running")["pid"])
    side = init.outer_pid(init.wait_for("side", "running")["pid"])
    assert status_field(side, "PPid") == str(init.pid)
    assert pid in children(init.pid)
    os.kill(pid, signal.SIGKILL)
    assert init.wait() == 128 + signal.SIGKILL
