"""What the core hears (events) and what it says (actions), as tagged frozen structs.

All of them encode to bytes and back, so a journal of events replays a whole life of init. An event
about a process or a timer carries the `run` it belongs to: what comes late, from an earlier run, is
told by one comparison. A `status` is an exit code, or minus the number of the signal that killed.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

TimerKind = Literal["start", "uptime", "stop", "backoff", "shutdown"]
Scope = Literal["main", "group", "all"]


class Message(Struct, frozen=True, tag=True):
    """Anything that goes into the core or comes out of it."""


# --- Events about one run of a service -----------------------------------------------------------


class RunEvent(Message, frozen=True):
    """Something happened to run number `run` of a service."""

    service: str
    run: int


class Spawned(RunEvent, frozen=True):
    """Its main process exists."""

    pid: int


class Execed(RunEvent, frozen=True):
    """Its main process runs the program now."""


class SpawnFailed(RunEvent, frozen=True):
    """It could not be started: which step failed, the errno, and all that in words."""

    stage: str
    errno: int
    text: str


class Ready(RunEvent, frozen=True):
    """It said that it is ready, or a probe found it so."""


class Exited(RunEvent, frozen=True):
    """Its main process has ended and is reaped."""

    status: int


class Emptied(RunEvent, frozen=True):
    """No process of it is left."""


class Lingering(RunEvent, frozen=True):
    """Its main process has ended, others of it have not."""

    count: int


class Fired(RunEvent, frozen=True):
    """A timer has run out; `at` is the instant it was armed for. Init's own has service ""."""

    timer: TimerKind
    at: float


# --- Requests ------------------------------------------------------------------------------------


class Boot(Message, frozen=True):
    """Start what starts by itself."""


class Start(Message, frozen=True):
    """Want these up, with what they need."""

    names: tuple[str, ...]


class Stop(Message, frozen=True):
    """Want these down, and leave them down until somebody starts them."""

    names: tuple[str, ...]


class Restart(Message, frozen=True):
    """Stop these and start them again."""

    names: tuple[str, ...]


class Shutdown(Message, frozen=True):
    """Stop everything and end; `hurry` skips every grace. A code of None is decided later."""

    code: int | None = None
    hurry: bool = False


AnyRunEvent = (
    Spawned | Execed | SpawnFailed | Ready | Exited | Emptied | Lingering | Fired
)  # fmt: skip
Event = AnyRunEvent | Boot | Start | Stop | Restart | Shutdown


# --- Actions -------------------------------------------------------------------------------------


class Spawn(Message, frozen=True):
    """Start the program; answer Spawned and Execed, or SpawnFailed."""

    service: str
    run: int


class Signal(Message, frozen=True):
    """Send a signal to the main process, to its process group, or to all of the run."""

    service: str
    run: int
    number: int
    scope: Scope


class Sweep(Message, frozen=True):
    """Look for what is left of the run; answer Emptied now or later, Lingering if not now."""

    service: str
    run: int


class Release(Message, frozen=True):
    """The run is over: give back what was held for it."""

    service: str
    run: int


class Arm(Message, frozen=True):
    """Answer Fired at this monotonic instant (seconds); replaces the timer of that kind."""

    service: str
    run: int
    timer: TimerKind
    at: float


class Disarm(Message, frozen=True):
    """Forget the timer."""

    service: str
    run: int
    timer: TimerKind


class Changed(Message, frozen=True):
    """A service has another state now; more may follow before this is carried out."""

    service: str
    run: int
    old: str
    new: str
    pid: int
    reason: str


class Noted(Message, frozen=True):
    """Something that should not be possible was seen and left alone."""

    service: str
    text: str


class Finish(Message, frozen=True):
    """Init ends with this exit code."""

    code: int


Action = Spawn | Signal | Sweep | Release | Arm | Disarm | Changed | Noted | Finish
