"""A stream of rows to one client: rendered as fast as the client reads, and no faster.

What there was before comes first, then what comes. A turn of the loop renders a bounded amount, so
a follower of a noisy service costs the others nothing. Whoever stops reading is dropped; for one
who reads, but slower than a service writes, rows are skipped and a row tells how many bytes.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from nsinit.control.routes import encode

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterable

    from nsinit.control.reply import Reply

T = TypeVar("T")

LIMIT: Final = 1 << 20  # bytes of items that wait for one client
TURN: Final = 256 << 10  # bytes of rows that are rendered in one turn


class Feed(Generic[T]):
    """The rows of one answer; ends by itself unless it follows."""

    def __init__(
        self,
        reply: Reply,
        loop: asyncio.AbstractEventLoop,
        render: Callable[[T], bytes],
        past: Iterable[T],
        *,
        follow: bool,
    ) -> None:
        self._reply = reply
        self._loop = loop
        self._render = render
        self._past = iter(past)
        self._coming: deque[tuple[T | None, int]] = deque()  # None: so many bytes were skipped
        self._size = 0
        self._follow = follow
        self._scheduled = False

    def begin(self) -> None:
        """Send the head and the first rows."""
        self._reply.begin_stream()
        self._reply.on_ready(self._schedule)
        self._pump()

    def offer(self, item: T, weight: int) -> None:
        """Something new, of so many bytes."""
        if self._size + weight <= LIMIT:
            self._coming.append((item, weight))
            self._size += weight
            self._schedule()
        elif not self._reply.is_ready():
            self._reply.drop()
        elif self._coming and self._coming[-1][0] is None:
            self._coming[-1] = (None, self._coming[-1][1] + weight)
        else:
            self._coming.append((None, weight))

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._pump)

    def _pump(self) -> None:
        self._scheduled = False
        rendered = 0
        while rendered < TURN:
            if not self._reply.is_ready():
                return  # on_ready goes on
            rows = self._next()
            if rows is None:
                if not self._follow:
                    self._reply.end_stream()
                return
            rendered += len(rows)
            self._reply.send(rows)
        self._schedule()

    def _next(self) -> bytes | None:
        for past in self._past:
            return self._render(past)
        if not self._coming:
            return None
        item, weight = self._coming.popleft()
        if item is None:
            return encode({"skipped": weight}) + b"\n"
        self._size -= weight
        return self._render(item)
