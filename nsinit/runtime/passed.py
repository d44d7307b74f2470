"""What another init has to know of the sockets and stored descriptors of services."""

from __future__ import annotations

from msgspec import Struct

from nsinit.model.spec import Socket
from nsinit.process.program import Program
from nsinit.runtime.handover import ChildState, unpack


class BoundState(Struct, frozen=True, kw_only=True):
    """A socket that is bound, and the file that it made."""

    key: str
    fd: int
    spec: Socket
    file: tuple[int, int] | None = None


class KeptState(Struct, frozen=True, kw_only=True):
    """A stored descriptor; `poll`: it is dropped when its other end goes."""

    service: str
    name: str
    fd: int
    poll: bool = True


class HostedState(Struct, frozen=True, kw_only=True):
    """A run with a process for each connection; the descriptors that its processes write to."""

    service: str
    program: Program
    stdout: int
    stderr: int
    ours: list[int] = []
    open: list[str] = []  # keys of the sockets on which it takes connections


class GuestState(Struct, frozen=True, kw_only=True):
    """One such process, and of which socket it came."""

    service: str
    key: str
    child: ChildState


class PassedState(Struct, frozen=True, kw_only=True):
    """All of that."""

    bound: list[BoundState] = []
    watched: list[str] = []
    calls: dict[str, list[float]] = {}
    kept: list[KeptState] = []
    hosted: list[HostedState] = []
    guests: list[GuestState] = []


def check_part(data: bytes) -> PassedState:
    """What `pack` made of a state; BadHandoverError for anything else."""
    made: PassedState = unpack(data, PassedState)
    return made
