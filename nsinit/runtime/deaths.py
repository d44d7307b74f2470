"""The last ends of runs, for `nsinit ctl history` and `why`; bounded per service and in all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator

PER_SERVICE: Final = 20
TOTAL: Final = 1 << 20  # bytes of all, about
LINES: Final = 10  # of output, with each
OUTPUT: Final = 2048  # bytes of them
_WEIGHT: Final = 400  # bytes of one without its texts, about


class Death(Struct, kw_only=True):
    """How a run ended; `at` is the clock time (s), `seconds` how long the run had lasted.

    `by` says why init ended it, "" if it ended by itself; `result` is "" until nothing of the run
    is left. What it used is None where it had no process, or another has reaped it.
    """

    service: str
    run: int
    at: float
    seconds: float
    pid: int | None = None
    status: int | None = None
    result: str = ""
    text: str = ""
    by: str = ""
    oom: bool = False
    dumped: bool = False
    cpu_user: float | None = None
    cpu_system: float | None = None
    memory: int | None = None  # bytes, at the most
    output: bytes = b""  # its last lines


class Deaths:
    """The last ones of all services, the oldest of each first."""

    def __init__(self, total: int = TOTAL) -> None:
        self._total = total
        self._size = 0
        # Short lists: an empty deque takes as much as a death, and many services have had only one.
        self._of: dict[str, list[Death]] = {}

    def add(self, death: Death) -> None:
        """Keep one, and forget what is too much; of all services the oldest goes first."""
        mine = self._of.setdefault(death.service, [])
        mine.append(death)
        self._size += _weight(death)
        if len(mine) > PER_SERVICE:
            self._drop(death.service)
        while self._size > self._total:
            self._drop(min(self._of, key=lambda name: self._of[name][0].at))

    def _drop(self, name: str) -> None:
        self._size -= _weight(self._of[name].pop(0))
        if not self._of[name]:
            del self._of[name]

    def finish(self, service: str, run: int, result: str, text: str, output: bytes) -> bool:
        """Nothing of that run is left, and this is what is known now; False if it is not kept."""
        mine = self._of.get(service)
        if not mine or mine[-1].run != run:
            return False
        last = mine[-1]
        self._size -= _weight(last)
        last.result, last.text, last.output = result, last.text or text, output or last.output
        self._size += _weight(last)
        return True

    def of(self, service: str) -> list[Death]:
        """Those of one service, the last one first."""
        return list(reversed(self._of.get(service, ())))

    @property
    def names(self) -> list[str]:
        """The services that any are known of; some may be no more."""
        return list(self._of)

    def __iter__(self) -> Iterator[Death]:
        for deaths in self._of.values():
            yield from deaths


def _weight(death: Death) -> int:
    return _WEIGHT + len(death.output) + len(death.text)
