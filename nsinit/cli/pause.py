"""`nsinit pause NAME`: freeze sandboxes, each with its init."""

from __future__ import annotations

from typing import Final

from nsinit.errors import EXIT_OK
from nsinit.sandbox.pausing import pause
from nsinit.sandbox.state import find

TIMEOUT: Final = 5.0  # s


def run(*, names: list[str], timeout: float | None) -> int:
    """Freeze them one after the other; the exit code."""
    found = [find(name) for name in dict.fromkeys(names)]
    for one in found:
        pause(one.record, TIMEOUT if timeout is None else timeout)
    return EXIT_OK
