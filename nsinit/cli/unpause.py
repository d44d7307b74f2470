"""`nsinit unpause NAME`: let paused sandboxes go on."""

from __future__ import annotations

from nsinit.errors import EXIT_OK
from nsinit.sandbox.pausing import unpause
from nsinit.sandbox.state import find


def run(*, names: list[str]) -> int:
    """Thaw them; the exit code."""
    for one in [find(name) for name in dict.fromkeys(names)]:
        unpause(one.record)
    return EXIT_OK
