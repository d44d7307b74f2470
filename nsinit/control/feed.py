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
    from collections.abc import Callable, Iterable

    from nsinit.control.reply import Reply
    from nsinit.runtime.turns import Soon

T = TypeVar("T")

LIMIT: Final = 1 << 20  # bytes of items that wait for one client
HELD_LIMIT: Final = 8 << 20  # the same while nothing is sent, for a second at most
REST_LIMIT: Final = 16 << 20  # bytes of rows that another init is given to send
TURN: Final = 32 << 10  # bytes of rows that are rendered at once, in a millisecond or so
_LEAST: Final = 256  # what an item counts that makes no row, or a short one


class Feed(Generic[T]):
    """The rows of one answer; ends by itself unless it follows."""

    def __init__(
        self,
        reply: Reply,
        turns: Soon,
        render: Callable[[T], bytes],
        past: Iterable[T],
        *,
        follow: bool,
    ) -> None:
        self._reply = reply
        self._turns = turns
        self._render = render
        self._past = iter(past)
        self._coming: deque[tuple[T | None, int]] = deque()  # None: so many bytes were skipped
        self._size = 0
        self._follow = follow
        self._scheduled = False
        self._over = False  # of the past
        self._rendered: list[bytes] = []  # rows that come first
        self._limit = LIMIT
        self._held = False

    @property
    def is_behind(self) -> bool:
        """Whether what there was before the client came is not all sent."""
        return not self._over

    def hold(self) -> None:
        """Send nothing more for a moment; what comes meanwhile is kept."""
        self._held, self._limit = True, HELD_LIMIT

    def let_go(self) -> None:
        """Send again."""
        self._held = False
        self._schedule()

    def rest(self) -> bytes:
        """Every row that is not sent yet, rendered; of too many, a row says how much is missing."""
        made: list[bytes] = []
        size = 0
        while (rows := self._next()) is not None:
            if size < REST_LIMIT:
                made.append(rows)
            size += len(rows)
        if size > REST_LIMIT:
            skipped = size - sum(map(len, made))
            made.append(encode({"skipped": skipped}) + b"\n")
        self._rendered = list(made)  # nothing came of it, perhaps
        return b"".join(made)

    def go_on(self, rows: bytes) -> None:
        """Begin with rows of an init before this one, after whose head nothing else is missing."""
        self._rendered = [rows] if rows else []
        self._reply.on_ready(self._schedule)
        self.let_go()

    def begin(self) -> None:
        """Send the head and the first rows."""
        self._reply.begin_stream()
        self._reply.on_ready(self._schedule)
        self._pump()

    def offer(self, item: T, weight: int) -> None:
        """Something new, of so many bytes."""
        if self._size + weight <= self._limit:
            self._coming.append((item, weight))
            self._size += weight
            self._schedule()
        elif not self._reply.is_ready():
            self._reply.drop()
        elif self._coming and self._coming[-1][0] is None:
            self._coming[-1] = (None, self._coming[-1][1] + weight)
        else:
            self._coming.append((None, weight))

    def end(self) -> None:
        """Nothing comes any more: the answer is complete once all is sent."""
        self._follow = False
        self._schedule()

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._turns.call_soon(self._pump)

    def _pump(self) -> None:
        self._scheduled = False
        rendered = 0
        while rendered < TURN:
            if self._held or not self._reply.is_ready():
                return  # let_go or on_ready goes on
            rows = self._next()
            if rows is None:
                if not self._follow:
                    self._reply.end_stream()
                return
            rendered += max(len(rows), _LEAST)
            if rows:
                self._reply.send(rows)
        self._schedule()

    def _next(self) -> bytes | None:
        if self._rendered:
            return self._rendered.pop(0)
        for past in self._past:
            return self._render(past)
        self._over = True
        if not self._coming:
            return None
        item, weight = self._coming.popleft()
        if item is None:
            return encode({"skipped": weight}) + b"\n"
        self._size -= weight
        if self._size <= LIMIT and not self._held:
            self._limit = LIMIT
        return self._render(item)
