"""What another init has to know of the schedules of services."""

from __future__ import annotations

from msgspec import Struct

from nsinit.model.spec import Schedule
from nsinit.runtime.handover import unpack


class TableState(Struct, frozen=True, kw_only=True):
    """The next run of one service, by the clock of its schedule; see `Timetable`."""

    schedule: Schedule
    due: float | None
    delay: float
    done: float | None
    seen: float
    begin: float | None = None  # of an interval


class PlannedState(Struct, frozen=True, kw_only=True):
    """All of them by service."""

    tables: dict[str, TableState] = {}


def check_part(data: bytes) -> PlannedState:
    """What `pack` made of a state; BadHandoverError for anything else."""
    made: PlannedState = unpack(data, PlannedState)
    return made
