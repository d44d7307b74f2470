"""The command line as a user types it."""

from __future__ import annotations

import contextlib
import pathlib
import subprocess
import tempfile
from typing import TYPE_CHECKING, Protocol

import pytest

from tests.support.live import NSINIT, Live, environment

if TYPE_CHECKING:
    from collections.abc import Iterator

Done = subprocess.CompletedProcess[str]


class Type(Protocol):
    """Types a command: `nsinit` and the words."""

    def __call__(self, *words: str, **env: str) -> Done: ...


@pytest.fixture
def typed(tmp_path: pathlib.Path) -> Type:
    """A shell in an empty directory."""

    def run(*words: str, **env: str) -> Done:
        return subprocess.run(
            [*NSINIT, *words],
            cwd=tmp_path,
            env=environment(NSINIT_RUN_DIR=str(tmp_path), **env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


SERVICES = """
[init]
keep_running = true
[services.web]
description = "answers"
command = "sleep 1000"
min_uptime = 0
tags = ["front"]
[services.worker]
command = "sleep 1000"
min_uptime = 0
depends_on = ["web"]
tags = ["back"]
[services.migrate]
type = "oneshot"
command = ["sh", "-c", "echo 'tables \\u2713'; echo done"]
[services.broken]
type = "oneshot"
command = "sh -c 'exit 3'"
[services.manual]
autostart = false
command = "sleep 1000"
min_uptime = 0
"""


@contextlib.contextmanager
def _at_rest() -> Iterator[Live]:
    with tempfile.TemporaryDirectory(prefix="nsinit-test-") as directory:
        made = Live(pathlib.Path(directory), SERVICES, "subreaper")
        try:
            made.start()
            made.wait_for("worker", "running")
            made.wait_for("migrate", "exited")
            made.wait_for("broken", "failed")
            yield made
        finally:
            made.close()


@pytest.fixture(scope="module")
def init() -> Iterator[Live]:
    """An init with five services that have come to rest; the tests of a module share it."""
    with _at_rest() as made:
        yield made


@pytest.fixture
def fresh() -> Iterator[Live]:
    """The same, for one test alone."""
    with _at_rest() as made:
        yield made
