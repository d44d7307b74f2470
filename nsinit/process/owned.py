"""Whose something is: processes, sessions, members of sessions; by thing and by service. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Collection, ItemsView

K = TypeVar("K")

_FEW: Final = 4


class Owned(Generic[K]):
    """Whose something is. To forget all of one service takes no look at everybody else's."""

    def __init__(self) -> None:
        self._owners: dict[K, str] = {}
        self._of: dict[str, tuple[K, ...] | set[K]] = {}  # few things in a fifth of the memory
        self.get = self._owners.get

    def __len__(self) -> int:
        return len(self._owners)

    def __contains__(self, key: K) -> bool:
        return key in self._owners

    def items(self) -> ItemsView[K, str]:
        """Everything, with its owner."""
        return self._owners.items()

    def of(self, service: str) -> Collection[K]:
        """What belongs to a service."""
        return self._of.get(service, ())

    @property
    def owners(self) -> Collection[str]:
        """Those that something belongs to."""
        return self._of.keys()

    def give(self, key: K, service: str) -> None:
        """From now on it is that service's."""
        self.drop(key)
        self._owners[key] = service
        mine = self._of.get(service, ())
        if isinstance(mine, set):
            mine.add(key)
        else:
            self._of[service] = (*mine, key) if len(mine) < _FEW else {*mine, key}

    def drop(self, key: K) -> str | None:
        """It is nobody's any more; whose it was."""
        if (who := self._owners.pop(key, None)) is not None:
            mine = self._of[who]
            if len(mine) == 1:
                del self._of[who]
            elif isinstance(mine, set):
                mine.discard(key)
            else:
                self._of[who] = tuple(other for other in mine if other != key)
        return who

    def forget(self, service: str) -> None:
        """Nothing is that service's any more."""
        for key in self._of.pop(service, ()):
            del self._owners[key]

    def become(self, owners: dict[K, str]) -> None:
        """These are all there are."""
        for key in [key for key in self._owners if key not in owners]:
            self.drop(key)
        for key, service in owners.items():
            if self._owners.get(key) != service:
                self.give(key, service)
