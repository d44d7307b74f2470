"""A library that is missing or broken is a feature less; init boots all the same."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.support.live import ROOT, Live, eventually, is_alive

if TYPE_CHECKING:
    import pathlib

pytestmark = pytest.mark.every_loop

CONFIG = """
[services.a]
command = ["sh", "-c", "echo here; exec sleep 1000"]
min_uptime = 0
restart_delay = 0.05
"""


@pytest.mark.parametrize("missing", ["uvloop", "structlog", "h11", "asyncio"])
def test_services_run_when_library_cannot_be_imported(tmp_path: pathlib.Path, missing: str) -> None:
    """Services start, come back when killed, and stop in order; the loss is told."""
    stub = tmp_path / "stubs" / f"{missing}.py"
    stub.parent.mkdir()
    stub.write_text(f"raise ImportError('no {missing} here')\n")
    form, line = ("json", '"here"') if missing == "structlog" else ("text", "| here")
    init = Live(tmp_path, f'[init.log]\nformat = "{form}"\n{CONFIG}', "subreaper")
    init.env["PYTHONPATH"] = f"{stub.parent}:{ROOT}"
    try:
        init.start()
        eventually(lambda: init.said().count(line) == 1, "the service runs")
        eventually(lambda: f"no {missing} here" in init.said(), "the loss is told")
        pid = int(init.said().split("a is running (pid ")[1].split(")")[0])
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: init.said().count(line) == 2, "the service is back")
        if missing in ("uvloop", "structlog"):
            assert init.wait_for("a", "running")["run"] == 2
        init.signal(signal.SIGTERM)
        assert init.wait() == 0
        assert not is_alive(pid)
    finally:
        init.close()
