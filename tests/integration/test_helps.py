"""What is printed by programs that are no init."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.support.live import NSINIT, environment


@pytest.mark.parametrize(
    "words",
    ["--help", "--version", "run --help", "completion bash", "check --help",
     "run --dry-run --hostname x -- true"],
)  # fmt: skip
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_it_is_no_error_when_nobody_reads_on(words: str, unbuffered: str) -> None:
    """As with `| head`: no traceback, and the code of success."""
    reads, writes = os.pipe()
    os.close(reads)
    try:
        done = subprocess.run(
            [*NSINIT, *words.split()],
            env=environment(PYTHONUNBUFFERED=unbuffered),
            stdout=writes,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(writes)
    assert (done.returncode, done.stderr) == (0, "")
