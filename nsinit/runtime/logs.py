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
from nsinit.runtime.outputs import Outputs
from nsinit.runtime.pipes import Pipes, let_go, may_hold
from nsinit.runtime.ring import Record, Rings
from nsinit.runtime.stream import Buffer, Ends, Stream
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
    from nsinit.runtime.tally import Counter, Tally
    from nsinit.runtime.terminals import Terminal

_KEPT: Final = 2 << 20  # bytes: of a block that was read, with a stamp before each short line
_LOOK_AFTER: Final = 2.0  # s after which it is told what sinks did not take


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
        self._pipes = Pipes(reactor, self._stream)
        self._unled: dict[Key, Log] = {}  # of new runs, whose streams lead nowhere yet
        self._null = seam.open_fd("/dev/null", os.O_RDWR | os.O_CLOEXEC)
        self.outputs = Outputs(reactor, console, self._null)

    @property
    def null(self) -> int:
        """A descriptor of /dev/null."""
        return self._null

    def open_for(self, key: Key, spec: Service, program: Program, *, alone: bool = False) -> Ends:
        """What a new run is born with, `alone` or not; OSError, SpawnError without a terminal."""
        if spec.tty is True:
            from nsinit.runtime.terminals import give  # noqa: PLC0415  (few services have one)

            return give(key, spec, program, self)
        owner = program.identity[0] if program.identity is not None else None
        return self.open(key, spec.log, owner, again=alone and spec.kill_mode != "process")

    def open(
        self,
        key: Key,
        log: Log,
        owner: int | None,
        readers: Mapping[str, int] | None = None,
        *,
        again: bool = False,
    ) -> Ends:
        """Make what a new run or one of its hooks writes to; OSError when descriptors run out.

        `owner` is the uid that the service will have: it may then open /dev/stdout by its name.
        With `readers` it is born already: the ends of its pipes by stream. Pipes may be used
        `again` if nothing but the run and what it leaves can have them.
        """
        wanted = {name: sinks(log, name) for name in STREAMS}
        captured = [name for name, to in wanted.items() if not {"null", "inherit"} & set(to)]
        if not captured:
            return Ends(*self._uncaptured(wanted), ())
        self.rings.limit(key[0], log.ring)
        if readers:
            streams = [self._stream(key, readers[one], one, log.line_limit) for one in captured]
        else:
            streams = self._take_up(key, captured, owner, log.line_limit) if again else []
            streams = streams or self._pipes.make(key, captured, owner, log.line_limit)
        out, err = self._uncaptured(wanted)
        writers = {stream.name: stream.writer for stream in streams}
        out, err = writers.get("stdout", out), writers.get("stderr", err)
        ours: tuple[int, ...] = ()
        if not (may_hold(writers.values(), self._streams.values()) and again and key[1] > 1):
            ours = (*writers.values(),)
            for stream in streams:
                stream.writer = -1
        self._streams[key] = streams
        self._unled[key] = log
        if any("file" in to for to in wanted.values()):
            self._lead(key)  # it is there before the service can do anything about its place
        self._reactor.soon(partial(self._watch, key))  # the spawn does not wait for it
        return Ends(out, err, ours)

    def _take_up(self, key: Key, names: list[str], owner: int | None, limit: int) -> list[Stream]:
        """What the run before has left, as if new; nothing if that would not do."""
        streams = self._pipes.take_up(key[0], names, owner)
        for stream in streams:
            self._streams.pop(stream.key, None)
            if stream.file is not None:
                stream.file.end()
            stream.begin(limit, self._tally(key, stream.name), key)
        return streams

    def _watch(self, key: Key) -> None:
        """Read from pipes from now on, those that have not ended meanwhile."""
        self._lead(key)
        for stream in self._streams.get(key, ()):
            self._reactor.add_reader(stream.fd, stream)

    def _lead(self, key: Key) -> None:
        """Let what a new run writes go where it is wanted, before any of it is read."""
        if (log := self._unled.pop(key, None)) is not None:
            try:
                self.outputs.lead_all(key, self._streams.get(key, ()), log)
            except Exception as error:  # noqa: BLE001  (it is a run's, which goes on without)
                self.outputs.tell("error", f"{key[0]}: its output goes nowhere: {error!r}")

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
        return Stream(fd, name, limit, self._tally(key, name), key, self._take)

    def _tally(self, key: Key, name: str) -> Tally:
        return self.outputs.tallies.of(key[0], name, CAPTURE)

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

    def finish(self, key: Key, *, empty: bool = False) -> None:
        """The run is over: an unfinished last line is a line now.

        Pipes that are held stay. If nothing of the run is left that could hold them (`empty`), the
        next run may have them. A terminal is hung up.
        """
        self.drain(key)
        for stream in list(self._streams.get(key, ())):
            self._emit_last(key, stream)
            if stream.terminal is not None and stream in self._streams.get(key, ()):
                if stream.file is not None:
                    stream.file.end()
                self._close(key, stream)
        streams = self._streams.get(key, [])
        if not (empty and self._pipes.leave(key[0], streams)):
            let_go(streams)

    def _read(self, key: Key, stream: Stream) -> int:
        """Read once; the bytes read, 0 at the end of the stream, -1 if there is nothing now."""
        self._lead(key)
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
        if (total := self.outputs.dropped) != self._told_drops:
            count, self._told_drops = total - self._told_drops, total
            self.on_drop("bytes of output", count, total)

    def _close(self, key: Key, stream: Stream) -> None:
        self._reactor.remove_reader(stream.fd)
        let_go((stream,))
        if stream.terminal is not None:
            stream.terminal.close()
        os.close(stream.fd)
        left = [other for other in self._streams.pop(key, ()) if other is not stream]
        if left:
            self._streams[key] = left

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
            self._reactor.later(wait, partial(self._look_again, stream))

    def _look_again(self, stream: Stream) -> None:
        stream.is_awaited = False
        if stream.shaper is not None:
            self._pass_all(stream.key, stream, stream.shaper.tick(seam.monotonic()))

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
        from nsinit.runtime import logstate  # noqa: PLC0415  (loaded by then)

        for key in list(self._unled):
            self._lead(key)
        for streams in self._streams.values():
            let_go(streams)  # the other init has only what it reads
        rows = [stream for streams in self._streams.values() for stream in streams]
        taps = [stream.file for stream in rows if stream.file is not None]
        places = {id(tap): place for place, tap in enumerate(taps)}
        limits, number = self.rings.export()
        return logstate.LogsState(
            width=self.outputs.console.width,
            streams=[
                logstate.stream_state(one, keep, places.get(id(one.file), -1)) for one in rows
            ],
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
        self._told_drops = self.outputs.dropped
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
