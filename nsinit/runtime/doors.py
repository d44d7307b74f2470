"""What another init has to know of the sockets for services that log there."""

from __future__ import annotations

from msgspec import Struct

from nsinit.runtime.handover import unpack


class DoorState(Struct, frozen=True, kw_only=True):
    """A socket; `file` identifies it in the file system, `made` are directories."""

    kind: str
    fd: int
    path: str
    file: tuple[int, int] | None = None
    made: list[str] = []


class IntakeState(Struct, frozen=True, kw_only=True):
    """All of them."""

    doors: list[DoorState] = []


def check_part(data: bytes) -> IntakeState:
    """What `pack` made of a state; BadHandoverError for anything else."""
    made: IntakeState = unpack(data, IntakeState)
    return made
