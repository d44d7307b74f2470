"""Who finds a place when many clients come: so that nobody can lock the others out. Pure.

A place is a connection. There are so many for everybody, so many of these for those who are not
admin, and so many for one user. When they are taken, the client who has been idle for longest makes
room, be it between two requests or within one that does not end; so no timer is needed for either.
Who waits for an answer or follows a stream keeps its place, and the newcomer is turned away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from nsinit.control.access import ADMIN, NOBODY

if TYPE_CHECKING:
    from collections.abc import Collection

LEAST: Final = 256  # for everybody, where descriptors are few
MOST: Final = 1024
_SHARE: Final = 4  # of all descriptors, one in so many is for clients
OTHERS: Final = 224  # who are not admin, all together
EACH: Final = 64  # one user who is not admin
STRANGER: Final = 8  # one user who may do nothing at all


def places(files: int) -> int:
    """How many there are for everybody in a process that may have so many files open (-1: any)."""
    return MOST if files < 0 else max(LEAST, min(MOST, files // _SHARE))


class Seat(Protocol):
    """A client, as it counts here."""

    @property
    def uid(self) -> int:
        """Whose it is."""

    @property
    def level(self) -> int:
        """What that user may do."""

    @property
    def idle_since(self) -> float | None:
        """From when on (monotonic s); None while it is being answered."""


S = TypeVar("S", bound=Seat)


class FullError(Exception):
    """There is no place, and everybody is busy."""


def find_place(clients: Collection[S], uid: int, level: int, most: int = LEAST) -> S | None:
    """Who has to make room for a newcomer, if anybody has; FullError tells why there is none.

    There are `most` places in all.
    """
    if level < ADMIN:
        mine = [client for client in clients if client.uid == uid]
        share = STRANGER if level == NOBODY else EACH
        if len(mine) >= share:
            return oldest(mine, f"uid {uid} has {share} connections, and all are busy")
        others = [client for client in clients if client.level < ADMIN]
        if len(others) >= OTHERS:
            return oldest(others, f"there are {OTHERS} connections, and all are busy")
    if len(clients) < most:
        return None
    return oldest(clients, f"there are {most} connections, and all are busy")


def oldest(clients: Collection[S], why: str) -> S:
    """Of those who are idle; those who are not admin first."""
    idle = [(one.level == ADMIN, one.idle_since, one) for one in clients if one.idle_since]
    if not idle:
        raise FullError(why)
    return min(idle, key=lambda found: found[:2])[2]
