"""The output of services: from their pipes into rings and to the console.

Every pipe is read into one buffer, a block at a time and once per turn of the loop, so that a
noisy service waits for the others. A pipe is drained when its service's main process has ended,
before that is told to anybody, and kept until nobody holds it any more.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from nsinit.kernel import fds, seam
from nsinit.runtime.lines import LineCutter, with_prefix
from nsinit.runtime.ring import Rings

if TYPE_CHECKING:
    from collections.abc import Callable

    from nsinit.model.spec import Log
    from nsinit.runtime.lines import Block
    from nsinit.runtime.outlet import Outlet
    from nsinit.runtime.reactor import Reactor
    from nsinit.runtime.ring import Record

    Key = tuple[str, int, str]  # service, run, and which of its hooks writes ("": the service)

BUFFER: Final = 256 << 10
_PIPE: Final = 64 << 10  # what a pipe holds at first (pipe(7)); a busy one gets more
_BUSY_PIPE: Final = 1 << 20
_WIDEST: Final = 24  # of a name in the console's prefix


class Ends(NamedTuple):
    """The descriptors that a service writes to; those to close after the spawn are `ours`."""

    stdout: int
    stderr: int
    ours: tuple[int, ...]


class _Stream:
    def __init__(self, fd: int, name: str, limit: int) -> None:
        self.fd = fd
        self.name = name
        self.cutter = LineCutter(limit)
        self.size = _PIPE


class Logs:
    """All output of all services."""

    def __init__(self, reactor: Reactor, stdout: Outlet, stderr: Outlet, names: list[str]) -> None:
        self.rings = Rings()
        self.listeners: list[Callable[[Record], None]] = []
        self._reactor = reactor
        self._outlets = {"stdout": stdout, "stderr": stderr}
        self.width = min(_WIDEST, max((len(name) for name in [*names, "nsinit"]), default=0))
        self._buffer = bytearray(BUFFER)
        self._view = memoryview(self._buffer)
        self._streams: dict[Key, list[_Stream]] = {}
        self._null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)

    @property
    def null(self) -> int:
        """A descriptor of /dev/null."""
        return self._null

    def open(self, key: Key, log: Log, owner: int | None) -> Ends:
        """Make what a new run or one of its hooks writes to; OSError when descriptors run out.

        `owner` is the uid that the service will have: it may then open /dev/stdout by its name.
        """
        if log.to == "inherit":
            return Ends(1, 2, ())
        if log.to == "null":
            return Ends(self._null, self._null, ())
        self.rings.limit(key[0], log.ring)
        made: list[tuple[int, int]] = []
        try:
            for _ in ("stdout", "stderr"):
                made.append(seam.pipe(os.O_CLOEXEC))
                if fds.is_nearly_last(made[-1][1]):
                    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))  # noqa: TRY301
                os.set_blocking(made[-1][0], False)
                if owner is not None:
                    with suppress(OSError):  # without CAP_CHOWN only the name stays closed to it
                        seam.fchown(made[-1][1], owner, -1)
        except OSError:
            for pair in made:
                os.close(pair[0])
                os.close(pair[1])
            raise
        (out, out_end), (err, err_end) = made
        streams = [
            _Stream(out, "stdout", log.line_limit),
            _Stream(err, "stderr", log.line_limit),
        ]
        self._streams[key] = streams
        for stream in streams:
            self._reactor.add_reader(stream.fd, partial(self._read, key, stream))
        return Ends(out_end, err_end, (out_end, err_end))

    def drain(self, key: Key) -> None:
        """Read what a run has written so far, without waiting for more."""
        for stream in list(self._streams.get(key, ())):
            left = stream.size  # what was written before the end fits into the pipe
            while left > 0:
                got = self._read(key, stream)
                if got <= 0:
                    break
                left -= got

    def finish(self, key: Key) -> None:
        """The run is over: an unfinished last line is a line now. Pipes that are held stay."""
        for stream in list(self._streams.get(key, ())):
            self.drain(key)
            self._emit(key, stream.name, stream.cutter.flush())

    def _read(self, key: Key, stream: _Stream) -> int:
        """Read once; the bytes read, 0 at the end of the stream, -1 if there is nothing now."""
        try:
            count = seam.readv(stream.fd, [self._view])
        except (BlockingIOError, InterruptedError):
            return -1
        except OSError:
            count = 0
        if count == 0:
            self._emit(key, stream.name, stream.cutter.flush())
            self._close(key, stream)
            return 0
        if count >= stream.size and stream.size < _BUSY_PIPE:
            stream.size = _BUSY_PIPE
            fds.grow_pipe(stream.fd, _BUSY_PIPE)
        self._emit(key, stream.name, stream.cutter.feed(bytes(self._view[:count])))
        return count

    def _close(self, key: Key, stream: _Stream) -> None:
        self._reactor.remove_reader(stream.fd)
        os.close(stream.fd)
        left = [other for other in self._streams[key] if other is not stream]
        if left:
            self._streams[key] = left
        else:
            del self._streams[key]

    def _emit(self, key: Key, stream: str, blocks: list[Block]) -> None:
        service, run, _ = key
        for block in blocks:
            record = self.rings.add(seam.wall(), service, run, stream, block)
            name = f"{service:<{self.width}}"
            text = with_prefix(block, f"{name} | ".encode(), f"{name} + ".encode())
            self._outlets[stream].write(text)
            for listener in self.listeners:
                listener(record)

    @property
    def dropped(self) -> int:
        """Bytes that stdout and stderr did not take."""
        return sum(outlet.dropped for outlet in set(self._outlets.values()))

    def flush(self) -> bool:
        """Push out what waits for stdout and stderr; whether all of it is gone."""
        done = [outlet.flush() for outlet in set(self._outlets.values())]
        return all(done)
