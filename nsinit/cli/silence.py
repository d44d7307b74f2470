"""Why an init gives no answer, as far as that can be seen from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nsinit.sandbox.pausing import is_paused
from nsinit.sandbox.state import running

if TYPE_CHECKING:
    from nsinit.errors import TimedOutError


def why_silent(error: TimedOutError) -> str:
    """The hint when the sandbox of that init is paused, else ""."""
    for one in running():
        path = one.record.control
        if path and error.message.endswith(f" {path}") and is_paused(one.record):
            return f"it is paused: nsinit unpause {one.record.name}"
    return ""
