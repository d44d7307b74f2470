"""What nsinit itself has to say, and the record of what happened.

`EventLog` writes nsinit's own lines to stderr; until the first services run they wait, they are
few. `History` numbers every change for `nsinit ctl events`.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final, Literal

from nsinit.kernel import seam
from nsinit.named import Named
from nsinit.runtime.deaths import Deaths
from nsinit.runtime.telling import tell_each

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, MutableMapping

    from nsinit.core.view import ServiceView
    from nsinit.runtime.console import Console
    from nsinit.runtime.handover import HistoryState

    LastWords = Callable[[str, int, int, int], bytes]

LEVELS: Final = ("debug", "info", "warning", "error")
KEPT: Final = 2000
_EARLY: Final = 1000
_BOOT_TASKS: Final = 100  # hooks and probes of one start that are remembered
_AT: Final = "said_at"  # a field: the clock time of a line that had to wait

# What an event is about, and what its row tells beside what every row does; see docs/events.md.
EventType = Literal[
    "boot", "phase", "state", "started", "start-failed", "ready", "health", "probe", "hook",
    "reload", "pause", "exited", "request", "trigger", "watch", "update", "scale", "reexec",
    "orphans", "drop", "remark", "internal", "lost",
]  # fmt: skip
_CHANGES: Final = ("added", "removed", "restarted", "adjusted", "ignored")
FIELDS: Final[dict[EventType, tuple[str, ...]]] = {
    "boot": ("version",),
    "phase": ("hurry",),
    "state": (),
    "started": (),
    "start-failed": ("stage", "errno"),
    "ready": ("by",),
    "health": (),
    "probe": ("probe", "in_a_row"),
    "hook": ("hook", "ok"),
    "reload": (),
    "pause": (),
    "exited": (
        "by", "oom", "core_dumped", "seconds", "cpu_user", "cpu_system", "max_rss",
    ),
    "request": ("verb", "names", "by_uid", "by_pid", "signal"),
    "trigger": ("by",),
    "watch": ("action",),
    "update": _CHANGES,
    "scale": ("counts", *_CHANGES),
    "reexec": ("version", "before", "forced"),
    "orphans": ("count", "total"),
    "drop": ("what", "count", "total"),
    "remark": (),
    "internal": (),
    "lost": ("first", "last"),
}  # fmt: skip
TYPES: Final = tuple(FIELDS)


class EventLog:
    """nsinit's own lines, from a level on."""

    def __init__(self, console: Console, level: str) -> None:
        self._console = console
        self._least = LEVELS.index(level)
        self._early: deque[tuple[float, str, str, dict[str, Any]]] = deque(maxlen=_EARLY)
        self._logger: Any = None

    def debug(self, text: str, **fields: object) -> None:
        """For whoever looks for a fault."""
        self._say("debug", text, fields)

    def info(self, text: str, **fields: object) -> None:
        """What happens."""
        self._say("info", text, fields)

    def warning(self, text: str, **fields: object) -> None:
        """What somebody should know."""
        self._say("warning", text, fields)

    def error(self, text: str, **fields: object) -> None:
        """What somebody should mend."""
        self._say("error", text, fields)

    def _say(self, level: str, text: str, fields: dict[str, object]) -> None:
        if LEVELS.index(level) < self._least:
            return
        if self._logger is None:
            self._early.append((seam.wall(), level, text, fields))
        else:
            getattr(self._logger, level)(text, **fields)

    def load(self) -> None:
        """Write what has waited, and from now on what is said.

        Structured lines (JSON) go through structlog; without it they are written plainly, and this
        raises. Text needs none: that saves most containers 15 ms and 2 MB.
        """
        printer = _Printer(self._console)
        self._logger = _Plain(printer, self._render)
        try:
            if self._console.format == "json":
                self._logger = self._structured(printer)
        finally:
            self.settle()

    def _structured(self, printer: _Printer) -> Any:  # noqa: ANN401  (what structlog makes)
        import sys  # noqa: PLC0415

        sys.modules.setdefault("rich", None)  # type: ignore[arg-type]  # 70 ms and 7 MB for colours
        import structlog  # noqa: PLC0415  (after the first services run)

        return structlog.wrap_logger(
            printer,
            processors=[self._render],
            wrapper_class=structlog.BoundLogger,
            cache_logger_on_first_use=True,
        )

    def settle(self) -> None:
        """Write what has waited, if need be without structlog."""
        logger = self._logger or _Plain(_Printer(self._console), self._render)
        while self._early:
            at, level, text, fields = self._early.popleft()
            getattr(logger, level)(text, **{_AT: at}, **fields)

    def _render(self, _: object, level: str, event: MutableMapping[str, Any]) -> bytes:
        """A structlog processor: finished lines."""
        at = event.pop(_AT, None)
        text = event.pop("event")
        when = seam.wall() if at is None else at
        return self._console.own_at("stderr", when, level, text, dict(event))


