"""A line on the terminal that tells how far init is, while a verb waits for it.

It is made from the events of init, painted on stderr, and gone when the answer is there. Without a
terminal there is none.
"""

from __future__ import annotations

import os
import select
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from nsinit.cli.output import room, say
from nsinit.client import Client
from nsinit.control.commands import BY_NAME
from nsinit.errors import ControlError
from nsinit.wire import PIECE, decode

if TYPE_CHECKING:
    import _socket
    from collections.abc import Mapping, Sequence

    from nsinit.control.commands import Command

# The states in which what is being done is done.
UP: Final = ("running", "exited")
DOWN: Final = ("stopped", "exited", "failed")
VERBS: Final = {
    "start": ("starting", UP),
    "stop": ("stopping", DOWN),
    "restart": ("restarting", UP),
    "reload": ("reloading", UP),
    "wait": ("waiting for", UP),
    "shutdown": ("stopping", DOWN),
}
_GOALS: Final = {"stopped": DOWN, "exited": ("exited", "failed")}
_PATIENCE: Final = 0.3  # s; who gets an answer sooner needs no line
BEAT: Final = 0.5  # s between two looks at the clock


class Watching(Client):
    """A client that tells how far init is while it waits for an answer, or for the end of init."""

    def __init__(self, path: str | None, *, name: str) -> None:
        super().__init__(path, name=name)
        self._line: Line | None = None
        self._ctl = f"nsinit ctl -s {name}" if name else "nsinit ctl"

    def call(self, command: Command, params: Mapping[str, object]) -> Any:  # noqa: ANN401  (JSON)
        """As `Client.call`; the answer of a shutdown comes when init has ended, and says so."""
        if self._line is None and command.name in VERBS and not params.get("no_wait"):
            with suppress(ControlError):  # the verb itself tells it better
                self._line = self._begin(command, params)
        try:
            answer = super().call(command, params)
            if self._line is not None and command.name == "shutdown":
                while self._line.is_told:
                    self._line.look(BEAT)
                answer["ended"] = True
        except KeyboardInterrupt:
            if self._line is not None:
                self._line.give_up("init", f"{self._ctl} status")
            raise
        finally:
            if self._line is not None:
                self._line.close()
                self._line = None
        return answer

    def _begin(self, command: Command, params: Mapping[str, object]) -> Line:
        what, goal = VERBS[command.name]
        default = next((p.default for p in command.params if p.name == "timeout"), None)
        limit = params.get("timeout", default)
        line = Line(
            what,
            _GOALS.get(str(params.get("state")), goal),
            limit=float(limit) if isinstance(limit, (int, float)) else 0.0,
            moves=command.name in ("restart", "reload"),
        )
        names = params.get("names")
        line.follow(self, names if isinstance(names, list) else ())
        return line

    def before_answer(self, connection: _socket.socket) -> None:
        """Paint until there is something to read."""
        if self._line is not None:
            self._line.wait_for(connection)


class _Source(NamedTuple):
    """An init that tells of its services."""

    connection: _socket.socket
    prefix: str  # of the names of its services
    rest: list[bytes]  # what has come of a row


