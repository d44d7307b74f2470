"""What the core hears (events) and what it says (actions), as tagged frozen structs.

All of them encode to bytes and back, so a journal of events replays a whole life of init. An event
about a process or a timer carries the `run` it belongs to: what comes late, from an earlier run, is
told by one comparison. A `status` is an exit code, or minus the number of the signal that killed.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from nsinit.model.plan import Plan

TaskKind = Literal[
    "pre_start", "ready", "post_start", "health", "reload", "pre_stop", "stop_command",
    "post_stop", "on_fail",
]  # fmt: skip
TimerKind = Literal[
    "start", "uptime", "again", "find", "check", "watchdog", "stop", "backoff", "shutdown", TaskKind
]
Scope = Literal["main", "group", "all"]
ChangeKind = Literal["state", "health", "reload", "pause"]


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
    """Its main process has ended and is reaped; `oom`: the kernel killed it for its memory.

    `text` tells what the kernel has killed of it meanwhile, if it counts that.
    """

    status: int
    oom: bool = False
    text: str = ""


class Emptied(RunEvent, frozen=True):
    """No process of it is left."""


class Lingering(RunEvent, frozen=True):
    """Its main process has ended, others of it have not."""

    count: int


class TaskEnded(RunEvent, frozen=True):
    """A task has ended with this status, None for its time limit; `text` says more."""

    task: TaskKind
    status: int | None
    text: str = ""


class MainFound(RunEvent, frozen=True):
    """This process is the daemon that a forking service has become."""

    pid: int


class MainMissing(RunEvent, frozen=True):
    """The daemon can't be told yet; `hopeless`: there is none."""

    text: str
    hopeless: bool = False


class PauseFailed(RunEvent, frozen=True):
    """Its processes could not be frozen, or thawed; `text` says why."""

    text: str


class Notified(RunEvent, frozen=True):
    """What one datagram of sd_notify(3) says; spans in seconds.

    `reloading_at` is the monotonic instant (s) at which the service began to reload, if it tells.
    """

    ready: bool = False
    status: str | None = None
    stopping: bool = False
    reloading: bool = False
    errno: int = 0
    extend: float | None = None
    watchdog: Literal["", "1", "trigger"] = ""
    watchdog_span: float | None = None
    main_pid: int = 0
    reloading_at: float | None = None


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


class Reload(Message, frozen=True):
    """Let these read their configuration again."""

    names: tuple[str, ...]


class Reset(Message, frozen=True):
    """Forget the failures of these."""

    names: tuple[str, ...]


class Pin(Message, frozen=True):
    """Keep these as they are, up or down, whatever is asked; or no longer."""

    names: tuple[str, ...]
    on: bool


class Pause(Message, frozen=True):
    """Freeze the processes of these, or let them go on."""

    names: tuple[str, ...]
    on: bool


class Update(Message, frozen=True):
    """Go by another plan; the runs of the services in `changed` are not what it asks for."""

    plan: Plan
    changed: tuple[str, ...] = ()


class Trigger(Message, frozen=True):
    """The schedule or the socket of these wants them to run."""

    names: tuple[str, ...]


class Shutdown(Message, frozen=True):
    """Stop everything and end; `hurry` skips every grace. A code of None is decided later."""

    code: int | None = None
    hurry: bool = False


AnyRunEvent = (
    Spawned | Execed | SpawnFailed | Ready | Exited | Emptied | Lingering | Fired
    | TaskEnded | MainFound | MainMissing | PauseFailed | Notified
)  # fmt: skip
Event = (
    AnyRunEvent | Boot | Start | Stop | Restart | Reload | Reset | Pin | Pause | Trigger | Update
    | Shutdown
)  # fmt: skip


# --- Actions -------------------------------------------------------------------------------------


class Spawn(Message, frozen=True):
    """Start the program; answer Spawned and Execed, or SpawnFailed."""

    service: str
    run: int


class RunTask(Message, frozen=True):
    """Run a hook or a probe; answer TaskEnded. The rest is what hooks are told of the run."""

    service: str
    run: int
    task: TaskKind
    pid: int = 0
    status: int | None = None
    result: str = ""


class KillTask(Message, frozen=True):
    """End the task, if it still runs; nobody listens any more."""

    service: str
    run: int
    task: TaskKind


class FindMain(Message, frozen=True):
    """The parent of a daemon has ended: answer MainFound or MainMissing."""

    service: str
    run: int


class Signal(Message, frozen=True):
    """Send a signal to the main process, to its process group, or to all of the run."""

    service: str
    run: int
    number: int
    scope: Scope


class Freeze(Message, frozen=True):
    """Freeze every process of the run, or thaw them; answer PauseFailed if that can't be."""

    service: str
    run: int
    on: bool


class Sweep(Message, frozen=True):
    """Look for what is left of the run; answer Emptied now or later, Lingering if not now."""

    service: str
    run: int


class Release(Message, frozen=True):
    """The run is over, with this result: give back what was held for it."""

    service: str
    run: int
    result: str
    text: str


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
    """A service has another state now; more may follow before this is carried out.

    Or the same, and something else about it has changed: `kind` says what.
    """

    service: str
    run: int
    old: str
    new: str
    pid: int
    reason: str
    kind: ChangeKind = "state"


class Noted(Message, frozen=True):
    """Something that should not be possible was seen and left alone."""

    service: str
    text: str


class Remark(Message, frozen=True):
    """Something that an operator should know."""

    service: str
    text: str


class Finish(Message, frozen=True):
    """Init ends with this exit code."""

    code: int


Action = (
    Spawn | RunTask | KillTask | FindMain | Signal | Freeze | Sweep | Release | Arm | Disarm
    | Changed | Noted | Remark | Finish
)  # fmt: skip
