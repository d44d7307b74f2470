"""Waiting for descriptors and one alarm, before there is an event loop and with one.

All descriptors are in one epoll(7) instance, which is itself a descriptor: before there is a loop
it is waited for here, and then the loop watches that one and no other. So init spawns its first
services before it imports asyncio, and a pipe costs a callback and no objects of the loop (650
bytes and three system calls of uvloop's for each).

A callback that raises is told and init goes on: that of a descriptor is called again after a pause,
any other a few times, the alarm until it works. Imports asyncio for types only.
"""

from __future__ import annotations

import select
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from nsinit.kernel import seam
from nsinit.runtime.turns import Turns

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    Callback = Callable[[], object]

_READ: Final = select.EPOLLIN
_WRITE: Final = select.EPOLLOUT
_AGAIN: Final = 0.2  # s until what has raised is called again
_TRIES: Final = 6  # of what is called once; the pause doubles, which makes 6 s of it


class Reactor:
    """Descriptors to read from or write to, and the next instant to wake up at."""

    def __init__(self, on_error: Callable[[BaseException], None]) -> None:
        self._on_error = on_error
        seam.ask("epoll_create")
        self._epoll = select.epoll()
        self._readers: dict[int, Callback] = {}
        self._writers: dict[int, Callback] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._alarm: tuple[float, Callback] | None = None
        self._next: list[Callback] = []  # for the next turn, be it that of a loop or our own
        self._late: list[tuple[float, Callback]] = []  # the same, from an instant on
        self._paused: set[int] = set()  # descriptors whose callback has raised
        self._handle: asyncio.TimerHandle | None = None
        self.turns = Turns(self.soon)  # for what may take long

    def add_reader(self, fd: int, callback: Callback) -> None:
        """Call back whenever `fd` has something to read."""
        before = self._interest(fd)
        self._readers[fd] = callback
        self._watch(fd, before)

    def remove_reader(self, fd: int) -> None:
        """Forget `fd`; before it is closed."""
        before = self._interest(fd)
        self._readers.pop(fd, None)
        self._watch(fd, before)

    def add_writer(self, fd: int, callback: Callback) -> None:
        """Call back whenever `fd` takes something."""
        before = self._interest(fd)
        self._writers[fd] = callback
        self._watch(fd, before)

    def remove_writer(self, fd: int) -> None:
        """Forget `fd`; before it is closed."""
        before = self._interest(fd)
        self._writers.pop(fd, None)
        self._watch(fd, before)

    def _interest(self, fd: int) -> int:
        if fd in self._paused:
            return 0
        return _READ * (fd in self._readers) | _WRITE * (fd in self._writers)

    def _watch(self, fd: int, before: int) -> None:
        """Tell the kernel what is wanted of a descriptor, if that was something else `before`."""
        wanted = self._interest(fd)
        if fd in self._paused and fd not in self._readers and fd not in self._writers:
            self._paused.discard(fd)  # it may be another's number soon
        if wanted == before:
            return
        if not before:
            try:
                seam.ask("epoll_ctl")
                self._epoll.register(fd, wanted)
            except OSError:  # whoever asked is told, and may ask again
                self._readers.pop(fd, None)
                self._writers.pop(fd, None)
                raise
        elif wanted:
            self._epoll.modify(fd, wanted)
        else:
            with suppress(OSError):  # closed already, which took it out
                self._epoll.unregister(fd)

    def set_alarm(self, at: float | None, callback: Callback) -> None:
        """Call back at this monotonic instant, or never; there is one alarm."""
        self._alarm = None if at is None else (at, callback)
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        if self._loop is not None and at is not None:
            # A whole millisecond late at most: uvloop's timers are cut to milliseconds.
            wait = max(0.0, at - seam.monotonic())
            self._handle = self._loop.call_later(wait, self._run_alarm)

    def soon(self, callback: Callback) -> None:
        """Call back after what is due now; without a loop, in the next `turn`."""
        self._next.append(callback)
        if self._loop is not None and len(self._next) == 1:
            self._loop.call_soon(self._run_next)

    def later(self, seconds: float, callback: Callback) -> None:
        """Call back after a while, when nobody minds how long."""
        self._later(seconds, partial(self._run_once, callback))

    def _later(self, seconds: float, call: Callback) -> None:
        row = (seam.monotonic() + seconds, call)
        self._late.append(row)  # also with a loop, which may end before
        if self._loop is not None:
            self._loop.call_later(seconds, self._run_late, row)

    def _run_late(self, row: tuple[float, Callback]) -> None:
        if row in self._late:
            self._late.remove(row)
            row[1]()

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """From now on the loop waits."""
        self._loop = loop
        loop.add_reader(self._epoll.fileno(), self._look, 0)
        if self._alarm is not None:
            self.set_alarm(*self._alarm)
        if self._next:
            loop.call_soon(self._run_next)
        late, self._late = self._late, []
        for at, call in late:
            self._later(max(0.0, at - seam.monotonic()), call)

    def detach(self) -> None:
        """Wait by `turn` again: the loop has ended."""
        self._loop = self._handle = None

    def turn(self, timeout: float) -> None:
        """Wait once, without a loop: at most `timeout` seconds."""
        if self._next:
            self._run_next()
            timeout = 0.0
        else:
            ends = [at for at, _ in self._late] + ([self._alarm[0]] if self._alarm else [])
            if ends:
                timeout = min(timeout, max(0.0, min(ends) - seam.monotonic()))
        self._look(timeout)
        now = seam.monotonic()
        due = [call for at, call in self._late if at <= now]
        self._late = [row for row in self._late if row[0] > now]
        for call in due:
            call()
        if self._alarm is not None and self._alarm[0] <= now:
            self._run_alarm()

    def _look(self, timeout: float) -> None:
        """Wait so long (s) at most, and call back for what is ready."""
        readers, writers = self._readers, self._writers
        ready = [(fd, what, readers.get(fd), writers.get(fd)) for fd, what in self._poll(timeout)]
        # A callback may end another, and give its number to a descriptor that is not ready at all.
        for fd, what, reader, writer in ready:
            if reader is not None and what & ~_WRITE and readers.get(fd) is reader:
                self._run_ready(fd, reader)
            if writer is not None and what & ~_READ and writers.get(fd) is writer:
                self._run_ready(fd, writer)

    def _poll(self, timeout: float) -> list[tuple[int, int]]:
        try:
            seam.ask("epoll_wait")
            return self._epoll.poll(timeout)
        except (OSError, MemoryError) as error:  # there is no memory for it just now
            self._report(error)
            time.sleep(min(timeout, _AGAIN))
            return []

    # --- Calling back -----------------------------------------------------------------------------

    def _run_next(self) -> None:
        later, self._next = self._next, []
        for callback in later:
            self._run_once(callback)

    def _run_once(self, callback: Callback, tries: int = 1) -> None:
        """Call back, and soon again if that fails: what it was to do is still to be done."""
        if not self._run(callback) and tries < _TRIES:
            pause = _AGAIN * 2 ** (tries - 1)
            self._later(pause, partial(self._run_once, callback, tries + 1))

    def _run_alarm(self) -> None:
        if self._alarm is None:
            return
        alarm, self._alarm, self._handle = self._alarm, None, None
        if not self._run(alarm[1]) and self._alarm is None:
            self.set_alarm(seam.monotonic() + _AGAIN, alarm[1])

    def _run_ready(self, fd: int, callback: Callback) -> None:
        """Call back for a descriptor; after an error not before a pause, or we did nothing else."""
        if self._run(callback):
            return
        before = self._interest(fd)
        if before:
            self._paused.add(fd)
            self._watch(fd, before)
            self._later(_AGAIN, partial(self._resume, fd))

    def _resume(self, fd: int) -> None:
        before = self._interest(fd)
        self._paused.discard(fd)
        kept = self._readers.get(fd), self._writers.get(fd)
        try:
            self._watch(fd, before)
        except OSError as error:  # a shortage; a descriptor is closed only when it is forgotten
            self._report(error)
            for callbacks, callback in zip((self._readers, self._writers), kept, strict=True):
                if callback is not None:
                    callbacks[fd] = callback
            self._paused.add(fd)
            self._later(_AGAIN, partial(self._resume, fd))

    def _run(self, callback: Callback) -> bool:
        """Whether it has gone well. Interrupts are no exception here: nothing may end PID 1."""
        try:
            seam.ask_about(callback)
            callback()
        except BaseException as error:  # noqa: BLE001  (as said)
            self._report(error)
            return False
        return True

    def _report(self, error: BaseException) -> None:
        try:
            self._on_error(error)
        except BaseException:  # noqa: BLE001  (an error that can't be told is no worse for that)
            return
