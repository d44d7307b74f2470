"""The answer to one call of a client, on the control socket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from nsinit.control.carry import Going

if TYPE_CHECKING:
    import _socket
    from collections.abc import Callable

    from nsinit.control.access import Peer
    from nsinit.control.connection import Client
    from nsinit.control.reply import Held


class Answer:
    """The `Reply` of a handler to one call of one client."""

    def __init__(self, client: Client, *, begun: bool = False) -> None:
        self._client = client
        self._callbacks: list[Callable[[], object]] = []
        self._when_ready: Callable[[], object] = lambda: None
        self._over = False
        self._begun = begun
        self._going: Callable[[], Going] = lambda: Going(kind="other")
        self.stream: Held | None = None

    def carry(self, export: Callable[[], Going], stream: Held | None = None) -> None:
        """How another init can go on with this."""
        self._going, self.stream = export, stream

    def export(self) -> Going:
        """What another init has to know to go on with this."""
        return structs.replace(self._going(), begun=self._begun)

    def answer(self, status: int, body: object) -> None:
        """Give the whole answer."""
        if not self._over:
            self._client.put(lambda http: http.answer(status, body))
            self._finish()

    def answer_text(self, kind: str, text: bytes) -> None:
        """Give the whole answer, of this Content-Type."""
        if not self._over:
            self._client.put(lambda http: http.answer_bytes(200, kind, text))
            self._finish()

    @property
    def peer(self) -> Peer:
        """Who asked."""
        return self._client.peer

    def take_input(self) -> _socket.socket | None:
        """Another end of the connection, to read from."""
        return None if self._over else self._client.take_input()

    def hear(self, hearer: Callable[[bytes], object]) -> None:
        """Hear what the client says beyond its request."""
        if not self._over:
            self._client.hear(hearer)

    def listen(self, *, on: bool) -> None:
        """Hear it now, or later."""
        if not self._over:
            self._client.listen(on=on)

    def begin_stream(self) -> None:
        """Begin an answer of JSON lines."""
        self._begun = True
        self._client.put(lambda http: http.begin_stream())

    def send(self, data: bytes) -> None:
        """Send some of them."""
        if not self._over and data:
            self._client.put(lambda http: http.stream(data))

    def end_stream(self) -> None:
        """There are no more."""
        if not self._over:
            self._client.put(lambda http: http.end_stream())
            self._finish()

    def on_leave(self, callback: Callable[[], object]) -> None:
        """Call back when the client leaves, or the answer is complete."""
        if self._over:
            callback()
        else:
            self._callbacks.append(callback)

    def is_ready(self) -> bool:
        """Whether the client has taken nearly all that was sent."""
        return self._client.is_ready and not self._over

    def on_ready(self, callback: Callable[[], object]) -> None:
        """Call back when the client is ready again."""
        self._when_ready = callback

    def go_on(self) -> None:
        """The client is ready again."""
        if not self._over:
            self._when_ready()

    def drop(self) -> None:
        """The client is too slow: close the connection, and count it."""
        if not self._over:
            self._client.drop(too_slow=True)
            self.leave()

    def leave(self) -> None:
        """The client has left."""
        if self._over:
            return
        self._over = True
        for callback in self._callbacks:
            callback()

    def _finish(self) -> None:
        self.leave()
        self._client.done()
