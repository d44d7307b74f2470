"""The output of services: from their pipes and terminals into rings, to the console, and to files.

Every pipe is read into one buffer, a block at a time and once per turn of the loop, so that a
noisy service waits for the others. A pipe is drained when its service's main process has ended,
before that is told to anybody, and kept until nobody holds it any more. A terminal ends with
the run.
"""

from __future__ import annotations

import errno
import os
from functools import partial
from typing import TYPE_CHECKING, Final

from msgspec import structs

from nsinit.kernel import fds, seam
from nsinit.model.logs import STREAMS, sinks
from nsinit.named import Named
from nsinit.runtime.outputs import Outputs
from nsinit.runtime.ring import Record, Rings
from nsinit.runtime.stream import Buffer, Stream
from nsinit.runtime.tally import CAPTURE
from nsinit.runtime.telling import tell_each

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from typing import Any

    from nsinit.model.spec import Log, Service
    from nsinit.process.program import Program
    from nsinit.runtime.console import Console
    from nsinit.runtime.handover import Keep, Row
    from nsinit.runtime.lines import Block
    from nsinit.runtime.logstate import LogsState
    from nsinit.runtime.reactor import Reactor
    from nsinit.runtime.shaping import Piece
    from nsinit.runtime.stream import Key
    from nsinit.runtime.tally import Counter
    from nsinit.runtime.terminals import Terminal

_KEPT: Final = 2 << 20  # bytes: of a block that was read, with a stamp before each short line
_LOOK_AFTER: Final = 2.0  # s after which it is told what sinks did not take


class Ends(Named):
    """The descriptors that a service writes to; those to close after the spawn are `ours`."""

    stdout: int
    stderr: int
    ours: tuple[int, ...]
    stdin: int | None = None  # a terminal; otherwise there is nothing to read

    def standard(self, null: int) -> dict[int, int]:
        """The first three descriptors of a program: ours."""
        return {0: null if self.stdin is None else self.stdin, 1: self.stdout, 2: self.stderr}


