"""The event loop: uvloop where it is installed, else that of asyncio."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nsinit import slim

if TYPE_CHECKING:
    import asyncio

    from nsinit.runtime.events import EventLog


def make_loop(choice: str, say: EventLog) -> asyncio.AbstractEventLoop:
    """A new loop; without uvloop a word is said, and asyncio does."""
    slim.load_asyncio()
    import asyncio  # noqa: PLC0415  (not before that)

    if choice != "asyncio":
        try:
            slim.load_uvloop()
            import uvloop  # noqa: PLC0415  (it may be missing, or not wanted)
        except ImportError as error:
            level = say.warning if choice == "uvloop" else say.info
            level(f"uvloop is not used: {error}")
        else:
            made: asyncio.AbstractEventLoop = uvloop.new_event_loop()
            return made
    return asyncio.new_event_loop()
