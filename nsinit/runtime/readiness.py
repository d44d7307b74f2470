"""Services that tell that they are ready by a line of output, or by a newline on a descriptor.

What they tell is posted a turn later, behind the ends of processes that are known by then: a
service whose last words were that it is ready is not. A descriptor is written to as under s6
("notification-fd"); its end without a newline says nothing.
"""

from __future__ import annotations

import errno
import os
from functools import partial
from typing import TYPE_CHECKING, Final

from nsinit.core import messages as m
from nsinit.kernel import fds, seam
from nsinit.model.probing import LINE_MAX, compile_pattern

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Mapping

    from nsinit.model.spec import Ready, Service
    from nsinit.runtime.handover import Keep, UnreadyState
    from nsinit.runtime.logs import Logs
    from nsinit.runtime.reactor import Reactor
    from nsinit.runtime.ring import Record

    Key = tuple[str, int]  # service and run

_CHUNK: Final = 4096
_SEARCH: Final = 0.5  # s of the processor that a pattern may take for one block of lines


class Readiness:
    """The runs that have not told yet."""

    def __init__(self, reactor: Reactor, logs: Logs, post: Callable[[m.Event], object]) -> None:
        self._reactor = reactor
        self._logs = logs
        self._post = post
        self._pipes: dict[Key, int] = {}
        self._patterns: dict[Key, re.Pattern[bytes]] = {}
        self._told: list[Key] = []

    def open(self, service: str, run: int, ready: Ready) -> dict[int, int]:
        """Listen to a run; its descriptor and ours, which is to be closed after the spawn.

        OSError when descriptors run out.
        """
        key = (service, run)
        if ready.log is not None:
            self._patterns[key] = compile_pattern(ready.log)
            self._listen()
        if ready.fd is None:
            return {}
        reader, writer = seam.pipe(os.O_CLOEXEC)
        if fds.is_nearly_last(writer):
            os.close(reader)
            os.close(writer)
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        seam.set_blocking(reader, False)
        self._pipes[key] = reader
        self._reactor.add_reader(reader, partial(self._read, key))
        return {ready.fd: writer}

    def close(self, service: str, run: int) -> None:
        """It has told, or will not any more."""
        self._forget((service, run))
        self._listen()

    def drain(self, service: str, run: int) -> None:
        """Hear now what it has told so far; its output is drained by whoever calls."""
        self._read((service, run))
        self._tell()

    def export(self, keep: Keep) -> list[UnreadyState]:
        """Those that have not told, or whose word has not been passed on."""
        from nsinit.runtime.handover import NONE, UnreadyState  # noqa: PLC0415  (loaded by then)

        keys = dict.fromkeys((*self._pipes, *self._patterns, *self._told))
        return [
            UnreadyState(
                service=key[0],
                run=key[1],
                fd=keep(self._pipes.get(key, NONE)),
                line=key in self._patterns,
                told=key in self._told,
            )
            for key in keys
        ]

    def adopt(self, states: list[UnreadyState], services: Mapping[str, Service]) -> None:
        """Listen to those that another listened to."""
        for state in states:
            key = (state.service, state.run)
            ready = services[state.service].ready if state.service in services else None
            if state.line and ready is not None and ready.log is not None:
                self._patterns[key] = compile_pattern(ready.log)
            if state.fd >= 0:
                self._pipes[key] = state.fd
                self._reactor.add_reader(state.fd, partial(self._read, key))
            if state.told:
                self._has_told(key)
        self._listen()

    def _read(self, key: Key) -> None:
        reader = self._pipes.get(key)
        if reader is None:
            return
        try:
            data = seam.read(reader, _CHUNK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if b"\n" in data:
            self._has_told(key)
        elif not data:
            self.close(*key)

    def _hear_lines(self, record: Record) -> None:
        key = (record.service, record.run)
        pattern = self._patterns.get(key)
        if pattern is None:
            return
        lines = record.block.data[:-1].split(b"\n")
        if record.block.continues:  # of the rest of a cut line nobody knows where it began
            del lines[0]
        heads = (line[:LINE_MAX].rstrip(b"\r") for line in lines)
        from nsinit.kernel import stopwatch  # noqa: PLC0415  (for those who look at lines)

        try:
            found = stopwatch.bounded(_SEARCH, lambda: any(map(pattern.search, heads)))
        except stopwatch.TooSlowError:  # what the service writes may hold init for ever
            self._forget(key)
            self._reactor.soon(self._listen)
            text = f"{record.service}: its ready.log takes too long on what it writes"
            self._logs.outputs.tell("warning", f"{text}: no line makes this run ready")
            return
        if found:
            self._has_told(key)

    def _forget(self, key: Key) -> None:
        self._patterns.pop(key, None)
        reader = self._pipes.pop(key, None)
        if reader is not None:
            self._reactor.remove_reader(reader)
            os.close(reader)

    def _listen(self) -> None:
        """To lines as long as somebody waits for one; not while the listeners are told of one."""
        listeners = self._logs.early
        if self._patterns and self._hear_lines not in listeners:
            listeners.append(self._hear_lines)
        elif not self._patterns and self._hear_lines in listeners:
            listeners.remove(self._hear_lines)

    def _has_told(self, key: Key) -> None:
        self._forget(key)
        self._told.append(key)
        self._reactor.soon(self._tell)

    def _tell(self) -> None:
        told, self._told = self._told, []
        self._listen()
        for key in told:
            self._post(m.Ready(*key))
