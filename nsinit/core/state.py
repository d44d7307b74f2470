"""All that the core remembers. It encodes to bytes and back; nothing else of the core has state.

Instants (`*_at`) are monotonic seconds.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from msgspec import Struct, field, msgpack

from nsinit.core.messages import TaskKind, TimerKind
from nsinit.model.plan import Rules


class State(StrEnum):
    """The states of a service."""

    STOPPED = "stopped"
    WAITING = "waiting"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    BACKOFF = "backoff"
    EXITED = "exited"
    FAILED = "failed"


ACTIVE = frozenset({State.STARTING, State.RUNNING, State.STOPPING})  # processes may exist
AT_REST = frozenset({State.STOPPED, State.EXITED, State.FAILED})  # nothing happens by itself

Result = Literal[
    "", "success", "exit-code", "signal", "timeout", "watchdog", "oom", "start-limit",
    "dependency", "exec",
]  # fmt: skip
Health = Literal["", "starting", "healthy", "unhealthy"]
# A daemon's parent is not its main process: "parent", then "daemon" while that is looked for.
Stage = Literal["", "pre_start", "parent", "daemon", "main", "post_start", "post_stop"]
Pin = Literal["", "up", "down"]
Asked = Literal["", "stop", "restart"]
Phase = Literal["new", "up", "stopping", "done"]


class ServiceState(Struct, kw_only=True, omit_defaults=True):
    """One service: what is wanted, what is, and what its current run has come to.

    What is as it was in the beginning is not written down (`omit_defaults`): that is nearly all of
    it, and the flight recorder keeps all of all services. So a default, once released, stays.
    """

    name: str
    want: bool = False
    state: State = State.STOPPED
    since_at: float = 0.0
    reason: str = ""  # why it waits, or what happened to it
    result: Result = ""  # how its last run ended

    asked: Asked = ""  # a stop or restart that was asked for and is not done
    by_hand: bool = False  # an operator stopped it
    pinned: Pin = ""  # stays as it is, whatever is asked
    triggered: bool = False  # its schedule or socket wants it to run

    run: int = 0
    pid: int = 0  # of the main process, while that lives
    stage: Stage = ""  # how far the start or the stop of this run is
    tasks: list[TaskKind] = field(default_factory=list)  # hooks and probes that run now
    begun: bool = False  # the program was exec'ed
    said_ready: bool = False  # a daemon did, before it was found
    cause: Result = ""  # why init ends this run, if it does so by itself
    status: int | None = None  # how the main process of this run ended
    why: str = ""  # more about its end than the status says
    hopeless: bool = False  # another run is not to follow
    fatal: bool = False  # init is to end with it
    stop_tasks: tuple[TaskKind, ...] = ()  # to do before the signals
    stop_step: int = -1  # where in the stop sequence; past its end means KILL
    stop_scale: float = 1.0  # how much of each wait the shutdown budget leaves
    swept: bool = False  # strays were found after the end of the main process
    due: bool = False  # the backoff is over
    probe_delay: float = 0.0  # until the next question whether it is ready
    timers: dict[TimerKind, float] = field(default_factory=dict)
    paused: bool = False  # its processes are frozen
    held: dict[TimerKind, float] = field(default_factory=dict)  # what timers have left then (s)
    put_off: tuple[TaskKind, ...] = ()  # tasks for when it goes on

    health: Health = ""
    health_fails: int = 0  # checks in a row
    probe_failures: int = 0  # ever, of health checks and of readiness probes
    watchdog: float | None = None  # s; None: not decided yet, 0: none
    reloading: bool = False
    reload_again: bool = False  # asked for while a reload ran
    reload_at: float | None = None  # when a signal asked for one that has not begun yet
    message: str = ""  # what it says of itself

    started_at: float = 0.0
    ready_at: float | None = None
    ended_at: float | None = None

    fails: int = 0  # restarts in a row
    delay: float = 0.0  # the last backoff, without jitter
    restarts: int = 0
    last_status: int | None = None


class CoreState(Struct, kw_only=True):
    """Init as a whole."""

    services: dict[str, ServiceState] = field(default_factory=dict)
    phase: Phase = "new"
    code: int | None = None  # what init ends with, once that is decided
    deadline: float = 0.0  # of the shutdown
    hurry: bool = False
    chains: dict[str, float] = field(default_factory=dict)  # stop time from each service on down
    shutdown_at: float | None = None  # the armed last-resort timer
    hook: Literal["", TaskKind] = ""  # init's own that runs now
    hook_at: float = 0.0  # when its time is over
    leaving: set[str] = field(default_factory=set)  # services that the plan has no more
    outdated: dict[str, Rules] = field(default_factory=dict)  # of runs begun under another plan
    rolls: dict[str, list[str]] = field(default_factory=dict)  # replicas left to restart in turn

    def encode(self) -> bytes:
        """Everything, as bytes."""
        return msgpack.encode(self)

    @classmethod
    def decode(cls, data: bytes) -> CoreState:
        """What `encode` wrote; msgspec.DecodeError, UnicodeDecodeError, RecursionError else."""
        return msgpack.decode(data, type=cls)
