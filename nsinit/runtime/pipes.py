"""The pipes that services write to: made for a run, or those that the run before has left.

Of a service that has been started more than once init keeps the writing end of its pipes, too, as
long as the run lasts. So a pipe does not end with the run: nobody has to be told, and what is
restarted at once is born with the same pipes. That spares some 20 system calls, and init's being
woken up twice before it hears of the death. What is not taken up in the same turn of the loop ends
as any pipe does, once nobody holds it.

A pipe is given again only when no process of the run before is left that could hold it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from nsinit.kernel import fds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from nsinit.runtime.reactor import Reactor
    from nsinit.runtime.stream import Key, Stream


class Pipes:
    """Makes streams that are pipes, and remembers for a moment those of runs that are over."""

    def __init__(self, reactor: Reactor, stream: Callable[[Key, int, str, int], Stream]) -> None:
        """`stream` makes one that reads from a descriptor, with a name and a limit of lines."""
        self._reactor = reactor
        self._stream = stream
        self._left: dict[str, list[Stream]] = {}  # by service

    def make(self, key: Key, names: Sequence[str], owner: int | None, limit: int) -> list[Stream]:
        """New ones, each with its writing end; OSError when descriptors run out."""
        made: list[Stream] = []
        try:
            for name in names:
                reader, writer = fds.make_pipe(owner)
                stream = self._stream(key, reader, name, limit)
                stream.writer, stream.owner = writer, owner
                made.append(stream)
        except OSError:
            let_go(made)
            for stream in made:
                os.close(stream.fd)
            raise
        return made

    def leave(self, service: str, streams: list[Stream]) -> bool:
        """Nobody but init holds them now; whether they may be taken up until the next turn."""
        if not streams or any(stream.writer < 0 for stream in streams):
            return False
        if not self._left:
            self._reactor.soon(self._end)
        self._left[service] = streams
        return True

    def take_up(self, service: str, names: list[str], owner: int | None) -> list[Stream]:
        """Those that a service has left, for its next run to begin, if it wants just these."""
        streams = self._left.get(service, [])
        if [stream.name for stream in streams] != names:
            return []
        if any(stream.writer < 0 or stream.owner != owner for stream in streams):
            return []
        for stream in streams:
            fds.make_as_new(stream.writer)
        del self._left[service]
        return streams

    def _end(self) -> None:
        left, self._left = self._left, {}
        for streams in left.values():
            let_go(streams)


def may_hold(writers: Iterable[int], held: Iterable[list[Stream]]) -> bool:
    """Whether init has descriptors enough to keep these; if not, all that it holds are closed."""
    if fds.is_common(max(writers)):
        return True
    for streams in held:
        let_go(streams)
    return False


def let_go(streams: Iterable[Stream]) -> None:
    """Close the writing ends: the pipes end when nobody else has one."""
    for stream in streams:
        if stream.writer >= 0:
            os.close(stream.writer)
            stream.writer = -1
