"""A line on the terminal that tells how far init is, while a verb waits for it.

It is made from the events of init, painted on stderr, and gone when the answer is there. Without a
terminal there is none.
"""

from __future__ import annotations

import json
import os
import select
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from nsinit.cli.output import room, say
from nsinit.client import Client
from nsinit.control.commands import BY_NAME
from nsinit.errors import ControlError
from nsinit.wire import PIECE, request

if TYPE_CHECKING:
    import _socket
    from collections.abc import Mapping

    from nsinit.control.commands import Command

# What is being done, and the states in which it is done.
_UP: Final = ("running", "exited")
_DOWN: Final = ("stopped", "exited", "failed")
VERBS: Final = {
    "start": ("starting", _UP),
    "stop": ("stopping", _DOWN),
    "restart": ("restarting", _UP),
    "reload": ("reloading", _UP),
    "wait": ("waiting for", _UP),
}
_GOALS: Final = {"stopped": _DOWN, "exited": ("exited", "failed")}
_PATIENCE: Final = 0.3  # s; who gets an answer sooner needs no line
_BEAT: Final = 0.5  # s


def is_wanted(*, quiet: bool) -> bool:
    """Whether somebody sees a line that changes."""
    try:
        seen = os.isatty(2) and sys.stderr is not None
    except OSError:
        return False
    return seen and not quiet and os.environ.get("TERM") not in (None, "dumb")


class Watching(Client):
    """A client that tells how far init is while it waits for an answer."""

    _line: _Line | None = None

    def call(self, command: Command, params: Mapping[str, object]) -> Any:  # noqa: ANN401  (JSON)
        """As `Client.call`."""
        if self._line is None and command.name in VERBS and not params.get("no_wait"):
            with suppress(ControlError):  # the verb itself tells it better
                self._line = self._begin(command, params)
        try:
            return super().call(command, params)
        except KeyboardInterrupt:
            if self._line is not None:
                self._line.clear()
                what = " ".join((self._line.what, *self._line.names()))
                say(
                    f"nsinit: no longer waiting; init goes on {what}: nsinit ctl status", sys.stderr
                )
            raise
        finally:
            if self._line is not None:
                self._line.close()
                self._line = None

    def _begin(self, command: Command, params: Mapping[str, object]) -> _Line:
        names = {"names": params.get("names") or []}
        services = super().call(BY_NAME["status"], names)["services"]
        last = 0
        for row in super().call(BY_NAME["events"], names):
            last = max(last, row.get("seq", 0))
        connection = self._connect()
        connection.sendall(request(BY_NAME["events"], {**names, "follow": True, "since_seq": last}))
        states = {row["name"]: row["state"] for row in services}
        default = next((p.default for p in command.params if p.name == "timeout"), None)
        limit = params.get("timeout", default)
        made = _Line(command.name, states, connection)
        made.goal = _GOALS.get(str(params.get("state")), made.goal)
        made.limit = float(limit) if isinstance(limit, (int, float)) else 0.0
        return made

    def before_answer(self, connection: _socket.socket) -> None:
        """Paint until there is something to read."""
        if self._line is not None:
            self._line.paint_until(connection)


class _Line:
    """What is known of the services, and the line about them."""

    def __init__(self, verb: str, states: dict[str, str], events: _socket.socket) -> None:
        self.what, self.goal = VERBS[verb]
        self.limit = 0.0  # s
        self._moves = verb in ("restart", "reload")  # they begin where they end
        self._states = states
        self._moved: set[str] = set()
        self._events: _socket.socket | None = events
        self._data = b""
        self._begun = time.monotonic()
        self._is_painted = False

    def names(self) -> list[str]:
        """Those that are not where they are to be."""
        return [name for name, state in self._states.items() if not self._is_done(name, state)]

    def _is_done(self, name: str, state: str) -> bool:
        return state in self.goal and (not self._moves or name in self._moved)

    def paint_until(self, connection: _socket.socket) -> None:
        """Follow the events until the connection can be read."""
        time_out = connection.gettimeout()
        ends = None if time_out is None else self._begun + time_out
        wait = _PATIENCE
        while ends is None or time.monotonic() < ends:
            sources = [connection] + ([self._events] if self._events is not None else [])
            readable, _, _ = select.select(sources, [], [], wait)
            if connection in readable:
                return
            if readable:
                self._take()
            if time.monotonic() - self._begun >= _PATIENCE:
                self._paint()
                wait = _BEAT

    def _take(self) -> None:
        """What has been told since."""
        assert self._events is not None  # noqa: S101  (it was readable)
        try:
            piece = self._events.recv(PIECE)
        except OSError:
            piece = b""
        if not piece:  # init goes on without telling: the answer comes all the same
            self._events.close()
            self._events = None
            return
        *lines, self._data = (self._data + piece).split(b"\n")
        for line in lines:
            if not line.startswith(b"{"):
                continue  # of the head
            row = json.loads(line)
            if row.get("service") in self._states and "new" in row:
                self._states[row["service"]] = row["new"]
                self._moved.add(row["service"])

    def _paint(self) -> None:
        """As in "stopping 1 of 3: db, web (4 s of 60 s)"."""
        left = self.names()
        shown = ", ".join(f"{name} {self._states[name]}" for name in left[:3])
        shown += f" and {len(left) - 3} more" if len(left) > 3 else ""
        spent = f"{time.monotonic() - self._begun:.0f} s"
        spent += f" of {self.limit:g} s" if self.limit else ""
        total = len(self._states)
        text = f"{self.what} {total - len(left)} of {total}: {shown} ({spent})"
        width = (room() or _columns()) - 1
        encoding = sys.stderr.encoding or "ascii"
        text = text.encode(encoding, "backslashreplace").decode(encoding)[: max(width, 20)]
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()
        self._is_painted = True

    def clear(self) -> None:
        """Take the line away."""
        if self._is_painted:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._is_painted = False

    def close(self) -> None:
        """Follow no longer."""
        self.clear()
        if self._events is not None:
            self._events.close()


def _columns() -> int:
    try:
        return os.get_terminal_size(2).columns
    except OSError:
        return 80
