"""All that the core remembers. It encodes to bytes and back; nothing else of the core has state.

Instants (`*_at`) are monotonic seconds.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from msgspec import Struct, field, msgpack


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
    "", "success", "exit-code", "signal", "timeout", "start-limit", "dependency", "exec"
]
Asked = Literal["", "stop", "restart"]
Phase = Literal["new", "up", "stopping", "done"]


class ServiceState(Struct, kw_only=True):
    """One service: what is wanted, what is, and what its current run has come to."""

    name: str
    want: bool = False
    state: State = State.STOPPED
    since_at: float = 0.0
    reason: str = ""  # why it waits, or what happened to it
    result: Result = ""  # how its last run ended

    asked: Asked = ""  # a stop or restart that was asked for and is not done
    by_hand: bool = False  # an operator stopped it

    run: int = 0
    pid: int = 0  # of the main process, while that lives
    begun: bool = False  # the program was exec'ed
    cause: Result = ""  # why init ends this run, if it does so by itself
    status: int | None = None  # how the main process of this run ended
    stop_step: int = -1  # where in the stop sequence; past its end means KILL
    stop_scale: float = 1.0  # how much of each wait the shutdown budget leaves
    swept: bool = False  # strays were found after the end of the main process
    due: bool = False  # the backoff is over
    timers: dict[str, float] = field(default_factory=dict)

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

    def encode(self) -> bytes:
        """Everything, as bytes."""
        return msgpack.encode(self)

    @classmethod
    def decode(cls, data: bytes) -> CoreState:
        """What `encode` wrote; msgspec.ValidationError for anything else."""
        return msgpack.decode(data, type=cls)
