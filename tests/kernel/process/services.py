"""Processes of services as init sees them, in a child that adopts what is orphaned."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

from nsinit.kernel import libc, proc, seam
from nsinit.process.strays import Strays
from tests.kernel.conftest import in_child
from tests.kernel.process.conftest import kill
from tests.support.live import eventually

if TYPE_CHECKING:
    from collections.abc import Callable


def alone(work: Callable[[Strays], Any], marker: str | None = None) -> Any:
    """Done in a child that adopts what is orphaned; whatever is left ends with it."""

    def begin() -> Any:
        libc.become_subreaper()
        try:
            return work(Strays(marker))
        finally:
            seam.inject(None)
            for pid in proc.descendants():
                os.kill(pid, signal.SIGKILL)

    return in_child(begin)


def run(script: str, strays: Strays | None = None, service: str = "web", **env: str) -> int:
    """A main process of a service, in a session of its own; a shell that has run the script.

    It has then become `sleep`, as each of its children is.
    """
    pid = os.posix_spawn(
        "/bin/sh",
        ["sh", "-c", f"{script}\nexec sleep 60"],
        os.environ | env,
        setsid=True,
    )
    if strays is not None:
        strays.began(pid, service)
    return pid


def settled(count: int) -> list[int]:
    """Wait until there are so many processes below, all `sleep`; their pids."""

    def there() -> list[int] | None:
        found = proc.descendants()
        seen = [proc.usage(pid) for pid in found]
        names = [one.name for one in seen if one is not None]
        return found if names == ["sleep"] * count else None

    made: list[int] = eventually(there, f"{count} processes")
    return made


def state(pid: int) -> str:
    """That of a process; "" if it is gone."""
    found = proc.stat(pid)
    return "" if found is None else found.state


def orphans(strays: Strays, pid: int) -> list[int]:
    """Kill and reap a main process; what it leaves."""
    kill(pid)
    assert strays.ended(pid) == "web"
    strays.refresh()
    return sorted(proc.children() or ())
