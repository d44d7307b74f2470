"""What has happened to services, counted: by what their runs have ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nsinit.core.state import ACTIVE
from nsinit.runtime.events import Happening

if TYPE_CHECKING:
    from collections.abc import Collection

    from nsinit.runtime.events import History

_ACTIVE: Final = frozenset(str(state) for state in ACTIVE)


class Tally:
    """Counts from the first event that is remembered on."""

    def __init__(self, history: History) -> None:
        self.ends: dict[str, dict[str, int]] = {}  # by service and result
        for one in history.recent:
            if isinstance(one, Happening):
                self.note(one)
        history.listeners.append(self.note)

    def note(self, one: Happening) -> None:
        """A run is over when its service leaves the states that have processes."""
        s = one.service
        if one.old in _ACTIVE and s.state not in ACTIVE and s.run and s.result:
            counts = self.ends.setdefault(s.name, {})
            counts[s.result] = counts.get(s.result, 0) + 1

    def forget_all_but(self, names: Collection[str]) -> None:
        """Services that are gone are not counted any more."""
        for name in self.ends.keys() - set(names):
            del self.ends[name]