class Line:
    """What is known of services, by the events of their inits, and the line about them."""

    def __init__(
        self,
        what: str,
        goal: tuple[str, ...],
        *,
        limit: float = 0.0,
        moves: bool = False,
        is_seen: bool = True,
    ) -> None:
        """`what` is done until the states are in `goal`, for `limit` seconds at most (0: for ever).

        With `moves` they are there before it begins, too. Not `is_seen`: nothing is painted.
        """
        self.what, self.goal, self.limit = what, goal, limit
        self.about: set[str] | None = None  # those that count; None: all of them
        self._moves = moves
        self._is_seen = is_seen
        self._states: dict[str, str] = {}
        self._idle: set[str] = set()  # they wait for their time or a client, and are well
        self._moved: set[str] = set()
        self._sources: dict[int, _Source] = {}
        self._begun = time.monotonic()
        self._is_painted = False

    def follow(self, client: Client, names: Sequence[str] = (), prefix: str = "") -> None:
        """From now on hear of services of an init (all, if none are named). ControlError."""
        asked = {"names": list(names)}
        last = max((row.get("seq", 0) for row in client.call(BY_NAME["events"], asked)), default=0)
        answer = client.open_stream(BY_NAME["events"], {**asked, "follow": True, "since_seq": last})
        source = _Source(answer.connection, prefix, [b""])
        self._sources[answer.connection.fileno()] = source
        services = client.call(BY_NAME["status"], asked)["services"]
        states = {row["name"]: row["state"] for row in services}
        if "waiting" in states.values():
            verdicts = client.call(BY_NAME["health"], asked)["services"]
            well = {row["name"] for row in verdicts if row["health"] == "healthy"}
            self._idle |= {prefix + name for name in well if states.get(name) == "waiting"}
        self._states |= {prefix + name: state for name, state in states.items()}
        self._hear(source, answer.left)

    @property
    def is_told(self) -> bool:
        """Whether an init still tells what happens."""
        return bool(self._sources)

    def names(self) -> list[str]:
        """Those that are not where they are to be."""
        return [name for name in self._counted() if not self._is_done(name)]

    def _counted(self) -> list[str]:
        return [name for name in self._states if self.about is None or name in self.about]

    def _is_done(self, name: str) -> bool:
        state = self._states[name]
        if state == "waiting" and name in self._idle:
            return "running" in self.goal
        return state in self.goal and (not self._moves or name in self._moved)

    def wait_for(self, connection: _socket.socket) -> None:
        """Follow the events until the connection can be read, or its time is over."""
        time_out = connection.gettimeout()
        ends = None if time_out is None else self._begun + time_out
        while ends is None or time.monotonic() < ends:
            if self.look(BEAT, connection):
                return

    def look(self, seconds: float, other: _socket.socket | None = None) -> bool:
        """Take what is told, or comes in that time, and paint; whether `other` can be read.

        A line that nobody sees waits until there is something.
        """
        spent = time.monotonic() - self._begun
        wait = min(seconds, max(_PATIENCE - spent, 0.0)) if spent < _PATIENCE else seconds
        sources: list[Any] = [*self._sources] + ([other] if other is not None else [])
        readable, _, _ = select.select(sources, [], [], wait if self._is_seen else None)
        if other in readable:
            return True
        for fd in readable:
            self._take(self._sources[fd])
        if time.monotonic() - self._begun >= _PATIENCE and self._is_seen:
            self._paint()
        return False

    def _take(self, source: _Source) -> None:
        """What has been told since."""
        try:
            piece = source.connection.recv(PIECE)
        except OSError:
            piece = b""
        if piece:
            self._hear(source, piece)
        else:  # init goes on without telling, or has ended
            del self._sources[source.connection.fileno()]
            source.connection.close()

    def _hear(self, source: _Source, piece: bytes) -> None:
        *lines, source.rest[0] = (source.rest[0] + piece).split(b"\n")
        for row in map(decode, lines):
            name = source.prefix + (row.get("service") or "")
            if name in self._states and "new" in row:
                self._states[name] = row["new"]
                self._moved.add(name)

    def _paint(self) -> None:
        """As in "stopping 1 of 3: db, web (4 s of 60 s)"."""
        left, total = self.names(), len(self._counted())
        shown = ", ".join(f"{name} {self._states[name]}" for name in left[:3])
        shown += f" and {len(left) - 3} more" if len(left) > 3 else ""
        text = f"{self.what} {total - len(left)} of {total}" if total else self.what
        text += f": {shown}" if shown else ""
        spent = f"{time.monotonic() - self._begun:.0f} s"
        text += f" ({spent} of {self.limit:g} s)" if self.limit else f" ({spent})"
        width = (room() or _columns()) - 1
        encoding = sys.stderr.encoding or "ascii"
        text = text.encode(encoding, "backslashreplace").decode(encoding)[: max(width, 20)]
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()
        self._is_painted = True

    def give_up(self, who: str, hint: str) -> None:
        """Say what goes on though nobody waits for it any more."""
        what = " ".join((self.what, *self.names()))
        self.tell(f"no longer waiting; {who} goes on {what}: {hint}")

    def tell(self, text: str) -> None:
        """Say something in the place of the line, if that is seen."""
        if self._is_seen:
            self.clear()
            say(f"nsinit: {text}", sys.stderr)

    def clear(self) -> None:
        """Take the line away."""
        if self._is_painted:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._is_painted = False

    def close(self) -> None:
        """Follow no longer."""
        self.clear()
        for source in self._sources.values():
            source.connection.close()
        self._sources.clear()


def _columns() -> int:
    try:
        return os.get_terminal_size(2).columns or 80  # a serial line may not know
    except OSError:
        return 80
