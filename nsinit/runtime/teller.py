"""Tells people what happens to services: one line in nsinit's own log for what matters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nsinit.core.state import State
from nsinit.units import format_duration, format_signal

if TYPE_CHECKING:
    from nsinit.core.view import ServiceView
    from nsinit.runtime.events import EventLog, Happening, History


_ENDINGS: Final = {
    "dependency": "it needs another",
    "exec": "could not be started",
    "timeout": "took too long",
    "watchdog": "did not do its work",
    "oom": "was killed by the kernel for its memory",
}


class Teller:
    """Listens to the history, and puts it into words."""

    def __init__(self, say: EventLog, history: History) -> None:
        self._say = say
        history.listeners.append(self._tell)

    def _tell(self, happening: Happening) -> None:
        s = happening.service
        why = f": {s.reason}" if s.reason else ""
        match s.state:
            case _ if happening.old == s.state:  # only its health has changed
                level = self._say.warning if s.health == "unhealthy" else self._say.info
                level(f"{s.name} is {s.reason}")
            case State.RUNNING:
                whose = f"pid {s.pid}" if s.pid else "a process per connection"
                self._say.info(f"{s.name} is running ({whose})")
            case State.BACKOFF:
                wait = format_duration(round((s.next_retry_at or s.since_at) - s.since_at, 1))
                self._say.warning(f"{s.name} {ending(s)}{why}; the next try is in {wait}")
            case State.FAILED:
                self._say.error(f"{s.name} has failed, {ending(s)}{why}")
            case State.EXITED:
                self._say.info(f"{s.name} {ending(s)}")
            case State.STOPPED:
                self._say.info(f"{s.name} is stopped, {ending(s)}{why}")
            case State.WAITING if happening.old == State.STOPPING and s.awaits_trigger:
                level = self._say.info if s.result in ("", "success") else self._say.warning
                level(f"{s.name} {ending(s)}{why}; it waits for the next time")
            case State.WAITING if happening.old == State.STOPPING:
                self._say.info(f"{s.name} {ending(s)}; it starts again")
            case _:
                self._say.debug(f"{s.name} is {s.state}{why}")


def ending(s: ServiceView) -> str:
    """How the last run ended, in words."""
    if s.result in _ENDINGS:
        return _ENDINGS[s.result]
    if s.exit_signal is not None:
        return f"was killed by {format_signal(s.exit_signal)}"
    if s.exit_code is not None:
        return f"ended with code {s.exit_code}"
    return "never ran"