class _Printer:
    """Takes finished lines from structlog."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def _print(self, lines: bytes) -> None:
        self._console.outlets["stderr"].write(lines)

    debug = info = warning = error = _print


class _Plain:
    """Stands in for structlog when there is none."""

    def __init__(self, printer: _Printer, render: Callable[..., bytes]) -> None:
        self._printer = printer
        self._render = render

    def __getattr__(self, level: str) -> Callable[..., None]:
        def say(text: str, **fields: object) -> None:
            self._printer.info(self._render(None, level, {"event": text, **fields}))

        return say


class Happening(Named):
    """One change of one service, numbered; `at` is the clock time (s)."""

    number: int
    at: float
    old: str
    service: ServiceView
    type: EventType = "state"


class Note(Named):
    """Anything else that happened, numbered likewise; to a service, to some, or to init ("").

    `service` is that of the row, if it is about one; `names` are all that it is about, None for
    everybody. `fields` are those of the row that it has beside what every row has.
    """

    number: int
    at: float
    type: EventType
    service: str
    run: int
    fields: dict[str, Any]
    names: tuple[str, ...] | None = None


class BootTask(Named):
    """A hook or a probe of a first start: from when to when (monotonic s), and how it ended."""

    task: str
    began: float
    ended: float | None = None
    good: bool | None = None


class BootTimes:
    """When a service first waited, started and was up (monotonic s); `state` is what it was then.

    Up is running, or for what runs once and for what never gets there, at its end. `tasks` are what
    was run or asked meanwhile, the first of them.
    """

    __slots__ = ("starting_at", "state", "tasks", "up_at", "waiting_at")

    def __init__(self) -> None:
        self.tasks: tuple[BootTask, ...] = ()
        self.waiting_at: float | None = None
        self.starting_at: float | None = None
        self.up_at: float | None = None
        self.state = ""

    def note(self, service: ServiceView) -> None:
        """Something has changed; nothing counts any more once it has been up."""
        if self.up_at is not None:
            return
        self.state = str(service.state)
        if self.state == "waiting" and self.waiting_at is None:
            self.waiting_at = service.since_at
        elif self.state == "starting" and self.starting_at is None:
            self.starting_at = service.since_at
        elif self.state in ("exited", "failed") or (
            self.state == "running" and service.type != "oneshot"
        ):
            self.up_at = service.since_at

    def task(self, task: str, at: float) -> None:
        """A hook or a probe begins."""
        if self.up_at is None and len(self.tasks) < _BOOT_TASKS:
            self.tasks += (BootTask(task, at),)

    def task_ended(self, task: str, at: float, *, good: bool) -> None:
        """It has ended."""
        if self.tasks and self.tasks[-1].task == task and self.tasks[-1].ended is None:
            self.tasks = (*self.tasks[:-1], self.tasks[-1]._replace(ended=at, good=good))


class History:
    """The last events, for those who ask later, and at once for those who listen.

    Listeners are told of changes of services, followers that there is something new of any kind.
    """

    def __init__(
        self, last_words: LastWords = lambda *_: b"", *forgetters: Callable[..., object]
    ) -> None:
        """`last_words`: of a service and a run so many lines, and so many bytes at the most."""
        self.last_words = last_words
        self.number = 0
        self.recent: deque[Happening | Note] = deque(maxlen=KEPT)
        self.boot: dict[str, BootTimes] = {}
        self.deaths = Deaths()
        self.listeners: list[Callable[[Happening], None]] = []
        self.followers: list[Callable[[], None]] = []
        self.forgetters: list[Callable[[Collection[str]], object]] = [*forgetters]

    def began(self, service: str, task: str) -> None:
        """A hook or a probe of a service begins."""
        if service in self.boot:
            self.boot[service].task(task, seam.monotonic())

    def ended(self, service: str, task: str, *, good: bool) -> None:
        """It has ended."""
        if service in self.boot:
            self.boot[service].task_ended(task, seam.monotonic(), good=good)

    def export(self) -> HistoryState:
        """What is kept."""
        from nsinit.runtime import handover, recalled  # noqa: PLC0415  (loaded by then)

        return handover.HistoryState(
            self.number, recalled.pack_events(self.recent), recalled.pack_deaths(self.deaths)
        )

    def adopt(self, state: HistoryState) -> None:
        """Go on where another history was."""
        from nsinit.runtime import recalled  # noqa: PLC0415  (the same)

        self.number = state.number
        for death in recalled.unpack_deaths(state.deaths):
            self.deaths.add(death)
        for made in recalled.unpack_events(state.recent):
            if self.recent and made.number != self.recent[-1].number + 1:
                self.recent.clear()  # one in between could not be read
            self.recent.append(made)
        if self.recent and self.recent[-1].number != self.number:
            self.recent.clear()

    def add(
        self, old: str, service: ServiceView, kind: EventType = "state", at: float | None = None
    ) -> None:
        """Number a change that was made `at` (s, now if None), keep it, and tell it."""
        self.number += 1
        happening = Happening(self.number, seam.wall() if at is None else at, old, service, kind)
        self.recent.append(happening)
        if service.name not in self.boot:
            self.boot[service.name] = BootTimes()
        self.boot[service.name].note(service)
        try:
            tell_each(self.listeners, happening)
        finally:
            self._tell()

    def note(
        self,
        kind: EventType,
        service: str = "",
        run: int = 0,
        at: float | None = None,
        **fields: object,
    ) -> None:
        """Number anything else that happened to a service, or to init, `at` (s, now if None)."""
        self.note_all(kind, (service,) if service else (), service, run, fields, at)

    def note_all(
        self,
        kind: EventType,
        names: tuple[str, ...] | None,
        service: str,
        run: int,
        fields: dict[str, Any],
        at: float | None = None,
    ) -> None:
        """The same, with all the services that it is about."""
        self.number += 1
        at = seam.wall() if at is None else at
        self.recent.append(Note(self.number, at, kind, service, run, fields, names))
        self._tell()

    def forget_all_but(self, names: Collection[str]) -> None:
        """Services that are gone have no boot; others who keep things by name hear of it too."""
        for name in self.boot.keys() - set(names):
            del self.boot[name]
        for forget in self.forgetters:
            forget(names)

    def _tell(self) -> None:
        if self.followers:
            tell_each(self.followers)

    def after(self, number: int, most: int) -> list[Happening | Note]:
        """At most so many of the events after a number; those that are forgotten are left out."""
        if not self.recent:
            return []
        recent = self.recent
        start = max(0, number + 1 - recent[0].number)
        # By index: to the last of them, which nearly all ask for, an iterator would have to walk.
        return [recent[at] for at in range(start, min(len(recent), start + most))]

    @property
    def oldest(self) -> int:
        """The number of the oldest event that is kept, or of the next one to come."""
        return self.recent[0].number if self.recent else self.number + 1
