"""What services say by sd_notify(3): who may say it, and what it means to the core.

Only a process of the service itself is listened to. One that is gone already can't be asked whose
it was; it is believed when it had the service's uid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from msgspec import structs

from nsinit.core import messages as m
from nsinit.kernel import proc

if TYPE_CHECKING:
    from collections.abc import Callable

    from nsinit.core.supervisor import Supervisor
    from nsinit.runtime.events import EventLog
    from nsinit.runtime.notify import Message
    from nsinit.runtime.runs import Runs

STATUS_MAX: Final = 256  # characters
_SPAN_MAX: Final = 10 * 365 * 86_400.0  # s; an instant beyond it is as good as never
_ERRNO_MAX: Final = 4095  # MAX_ERRNO of the kernel
_PID_MAX: Final = 1 << 22  # PID_MAX_LIMIT of the kernel
_USEC: Final = 1_000_000
_WARNED_MAX: Final = 1000


class Hearing:
    """Listens to all services."""

    def __init__(
        self, core: Supervisor, runs: Runs, say: EventLog, post: Callable[[m.Event], object]
    ) -> None:
        # Keeps descriptors (FDSTORE=1) or gives them up (FDSTOREREMOVE=1), and tells whether it
        # has kept those of this message.
        self.store: Callable[[Message], bool] = lambda _: False
        self._core = core
        self._runs = runs
        self._say = say
        self._post = post
        self._warned: set[tuple[str, int, str]] = set()

    def heard(self, message: Message) -> bool:
        """A datagram came; whether its descriptors are kept."""
        if refusal := self._refusal(message):
            self._warn(message, f"ignored a notification from {refusal}")
            return False
        event = self._with_main(message, understand(message.service, message.run, message.fields))
        state = self._core.state.services[message.service]
        if event.ready and not event.main_pid and self._runs.has_ended(state.pid):
            event = structs.replace(event, ready=False)  # nothing is ready by its last words
        if event != m.Notified(message.service, message.run):
            self._post(event)
        fields = message.fields
        if "1" in (fields.get("FDSTORE"), fields.get("FDSTOREREMOVE")):
            return self.store(message)
        return False

    def _refusal(self, message: Message) -> str:
        """Who sent it, if nobody who may."""
        pid = message.pid
        if pid <= 0:
            return "another pid namespace"
        owner = self._owner(pid)
        if owner == message.service:
            return ""
        if owner is not None:
            return f"{owner} (pid {pid})"
        if proc.stat(pid) is not None:
            return f"pid {pid}, which is no process of it"
        return "" if message.own_user else f"pid {pid}, which had another user and is gone"

    def _with_main(self, message: Message, event: m.Notified) -> m.Notified:
        """With a MAINPID only where that is news, and one of the service's own processes."""
        state, pid = self._core.state.services[message.service], event.main_pid
        if not pid:
            return event
        known = state.run == message.run and (state.pid or state.stage == "daemon")
        if not known or pid == state.pid:
            return structs.replace(event, main_pid=0)
        if self._owner(pid) != message.service:
            self._warn(message, f"ignored MAINPID={pid}, which is no process of it")
            return structs.replace(event, main_pid=0)
        self._runs.adopt_main(message.service, message.run, pid)
        return event

    def _owner(self, pid: int) -> str | None:
        """Whose a process is; one that is younger than the last look is looked for again."""
        owner = self._runs.owner(pid)
        if owner is None:
            self._runs.refresh()
            owner = self._runs.owner(pid)
        return owner

    def _warn(self, message: Message, text: str) -> None:
        """Once for each sender, so that nobody can flood the log."""
        key = (message.service, message.run, text)
        if key not in self._warned and len(self._warned) < _WARNED_MAX:
            self._warned.add(key)
            self._say.warning(f"{message.service}: {text}")


def understand(service: str, run: int, fields: dict[str, str]) -> m.Notified:
    """The fields of a datagram that mean something to the core; the rest is passed over."""
    watchdog: Literal["", "1", "trigger"] = ""
    if fields.get("WATCHDOG") == "1":
        watchdog = "1"
    elif fields.get("WATCHDOG") == "trigger":
        watchdog = "trigger"
    main_pid = _number(fields, "MAINPID", _PID_MAX) or 0
    reloading = fields.get("RELOADING") == "1"
    return m.Notified(
        service,
        run,
        ready=fields.get("READY") == "1",
        status=_printable(fields["STATUS"]) if "STATUS" in fields else None,
        stopping=fields.get("STOPPING") == "1",
        reloading=reloading,
        reloading_at=_instant(fields, "MONOTONIC_USEC") if reloading else None,
        errno=_number(fields, "ERRNO", _ERRNO_MAX) or 0,
        extend=_span(fields, "EXTEND_TIMEOUT_USEC"),
        watchdog=watchdog,
        watchdog_span=_span(fields, "WATCHDOG_USEC"),
        main_pid=main_pid if main_pid > 1 else 0,
    )


def _number(fields: dict[str, str], name: str, most: int) -> int | None:
    text = fields.get(name, "").strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 20):
        return None
    return int(text) if int(text) <= most else None


def _span(fields: dict[str, str], name: str) -> float | None:
    number = _number(fields, name, 1 << 64)
    return None if number is None else min(number / _USEC, _SPAN_MAX)


def _instant(fields: dict[str, str], name: str) -> float | None:
    number = _number(fields, name, 1 << 64)
    return None if number is None else number / _USEC


def _printable(text: str) -> str:
    cut = text[:STATUS_MAX].strip()
    return "".join(char if char.isprintable() else "?" for char in cut)
