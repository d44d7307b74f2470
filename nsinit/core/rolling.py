"""Replicas of one service that restart in turn, so that all but one of them stay up.

`CoreState.rolls` holds for each such service the replica under way ("" at the very beginning) and
those that are still to come. Pure questions, but for that list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nsinit.core.state import AT_REST, State

if TYPE_CHECKING:
    from nsinit.core.state import CoreState


def begin(state: CoreState, base: str, names: list[str]) -> None:
    """Let these replicas restart in turn, after the one that another request is about to."""
    under_way = state.rolls.get(base, [""])[0]
    state.rolls[base] = [under_way, *names]


def next_replica(state: CoreState, base: str) -> str:
    """The replica to restart now; "" while the last one is not up again, or if none is left.

    When one does not come up the others had better stay as they are.
    """
    under_way, *left = state.rolls[base]
    s = state.services.get(under_way)
    if s is not None:
        if s.asked or s.state not in (*AT_REST, State.RUNNING):
            return ""
        if s.state is not State.RUNNING:
            left = []
    known = {name: state.services.get(name) for name in left if name not in state.leaving}
    left = [name for name, s in known.items() if s is not None and not s.pinned]
    if not left:
        del state.rolls[base]
        return ""
    state.rolls[base] = left
    return left[0]
