"""What another init has to know of the clients of this one to go on with them."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from nsinit.runtime.handover import pack, unpack


class Going(Struct, frozen=True, kw_only=True):
    """An answer that is not complete.

    A stream has sent its head; `rows` are what it still has to send. A wait is over at the
    monotonic instant `until`. What is "other" can't go on.
    """

    kind: Literal["stream", "wait", "reexec", "other"]
    begun: bool = False  # its head is sent
    names: list[str] = []
    rows: bytes = b""
    runs: dict[str, int] = {}
    until: float = 0.0
    version: str = ""
    seq: int | None = None  # of a stream of events: the last one that is among the rows
    said: bytes = b""  # by the client, beyond its request, and not complete


class ClientState(Struct, frozen=True, kw_only=True):
    """One connection: what was heard of the request that is being answered or is not complete."""

    fd: int
    gate: str = ""
    heard: bytes = b""
    going: Going | None = None


class CrowdState(Struct, frozen=True, kw_only=True):
    """All clients."""

    clients: list[ClientState] = []
    dropped: int = 0
    stopped_by: dict[str, tuple[int, float]] = {}  # uid, and when (clock time, s)
    ends: dict[str, dict[str, int]] | None = None  # of runs, by service and result
    spent: dict[str, tuple[int, float, float]] = {}  # CPU (s) of services, see Spent


def write_part(state: CrowdState) -> bytes:
    """For a handover."""
    return pack(state)


def check_part(data: bytes) -> CrowdState:
    """What `write_part` wrote; BadHandoverError for anything else."""
    made: CrowdState = unpack(data, CrowdState)
    return made
