"""The events of init to one client, from any number on: none twice, none left out unsaid.

The feed keeps no events but the number of the last one that it has looked at; they come out of the
history as fast as the client reads. For those that are forgotten by then there is a row "lost".
Whoever does not read at all until that happens is dropped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nsinit.control.feed import Feed
from nsinit.control.shapes import event_row, lost_row

if TYPE_CHECKING:
    from collections.abc import Callable

    from nsinit.control.reply import Reply
    from nsinit.runtime.events import Happening, History, Note
    from nsinit.runtime.turns import Soon

    Event = Happening | Note

_PIECE: Final = 64  # events that are rendered at once
_SHARED: Final = 256  # rows that are kept for those who ask for the same


class Rows:
    """The rows of events: each made once, however many clients follow at about the same pace."""

    def __init__(self) -> None:
        self._made: dict[int, bytes] = {}  # by the number of the event

    def __call__(self, event: Event) -> bytes:
        """The row of an event, which may have been made before."""
        row = self._made.get(event.number)
        if row is None:
            if len(self._made) >= _SHARED:
                self._made.clear()
            row = self._made[event.number] = event_row(event)
        return row


class EventFeed(Feed["Event"]):
    """The events after number `since` that are `wanted`."""

    def __init__(
        self,
        reply: Reply,
        turns: Soon,
        history: History,
        wanted: Callable[[Event], bool],
        since: int,
        *,
        follow: bool,
        row: Callable[[Event], bytes] = event_row,
    ) -> None:
        super().__init__(reply, turns, row, (), follow=follow)
        self._history = history
        self._wanted = wanted
        self.seen = since
        if since > history.number:  # it counts the events of an init before this one
            self._rendered = [lost_row(0, None, None)]
            self.seen = 0

    def tell(self) -> None:
        """There is something new."""
        forgotten = self._history.oldest > self.seen + 1
        if forgotten and not self._held and not self._reply.is_ready():
            self._reply.drop()
        else:
            self._schedule()

    def _next(self) -> bytes | None:
        if self._rendered:
            return self._rendered.pop(0)
        rows: list[bytes] = []
        if (oldest := self._history.oldest) > self.seen + 1:
            rows.append(lost_row(oldest - 1, self.seen + 1, oldest - 1))
            self.seen = oldest - 1
        if events := self._history.after(self.seen, _PIECE):
            self.seen = events[-1].number
            rows += [self._render(event) for event in events if self._wanted(event)]
        elif not rows:
            self._over = True
            return None
        return b"".join(rows)
