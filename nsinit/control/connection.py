"""One connection: what it says becomes calls, and what it is answered goes out.

It costs a bounded amount of memory, no waiting, and a timer only while something is due from it.
Whatever goes wrong with a client ends at its connection.
"""

from __future__ import annotations

import _socket
import asyncio
import os
import select
from functools import partial
from typing import TYPE_CHECKING, Final, cast

from nsinit.control.accepting import negotiate
from nsinit.control.access import ADMIN, NOBODY, Peer
from nsinit.control.answering import Answer
from nsinit.control.carry import ClientState
from nsinit.control.crowding import FullError
from nsinit.control.gates import REQUEST, UNREAD
from nsinit.control.patience import Patience
from nsinit.control.routes import PAGE, Call, HttpConnection, Page, Refusal
from nsinit.kernel import seam
from nsinit.kernel.sockets import let_descriptors_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from nsinit.control.gates import Gate
    from nsinit.control.server import ControlServer

_REPLACED: Final = Refusal(
    503, "replaced", "init was replaced before it could answer", "ask again: what was begun goes on"
)
_HANG_UP: Final = "hang-up"
_LOOK_AGAIN: Final = 5.0  # s
MAX_UNSENT: Final = 32 << 20  # bytes of answers that all who are not admin have not taken yet
MAX_AHEAD: Final = 64 << 10  # bytes that a client may send before it has its answer


