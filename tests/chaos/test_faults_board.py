"""Faults that begin and end while init runs."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.support.boards import faulty
from tests.support.live import eventually

if TYPE_CHECKING:
    import pathlib

CONFIG = """
[services.a]
command = "sleep 1000"
min_uptime = 0
restart_delay = 0.05
restart_limit = "unlimited"
[services.b]
command = "sleep 1000"
min_uptime = 0
"""
TOLD = {
    "EAGAIN": "cannot fork for /",
    "MemoryError": "MemoryError('injected')",
    "RuntimeError": "RuntimeError('injected')",
}


@pytest.mark.parametrize("word", TOLD)
def test_service_comes_back_when_a_fault_ends(tmp_path: pathlib.Path, word: str) -> None:
    """It is retried while nothing can be spawned, the other is untouched, and the user is told."""
    with faulty(tmp_path, CONFIG) as (init, board):
        a, b = init.wait_for("a", "running"), init.wait_for("b", "running")
        board.write(f"fork:{word}")
        os.kill(a["pid"], signal.SIGKILL)
        eventually(lambda: board.failures("fork") > 1, "it is tried again")
        init.wait_for("a", "backoff")
        board.write("")
        init.wait_for("a", "running")
        assert init.status()["b"]["pid"] == b["pid"]
        assert TOLD[word] in init.said()
        init.signal(signal.SIGTERM)
        assert init.wait() == 0