class Logs:
    """All output of all services."""

    def __init__(self, reactor: Reactor, console: Console) -> None:
        self.rings = Rings()
        self.listeners: list[Callable[[Record], None]] = []
        self.on_drop: Callable[[str, int, int], object] = lambda *_: None  # how many, and so far
        self._looking = False
        self._told_drops = 0
        self.early: list[Callable[[Record], None]] = []  # to all that is said, in lines
        self._reactor = reactor
        self._is_busy = False  # and was always idle so far
        self._take = self._read  # bound once for all streams
        self._buffer = Buffer()
        self._streams: dict[Key, list[Stream]] = {}
        self._null = seam.open_fd("/dev/null", os.O_RDWR | os.O_CLOEXEC)
        self.outputs = Outputs(reactor, console, self._null)

    @property
    def null(self) -> int:
        """A descriptor of /dev/null."""
        return self._null

    def open_for(self, key: Key, spec: Service, program: Program) -> Ends:
        """What a new run of a service is born with; OSError, SpawnError without a terminal."""
        if spec.tty is True:
            from nsinit.runtime.terminals import give  # noqa: PLC0415  (few services have one)

            return give(key, spec, program, self)
        owner = program.identity[0] if program.identity is not None else None
        return self.open(key, spec.log, owner)

    def open(
        self, key: Key, log: Log, owner: int | None, readers: Mapping[str, int] | None = None
    ) -> Ends:
        """Make what a new run or one of its hooks writes to; OSError when descriptors run out.

        `owner` is the uid that the service will have: it may then open /dev/stdout by its name.
        With `readers` it is born already: the ends of its pipes by stream.
        """
        wanted = {name: sinks(log, name) for name in STREAMS}
        captured = [name for name, to in wanted.items() if not {"null", "inherit"} & set(to)]
        if not captured:
            return Ends(*self._uncaptured(wanted), ())
        self.rings.limit(key[0], log.ring)
        made: dict[str, tuple[int, int]] = {}
        try:
            for name in captured:
                made[name] = (readers[name], -1) if readers else fds.make_pipe(owner)
        except OSError:
            for pair in made.values():
                os.close(pair[0])
                os.close(pair[1])
            raise
        streams = [
            self._stream(key, reader, name, log.line_limit) for name, (reader, _) in made.items()
        ]
        self.outputs.lead_all(key, streams, log)
        self._streams[key] = streams
        self._reactor.soon(partial(self._watch, key, streams))  # the spawn does not wait for it
        out, err = self._uncaptured(wanted)
        out = made["stdout"][1] if "stdout" in made else out
        err = made["stderr"][1] if "stderr" in made else err
        return Ends(out, err, tuple(writer for _, writer in made.values()))

    def _watch(self, key: Key, streams: list[Stream]) -> None:
        """Read from pipes from now on, those that have not ended meanwhile."""
        for stream in streams:
            if stream in self._streams.get(key, ()):
                self._reactor.add_reader(stream.fd, stream)

    def open_terminal(self, key: Key, log: Log, owner: int | None) -> Ends:
        """Make a terminal for a new run; OSError. All that is written on it is stdout."""
        from nsinit.runtime.terminals import Terminal  # noqa: PLC0415  (few services have one)

        terminal = Terminal.make(self._reactor, owner)
        if fds.is_nearly_last(max(terminal.master, terminal.slave)):
            os.close(terminal.master)
            terminal.close()
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        self.rings.limit(key[0], log.ring)
        stream = self._stream(key, terminal.master, "stdout", log.line_limit)
        self.outputs.lead_all(key, [stream], log)
        stream.terminal = terminal
        self._streams[key] = [stream]
        self._reactor.add_reader(stream.fd, stream)
        return Ends(terminal.slave, terminal.slave, (), terminal.slave)

    def _stream(self, key: Key, fd: int, name: str, limit: int) -> Stream:
        tally = self.outputs.tallies.of(key[0], name, CAPTURE)
        return Stream(fd, name, limit, tally, key, self._take)

    def born(self, key: Key, pid: int) -> None:
        """The main process of a run, or another that goes on for it."""
        for stream in self._streams.get(key, ()):
            stream.pid = pid

    def terminal(self, service: str) -> tuple[Terminal, bytes] | None:
        """That of the service's present run, and the line on it that has not ended."""
        for (name, _, task), streams in self._streams.items():
            for stream in streams:
                if stream.terminal is not None and (name, task) == (service, ""):
                    rest, _ = stream.cutter.export()
                    return stream.terminal, stream.terminal.unfinished(rest)
        return None

    def _uncaptured(self, wanted: dict[str, tuple[str, ...]]) -> tuple[int, int]:
        """Where streams lead that nsinit does not read."""
        out = 1 if wanted["stdout"] == ("inherit",) else self._null
        return out, 2 if wanted["stderr"] == ("inherit",) else self._null

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
        """The run is over: an unfinished last line is a line now.

        Pipes that are held stay; a terminal is hung up.
        """
        for stream in list(self._streams.get(key, ())):
            self.drain(key)
            self._emit_last(key, stream)
            if stream.terminal is not None and stream in self._streams.get(key, ()):
                if stream.file is not None:
                    stream.file.end()
                self._close(key, stream)

    def _read(self, key: Key, stream: Stream) -> int:
        """Read once; the bytes read, 0 at the end of the stream, -1 if there is nothing now."""
        try:
            count = self._buffer.read(stream.fd, stream.size)
        except (BlockingIOError, InterruptedError):
            return -1
        except OSError:
            count = 0
        if count == 0:
            self._emit_last(key, stream)
            if stream.file is not None:
                stream.file.end()
            self._close(key, stream)
            return 0
        if stream.grow(count) and not self._is_busy:
            from nsinit.kernel import memory  # noqa: PLC0415  (few write so much)

            self._is_busy = True
            memory.keep_freed(_KEPT)
        if not self._looking:
            self._looking = True
            self._reactor.later(_LOOK_AFTER, self._look_for_drops)
        if stream.terminal is not None:
            self._hear(key, stream, stream.terminal.heard(bytes(self._buffer.view[:count])))
            return count
        stream.tally.bytes += count
        if stream.tap is not None:
            stream.tap.write(self._buffer.view[:count])
        self._emit(key, stream, stream.cutter.feed(self._buffer.data, count))
        return count

    def _hear(self, key: Key, stream: Stream, data: bytes) -> None:
        """What a terminal says."""
        if not stream.is_heard:
            return  # log = "null"
        stream.tally.bytes += len(data)
        if stream.tap is not None:
            stream.tap.write(data)
        self._emit(key, stream, stream.cutter.feed(data))

    def _look_for_drops(self) -> None:
        """A while after something was read: whether any sink did not take all of it."""
        self._looking = False
        if (total := self.dropped) != self._told_drops:
            count, self._told_drops = total - self._told_drops, total
            self.on_drop("bytes of output", count, total)

    def _close(self, key: Key, stream: Stream) -> None:
        self._reactor.remove_reader(stream.fd)
        if stream.terminal is not None:
            stream.terminal.close()
        os.close(stream.fd)
        left = [other for other in self._streams[key] if other is not stream]
        if left:
            self._streams[key] = left
        else:
            del self._streams[key]

    def _emit(self, key: Key, stream: Stream, blocks: list[Block]) -> None:
        """Lines are there; whoever waits for one hears them before any is left out."""
        if self.early:
            for block in blocks:
                tell_each(self.early, Record(0, seam.wall(), key[0], key[1], stream.name, block))
        if stream.shaper is None:
            for block in blocks:
                self._pass(key, stream, block, joined=False)
        else:
            self._pass_all(key, stream, stream.shaper.feed(blocks, seam.monotonic()))

    def _emit_last(self, key: Key, stream: Stream) -> None:
        """The run is over, or the stream: nothing is held any more."""
        self._emit(key, stream, stream.cutter.flush())
        if stream.shaper is not None:
            self._pass_all(key, stream, stream.shaper.flush(seam.monotonic()))

    def _pass_all(self, key: Key, stream: Stream, pieces: list[Piece]) -> None:
        for block, joined in pieces:
            self._pass(key, stream, block, joined=joined)
        at = stream.shaper.wake_at if stream.shaper is not None else None
        if at is not None and not stream.is_awaited:
            stream.is_awaited = True
            wait = max(0.0, at - seam.monotonic())
            self._reactor.later(wait, partial(self._look_again, key, stream))

    def _look_again(self, key: Key, stream: Stream) -> None:
        stream.is_awaited = False
        if stream.shaper is not None:
            self._pass_all(key, stream, stream.shaper.tick(seam.monotonic()))

    def _pass(self, key: Key, stream: Stream, block: Block, *, joined: bool) -> None:
        service, run, _ = key
        at = seam.wall()
        record = self.rings.add(at, service, run, stream.name, block)
        try:
            for put in stream.sinks:
                put(block, at, joined)
        finally:
            tell_each(self.listeners, record)

    # --- What comes by another way than a pipe ----------------------------------------------------

    def way(self, key: Key, name: str, log: Log) -> Stream:
        """Where such lines of a run go: to the ring, and to where its stdout does."""
        to = sinks(log, name)
        if to == ("inherit",):
            log = structs.replace(log, to=("console",))
        self.rings.limit(key[0], 0 if to == ("null",) else log.ring)
        stream = self._stream(key, -1, name, log.line_limit)
        self.outputs.lead_all(key, [stream], log)
        return stream

    def put(self, key: Key, stream: Stream, kept: Block, shown: Block) -> None:
        """Whole lines: as the ring has them, and as everybody else does."""
        at = seam.wall()
        if self.early:
            tell_each(self.early, Record(0, at, key[0], key[1], stream.name, shown))
        record = self.rings.add(at, key[0], key[1], stream.name, kept)
        stream.tally.bytes += len(shown.data)
        if stream.tap is not None:
            stream.tap.write(shown.data)
        for put in stream.sinks:
            put(shown, at, False)
        tell_each(self.listeners, record)

    # --- For another init -------------------------------------------------------------------------

    def export(self, keep: Keep) -> LogsState:
        """All streams and files, without the records of the rings."""
        from nsinit.runtime.logstate import NONE, LogsState, StreamState  # noqa: PLC0415  (loaded)

        rows = [(key, stream) for key, streams in self._streams.items() for stream in streams]
        taps = [stream.file for _, stream in rows if stream.file is not None]
        places = {id(tap): place for place, tap in enumerate(taps)}
        made: list[StreamState] = []
        for key, stream in rows:
            rest, continues = stream.cutter.export()
            state = StreamState(
                key=key,
                fd=keep(stream.fd),
                name=stream.name,
                limit=stream.cutter.limit,
                rest=rest,
                continues=continues,
                size=stream.size,
                console=stream.form is not None,
                form=stream.form or "",
                syslog=stream.syslog,
                pid=stream.pid,
                shape=stream.shaper.rules if stream.shaper is not None else None,
                shaper=stream.shaper.export() if stream.shaper is not None else None,
                tap=places.get(id(stream.file), NONE),
                terminal=stream.terminal.export(keep) if stream.terminal is not None else None,
            )
            made.append(state)
        limits, number = self.rings.export()
        return LogsState(
            width=self.outputs.console.width,
            streams=made,
            files=self.outputs.export_files(taps, keep),
            limits=limits,
            number=number,
            counters=[(*one,) for one in self.counters()],
            syslogs=self.outputs.export_syslogs(keep),
        )

    def adopt(
        self,
        state: LogsState,
        rows: Iterable[list[Row]],
        watch: Callable[[int, Callable[[int], None]], None],
    ) -> None:
        """Read on where another has read; `watch` tells the end of a child of init's own."""
        self.rings.adopt(state.limits, state.number, rows)
        taps = self.outputs.adopt(state, watch)
        self._told_drops = self.dropped
        for one in state.streams:
            stream = self._stream(one.key, one.fd, one.name, one.limit)
            self.outputs.lead_again(one, stream, taps)
            stream.cutter.adopt(one.rest, continues=one.continues)
            stream.size = one.size
            if one.terminal is not None:
                from nsinit.runtime.terminals import Terminal  # noqa: PLC0415  (as above)

                stream.terminal = Terminal.adopt(one.fd, one.terminal, self._reactor)
            self._streams.setdefault(one.key, []).append(stream)
            self._reactor.add_reader(one.fd, stream)
            self._pass_all(one.key, stream, [])

    # --- Counts -----------------------------------------------------------------------------------

    @property
    def dropped(self) -> int:
        """Bytes that stdout, stderr, log files and syslog did not take."""
        return self.outputs.dropped

    def forget_all_but(self, names: Collection[str]) -> None:
        """An update has taken the other services away."""
        self.rings.forget_all_but(names)
        self.outputs.tallies.forget_all_but(names)

    def counters(self) -> list[Counter]:
        """Bytes of each sink of each stream, and of what was read (sink "capture")."""
        return self.outputs.tallies.counters()

    def of_services(self, services: Iterable[str]) -> dict[str, dict[str, Any]]:
        """The same by service, for `ctl status`."""
        return self.outputs.tallies.of_services(services)
