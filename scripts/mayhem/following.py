"""A subscriber that lives through everything: no event may be missing, and each fits the last."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from nsinit.client import Client
from nsinit.errors import ControlError

if TYPE_CHECKING:
    from collections.abc import Callable


class Follower:
    """Reads the event stream in a thread of its own."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._lock = threading.Condition()
        self._last = 0
        self._states: dict[str, str] = {}
        self._delayed: dict[str, float] = {}  # since when a service is in backoff (monotonic s)
        self.hang_ups = 0  # that init was asked to heed
        self.rows: dict[str, int] = {}  # of each type
        self.wrong: list[str] = []
        self.worst_delay = 0.0  # s in backoff
        self.ended = ""
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def _follow(self) -> None:
        try:
            for row in Client(self._path).events(follow=True, since_seq=0):
                with self._lock:
                    self._hear(dict(row))
                    self._lock.notify_all()
            self.ended = "the stream of events ended"
        except ControlError as error:
            self.ended = str(error)
        with self._lock:
            self._lock.notify_all()

    def _hear(self, row: dict[str, Any]) -> None:
        kind, seq = row.get("type", "?"), row.get("seq", 0)
        self.rows[kind] = self.rows.get(kind, 0) + 1
        if kind == "lost":
            self.wrong.append(f"events {row.get('first')} to {row.get('last')} were lost")
            self._last = row.get("last") or seq
            self._states.clear()
            return
        if seq != self._last + 1 and self._last:
            self.wrong.append(f"event {seq} ({kind}) came after event {self._last}")
        self._last = seq
        if kind == "state":
            self._step(row["service"], row["old"], row["new"])
        elif kind == "request" and row.get("signal") == "HUP":
            self.hang_ups += 1
        elif kind == "internal":
            self.wrong.append(f"init tells of an error of its own: {row.get('reason')}")

    def _step(self, name: str, old: str, new: str) -> None:
        known = self._states.get(name)
        if known is not None and known != old:
            self.wrong.append(f"{name} went from {old} to {new}, but was {known}")
        self._states[name] = new
        since = self._delayed.pop(name, None)
        if new == "backoff":
            self._delayed[name] = time.monotonic()
        elif new == "starting" and since is not None:
            self.worst_delay = max(self.worst_delay, time.monotonic() - since)

    def forget(self, name: str) -> None:
        """That service is no more; another of its name begins anew."""
        with self._lock:
            self._states.pop(name, None)

    @property
    def seq(self) -> int:
        """The number of the last event."""
        return self._last

    def wait(self, done: Callable[[], bool], seconds: float) -> bool:
        """Until that is so; asked anew after each event."""
        until = time.monotonic() + seconds
        with self._lock:
            while not done():
                left = until - time.monotonic()
                if left <= 0 or self.ended:
                    return done()
                self._lock.wait(left)
        return True

    def caught_up(self, seq: int, seconds: float) -> bool:
        """Wait until that event has come."""
        return self.wait(lambda: self._last >= seq, seconds)

    def join(self, seconds: float) -> None:
        """Wait for the end of the stream."""
        self._thread.join(seconds)
