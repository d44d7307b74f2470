"""`screen` and `terminal`: the terminal of a service, as it is, and what a client types on it.

Init stays between the two. So the log misses nothing of what is shown, several clients may watch
and type, a client that hangs holds no descriptor of the terminal, and all of it goes on when init
is replaced. The answer is a stream of rows:

    {"service": "a", "run": 3, "stdin": true}     the first one
    {"output": "aGVsbG8NCg=="}                    base64; first the last lines, then what comes
    {"skipped": 4096}                             bytes that the client was too slow for
    {"exit_code": 0} or {"exit_signal": 15}       the last one: the run has ended
    {"error": {...}}                              the last one: the client has said what it may not

After the first row the client of `terminal` says, a row of JSON on a line each:

    {"input": "bHMK"}                             base64; typed
    {"rows": 24, "columns": 80}                   its window has that size

What a service does not read waits, and so does the client who typed it: nothing more is read from
its connection, while it still sees all that is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from nsinit.control.carry import Going
from nsinit.control.feed import Feed
from nsinit.control.routes import Refusal, encode
from nsinit.core.state import State
from nsinit.kernel.terminals import MOST
from nsinit.runtime.ring import lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nsinit.control.reply import Reply
    from nsinit.runtime.boot import Init
    from nsinit.runtime.ring import Record
    from nsinit.runtime.terminals import Terminal

    Row = bytes | dict[str, Any]  # output, or another row

_ALIVE: Final = frozenset({State.STARTING, State.RUNNING, State.STOPPING})
MAX_ROW: Final = 64 << 10  # bytes that a client may say in one row


class _Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A row of a client."""

    input: bytes = b""
    rows: int = 0
    columns: int = 0


_read = msgspec.json.Decoder(_Said).decode


class Attachment:
    """One client at the terminal of a run."""

    def __init__(
        self,
        init: Init,
        service: str,
        run: int,
        reply: Reply,
        *,
        types: bool,
        past: Iterator[Row],
    ) -> None:
        self._init = init
        self._service = service
        self._run = run
        self._reply = reply
        self._types = types
        self._said = b""
        self._sized = False
        self._paused = False
        self._terminal: Terminal | None = None
        self._feed: Feed[Row] = Feed(reply, init.reactor.turns, _render, past, follow=True)

    def begin(self, terminal: Terminal) -> None:
        """Send the first rows."""
        self._watch(terminal)
        self._feed.begin()
        if self._types:
            self._reply.hear(self._hear)

    def hold(self, going: Going) -> None:
        """Go on with a client of the init before this one, from `go_on` on."""
        self._said, self._sized = going.said, True
        self._feed.hold()
        if self._types:
            self._reply.hear(self._hear)
        found = self._init.logs.terminal(self._service)
        if found is not None and self._run:
            self._watch(found[0])

    def go_on(self, going: Going) -> None:
        """The client hears us now."""
        self._feed.go_on(going.rows)
        if self._terminal is None:
            self._feed.end()

    def _watch(self, terminal: Terminal) -> None:
        self._terminal = terminal
        terminal.listeners.append(self._show)
        terminal.on_end.append(self._ended)
        self._reply.on_leave(self._leave)
        self._reply.carry(self._export, self._feed)

    def _export(self) -> Going:
        return Going(
            kind="stream",
            names=[self._service],
            runs={self._service: self._run} if self._terminal is not None else {},
            rows=self._feed.rest(),
            said=self._said,
        )

    def _show(self, data: bytes) -> None:
        self._feed.offer(data, len(data))

    def _leave(self) -> None:
        """The client has gone."""
        if self._terminal is not None:
            self._terminal.forget(self._show, self._ended)
            self._terminal = None

    def _ended(self) -> None:
        """The run is over, and its terminal gone."""
        self._terminal = None
        s = self._init.driver.core.state.services.get(self._service)
        is_over = s is not None and (s.run != self._run or s.state not in _ALIVE)
        status = s.last_status if s is not None and is_over else None
        row = {"exit_code": status}
        if status is not None and status < 0:
            row = {"exit_signal": -status}
        self._feed.offer(row, 0)
        self._feed.end()

    # --- What the client says ---------------------------------------------------------------------

    def _hear(self, data: bytes) -> None:
        *rows, self._said = (self._said + data).split(b"\n")
        try:
            for row in rows:
                _check_size(row)
                self._obey(_check(row))
            _check_size(self._said)
        except Refusal as refusal:
            self._leave()
            self._feed.offer(refusal.body(), 0)
            self._feed.end()
            self._reply.hear(lambda _: None)

    def _obey(self, said: _Said) -> None:
        if self._terminal is None:
            return
        if said.rows:
            self._terminal.resize(said.rows, said.columns, anew=not self._sized)
            self._sized = True
        if said.input and not self._terminal.type(said.input, self._resume) and not self._paused:
            self._paused = True
            self._reply.listen(on=False)

    def _resume(self) -> None:
        if self._paused:
            self._paused = False
            self._reply.listen(on=True)


def attach(
    init: Init,
    params: dict[str, Any],
    reply: Reply,
    *,
    types: bool,
) -> None:
    """Show the terminal of a service to a client; with `types` also the other way round."""
    name = params["name"]
    state = init.driver.core.state.services[name]
    found = init.logs.terminal(name)
    if init.runs.services[name].tty is not True:
        hint = "tty = true in the configuration gives it one"
        raise Refusal(409, "no-terminal", f"{name} has no terminal of init's", hint)
    if found is None:
        message = f"cannot attach to {name}: it is {state.state}"
        raise Refusal(409, "not-running", message, f"nsinit ctl start {name}")
    terminal, unfinished = found
    records = init.logs.rings.last(name, params["lines"])
    first = {"service": name, "run": state.run, "stdin": types}
    past = _past(first, records, unfinished)
    Attachment(init, name, state.run, reply, types=types, past=past).begin(terminal)


def _past(first: dict[str, Any], records: list[Record], unfinished: bytes) -> Iterator[Row]:
    """The first row, and what the screen has shown already, as a terminal would have it."""
    yield first
    for record in records:
        if record.stream != "stdout":
            continue  # by syslog(3)
        yield b"".join(text if goes_on else text + b"\r\n" for text, goes_on, _ in lines(record))
    if unfinished:
        yield unfinished


def _render(row: Row) -> bytes:
    return encode({"output": row} if isinstance(row, bytes) else row) + b"\n"


def _check_size(row: bytes) -> None:
    if len(row) > MAX_ROW:
        raise Refusal(400, "too-large", f"a row has at most {MAX_ROW} bytes")


def _check(row: bytes) -> _Said:
    try:
        said = _read(row)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Refusal(400, "bad-row", f"cannot read what was said: {error}") from None
    if (said.rows, said.columns) != (0, 0) and not (
        0 < said.rows <= MOST and 0 < said.columns <= MOST
    ):
        message = f"expected a window of 1 to {MOST} rows and columns"
        raise Refusal(400, "bad-row", message)
    return said