class Client(asyncio.Protocol):
    """One connection."""

    def __init__(self, server: ControlServer, gate: Gate) -> None:
        self._server = server
        self.gate = gate
        self._http = HttpConnection(gate.screen, gate.headers)
        self._patience = Patience(server.loop, self._lose_patience)
        self.peer = Peer(0, -1, -1)
        self.level = NOBODY
        self.idle_since: float | None = seam.monotonic()
        self._transport: asyncio.Transport | None = None
        self._answering: Answer | None = None
        self.is_ready = True
        self._taken = False  # somebody else reads what it says
        self._hearer: Callable[[bytes], object] | None = None  # or hears it
        self._has_more = False  # what it said during an answer is not looked at yet
        self._has_ended = False  # it says nothing more
        self._is_muted = False  # nobody reads what it says until it has read its answers
        self._ahead = 0  # bytes of later requests that came during an answer
        self._once_here: Callable[[], object] = lambda: None

    @property
    def uid(self) -> int:
        """Whose it is; -1 if nobody knows."""
        return self.peer.uid

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has come; where there are too many, somebody idle leaves, or it is told so."""
        self._transport = transport = cast("asyncio.Transport", transport)
        try:
            self.peer, self.level, leaving = self.gate.enter(transport, self._server.clients)
        except FullError as full:
            self._server.handlers.drop_client()
            refusal = Refusal(503, "too-many-clients", f"no place for another client: {full}")
            self.put(lambda http: http.answer(503, refusal.body()))
            transport.close()
            return
        if leaving is not None:
            self._server.clients.discard(leaving)
            leaving.drop(too_slow=True)
        self._server.clients.add(self)
        self._patience.wait("first", self.gate.first)
        self._once_here()

    def _await_request(self) -> None:
        """The next request may take its time to begin, but then it has to end."""
        if self._answering is not None or self._hearer is not None or self.unsent:
            return
        if self._http.is_asking:
            self._patience.wait("request", REQUEST)
        else:
            self._patience.wait("idle", self.gate.idle)

    def _lose_patience(self, what: str) -> None:
        """It takes too long to ask, or to hear the whole of an answer."""
        if what == _HANG_UP:
            self._look_again()
            return
        is_late = self._http.is_asking or self.unsent > 0
        if self._answering is not None:
            return
        if what == "unread" and not is_late:  # it has read all, and says nothing more
            self._await_request()
        elif is_late or self.gate.idle is not None:
            self.drop(too_slow=is_late)

    def _look_again(self) -> None:
        """Whether one that won't talk has gone: after the end of that no loop tells it."""
        if self._has_hung_up():
            self.drop()
        else:
            self._patience.wait(_HANG_UP, _LOOK_AGAIN)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """It has gone."""
        self._transport = None
        self._patience.end()
        self._server.clients.discard(self)
        if self._answering is not None:
            self._answering.leave()

    def data_received(self, data: bytes) -> None:
        """It says something."""
        if self._hearer is not None:
            self._guarded(partial(self._hearer, data))
            return
        if self._answering is not None:
            self._ahead += len(data)
            if self._ahead > MAX_AHEAD:
                self.drop()
                return
        self._guarded(lambda: self._http.receive(data))
        if self._answering is None:
            self.put(HttpConnection.proceed)
        self._await_request()

    def eof_received(self) -> bool:
        """It says nothing more, but may still listen."""
        self._has_ended = True
        if self._answering is None:
            self._guarded(lambda: self._http.receive(b""))
        is_busy = self._answering is not None or self._has_more
        stays = is_busy and not self._has_hung_up()
        if stays:
            self._patience.wait(_HANG_UP, _LOOK_AGAIN)
        return stays

    def _has_hung_up(self) -> bool:
        """Whether it does not even listen: a half-closed socket only says that it won't talk."""
        if self._transport is None:
            return True
        poll = select.poll()
        poll.register(self._transport.get_extra_info("socket").fileno(), 0)
        return bool(poll.poll(0))

    def _guarded(self, receive: Callable[[], object]) -> None:
        try:
            seam.ask_about(receive)
            got = receive()
            if isinstance(got, Call | Refusal):
                self._deal_with(got)
        except Exception as error:  # noqa: BLE001  (a client must not be able to harm init)
            self._server.say.error(f"internal error on the control socket: {error!r}")
            self.drop()

    def _deal_with(self, got: Call | Refusal) -> None:
        answer = self._answering = Answer(self)
        self.idle_since = None
        self._patience.end()
        if self._has_ended:
            self._patience.wait(_HANG_UP, _LOOK_AGAIN)
        self.gate.take_turn(partial(self._guarded, partial(self._carry_out, got, answer)))

    def _carry_out(self, got: Call | Refusal, answer: Answer) -> None:
        if self._answering is not answer or self._transport is None:  # it has left meanwhile
            return
        try:
            if isinstance(got, Refusal):
                raise got
            self.gate.allow(self.peer, self.level, self._http.asked, got)
            if got.command.text and got.params.get("format") is None:
                got.params["format"] = negotiate(self._http.asked.headers.get("accept"))
            self._server.handlers(got.command.name, got.params, answer)
        except Page as page:
            answer.answer_text(PAGE, page.text)
        except Refusal as refusal:
            self._http.heed(refusal)
            answer.answer(refusal.status, refusal.body())

    # --- Between two inits ------------------------------------------------------------------------

    @property
    def unsent(self) -> int:
        """Bytes that it has not taken yet; also those of an answer after which it is gone."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    @property
    def is_behind(self) -> bool:
        """Whether it still reads what there was before it came."""
        stream = self._answering.stream if self._answering is not None else None
        return stream is not None and stream.is_behind

    def hold(self) -> None:
        """Send it no more rows."""
        if self._answering is not None and self._answering.stream is not None:
            self._answering.stream.hold()

    def let_go(self) -> None:
        """Send it rows again."""
        if self._answering is not None and self._answering.stream is not None:
            self._answering.stream.let_go()

    def export(self) -> ClientState | None:
        """For another init; None if it is about to go."""
        if self._transport is None or self._transport.is_closing() or self.unsent:
            return None
        return ClientState(
            fd=self._transport.get_extra_info("socket").fileno(),
            gate=self.gate.name,
            heard=self._http.heard,
            going=self._answering.export() if self._answering is not None else None,
        )

    def adopt(self, state: ClientState) -> None:
        """Be what it was to the init before this one."""
        self.is_ready = False
        if state.going is None:
            heard = state.heard  # no bytes would mean its end
            more = partial(self.data_received, heard) if heard else lambda: None
            self._once_here = partial(self._arrive, more)
            return
        call, answer = self._http.receive(state.heard), Answer(self, begun=state.going.begun)
        self._answering, self.idle_since = answer, None
        then: Callable[[], object] | None = None
        if isinstance(call, Call) and state.going.kind != "other":
            name, params = call.command.name, call.params
            then = self._server.handlers.go_on(name, params, state.going, answer)
        if state.going.begun:
            self._http.begin_stream()  # it is sent
        if then is None:
            then = self.drop if state.going.begun else partial(answer.answer, 503, _REPLACED.body())
        self._once_here = partial(self._arrive, then)

    def _arrive(self, then: Callable[[], object]) -> None:
        self._once_here = lambda: None
        self.is_ready = True
        try:
            seam.ask_about(then)
            then()
        except Exception as error:  # noqa: BLE001  (as in `_guarded`)
            self._server.say.error(f"internal error on the control socket: {error!r}")
            self.drop()

    # --- For the answer ---------------------------------------------------------------------------

    def pause_writing(self) -> None:
        """It does not read what was sent."""
        self.is_ready = False

    def resume_writing(self) -> None:
        """It has read most of it."""
        self.is_ready = True
        if self._answering is not None:
            self._answering.go_on()
        elif self._is_muted:
            self._is_muted = False
            self.listen(on=True)
            self._hear_next()

    def put(self, make: Callable[[HttpConnection], bytes]) -> None:
        """Send what `make` makes of the connection's state, if anybody is there to read it."""
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.write(make(self._http))
        if self.unsent and self.level < ADMIN and self._is_too_much():
            self.drop(too_slow=True)

    def _is_too_much(self) -> bool:
        """Whether others could fill the memory of init by asking for much and reading nothing."""
        others = (client.unsent for client in self._server.clients if client.level < ADMIN)
        return sum(others) > MAX_UNSENT

    def take_input(self) -> _socket.socket | None:
        """Leave it to somebody else to read what it says."""
        if self._transport is None or self._transport.is_closing():
            return None
        self._transport.pause_reading()
        self._taken = True
        theirs = self._transport.get_extra_info("socket").fileno()
        made = _socket.socket(fileno=os.dup(theirs))
        made.setblocking(False)
        let_descriptors_in(made, on=True)
        return made

    def hear(self, hearer: Callable[[bytes], object]) -> None:
        """Tell somebody what it says, beyond the request; the connection ends with the answer."""
        self._hearer = hearer
        self._taken = True

    def listen(self, *, on: bool) -> None:
        """Read what it says, or leave that in the kernel for now."""
        if self._transport is None or self._transport.is_closing():
            return
        if on:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def done(self) -> None:
        """The answer is complete: close, or hear what comes next."""
        self._answering, self._ahead = None, 0
        self.idle_since = seam.monotonic()
        if self._transport is None:
            return
        if self.unsent:
            self._patience.wait("unread", UNREAD)
        if self._http.must_close or self._taken:
            self._transport.close()
        elif self.is_ready:
            self._has_more = True
            self._server.loop.call_soon(self._hear_next)
        else:  # it asks on and on, and reads no answer: it is heard again once it has
            self._is_muted = self._has_more = True
            self.listen(on=False)

    def _hear_next(self) -> None:
        self._has_more = False
        if self._transport is not None:
            self._guarded(self._http.resume)
            self._await_request()
        is_over = self._has_ended and self._answering is None and not self._has_more
        if is_over and self._transport is not None:
            self._transport.close()  # it has heard all, too

    def drop(self, *, too_slow: bool = False) -> None:
        """Close at once."""
        if too_slow:
            self._server.handlers.drop_client()
        if self._transport is not None:
            self._transport.abort()
