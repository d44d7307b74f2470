"""That the tools of these tests work."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.boxes import Box

CONFIG = """
[sandbox]
hostname = "con_tainer"
[services.a]
command = ["sh", "-c", "echo name $(hostname); exec sleep 1000"]
"""


def test_box_is_seen_when_it_runs(box: Callable[..., Box]) -> None:
    """From inside by its words, from outside by its namespaces; then it ends with code 0."""
    made = box(CONFIG).start()
    assert made.wait_for_line("name").split()[-1] == "con_tainer"
    assert made.namespace("uts") != os.readlink("/proc/self/ns/uts")
    assert made.stop() == 0


def test_box_tells_how_it_ended_when_run_to_its_end(box: Callable[..., Box]) -> None:
    """Its output and its code."""
    done = box(
        "[sandbox]\n[services.a]\nmain = true\ncommand = \"sh -c 'echo out; exit 3'\"\n"
    ).run()
    assert done.returncode == 3
    assert "out" in done.stdout
