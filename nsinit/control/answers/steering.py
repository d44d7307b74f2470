"""The answers of rows that change something."""

from __future__ import annotations

from typing import Literal, TypedDict

from nsinit.control.answers.basics import (
    Failure,
    Pid,
    State,
)


class Result(TypedDict):
    """What came of a request for one service."""

    name: str
    ok: bool
    state: State
    reason: str


class Results(TypedDict):
    """What came of a request."""

    results: list[Result]


class LateResults(Failure):
    """Who has not arrived in time, and who has."""

    results: list[Result]


class PinResult(Result):
    """Whether a service is pinned now, and how."""

    pinned: Literal["up", "down"] | None


class PinResults(TypedDict):
    """What came of `pin` or `unpin`."""

    results: list[PinResult]


class PauseResult(Result):
    """Whether a service is paused now."""

    paused: bool


class PauseResults(TypedDict):
    """What came of `pause` or `unpause`."""

    results: list[PauseResult]


class LatePauseResults(Failure):
    """Who does not stand still in time."""

    results: list[PauseResult]


class SignalResult(TypedDict):
    """Whether a service was signalled."""

    name: str
    ok: bool
    reason: str


class SignalResults(TypedDict):
    """What came of `signal`."""

    results: list[SignalResult]


class Change(TypedDict):
    """What an update or a change of scale does, by name; with the keys that differ."""

    added: list[str]
    removed: list[str]
    restarted: dict[str, list[str]]
    adjusted: dict[str, list[str]]
    ignored: list[str]


class Ending(TypedDict):
    """Init ends."""

    phase: Literal["stopping"]


class Replaced(TypedDict):
    """Another program is init now."""

    version: str
    before: str
    pid: Pid


class NotReady(Failure):
    """Not all is well."""

    ready: bool
    reasons: list[str]
