"""What a handler answers through, whatever carries it to the client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import _socket
    from collections.abc import Callable

    from nsinit.control.access import Peer
    from nsinit.control.carry import Going


class Held(Protocol):
    """A stream that can be stopped for a moment."""

    @property
    def is_behind(self) -> bool:
        """Whether what there was before the client came is not all sent."""

    def hold(self) -> None:
        """Send nothing more."""

    def let_go(self) -> None:
        """Send again."""


class Reply(Protocol):
    """Where an answer goes. After the client has left, all of it goes nowhere."""

    @property
    def peer(self) -> Peer:
        """Who asked."""

    def take_input(self) -> _socket.socket | None:
        """Another end of the connection, to read from: nobody else listens to the client any more.

        The caller closes it. None if the client has left.
        """

    def hear(self, hearer: Callable[[bytes], object]) -> None:
        """Tell what the client says beyond its request; the connection ends with the answer."""

    def listen(self, *, on: bool) -> None:
        """Hear it now, or leave it in the kernel for now."""

    def answer(self, status: int, body: object) -> None:
        """Give the whole answer."""

    def answer_text(self, kind: str, text: bytes) -> None:
        """Give the whole answer, of this Content-Type."""

    def begin_stream(self) -> None:
        """Begin an answer of JSON lines."""

    def send(self, data: bytes) -> None:
        """Send some of them."""

    def end_stream(self) -> None:
        """There are no more."""

    def on_leave(self, callback: Callable[[], object]) -> None:
        """Call back when the client leaves, or the answer is complete."""

    def is_ready(self) -> bool:
        """Whether the client has taken nearly all that was sent."""

    def on_ready(self, callback: Callable[[], object]) -> None:
        """Call back when the client is ready again."""

    def carry(self, export: Callable[[], Going], stream: Held | None = None) -> None:
        """How another init can go on with this answer, if this one is replaced before its end."""

    def drop(self) -> None:
        """The client is too slow: close the connection, and count it."""
