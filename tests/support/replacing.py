"""For tests of an init whose program is replaced."""

from __future__ import annotations

import contextlib
import shutil
from typing import TYPE_CHECKING, Any

from tests.support.live import ROOT, eventually

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator

    from tests.support.live import Live

# Runs in every Python below: one that takes the place of an init waits until it is let go.
_HOLD = """
import os, time
if "NSINIT_REEXEC" in os.environ:
    here = os.path.dirname(__file__)
    open(here + "/there", "w").close()
    while not os.path.exists(here + "/go"):
        time.sleep(0.01)
"""


def replace(init: Live) -> dict[str, Any]:
    """Replace its program; what the new one says."""
    told: dict[str, Any] = init.client.reexec()
    return told


class Hold:
    """Keeps the new program from beginning, so that something can happen meanwhile."""

    def __init__(self, directory: pathlib.Path) -> None:
        self._directory = directory
        self.path = f"{directory}:{ROOT}"

    def wait(self) -> None:
        """Until the old program is no more."""
        eventually((self._directory / "there").exists, "the exec")

    def release(self) -> None:
        """Let it begin."""
        (self._directory / "go").touch()


@contextlib.contextmanager
def held(directory: pathlib.Path) -> Iterator[Hold]:
    """A directory for PYTHONPATH in which the new program waits."""
    made = directory / "hold"
    made.mkdir()
    (made / "sitecustomize.py").write_text(_HOLD)
    hold = Hold(made)
    try:
        yield hold
    finally:
        hold.release()


def copy_of_nsinit(directory: pathlib.Path) -> pathlib.Path:
    """A directory for PYTHONPATH with an nsinit of its own, which a test may spoil."""
    made = directory / "copy"
    shutil.copytree(ROOT / "nsinit", made / "nsinit", ignore=shutil.ignore_patterns("__pycache__"))
    return made
