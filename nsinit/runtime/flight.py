"""The flight recorder of this init: on from the first event, and where its record is left.

A record is left beside the control socket when init is asked to dump its state (USR2), and when it
has met an error of its own: for whoever looks into it later.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from nsinit import __version__
from nsinit.kernel import seam

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from nsinit.core.messages import Action, Event
    from nsinit.core.recorder import Recorder
    from nsinit.core.supervisor import Supervisor
    from nsinit.runtime.boot import Init
    from nsinit.runtime.turns import Turns

NAME: Final = "flight.ndjson"
_QUIET: Final = 60.0  # s after an error before the next one leaves a record again
_PIECE: Final = 8 << 10


class Flight:
    """A recorder that never fails whoever tells it something."""

    def __init__(
        self, recorder: Recorder, path: str, warn: Callable[[str], object], turns: Turns
    ) -> None:
        """`path` is where a record is left, "" for nowhere."""
        self.recorder = recorder
        self.path = path
        self._warn = warn
        self._turns = turns
        self._writing: Generator[None, None, str] | None = None
        self._broken = False
        self._left_at: float | None = None

    def begin(self, core: Supervisor, event: Event, now: float, jitter: float) -> None:
        """An event is about to be handled."""
        self._guard(lambda: self.recorder.begin(core, event, now, jitter))

    def end(self, actions: list[Action]) -> None:
        """It was."""
        self._guard(lambda: self.recorder.end(actions))

    def settle(self) -> None:
        """There is time to write down what has happened since the last time."""
        self._guard(self.recorder.settle)

    def fail(self, error: BaseException) -> None:
        """It could not be."""
        self._guard(lambda: self.recorder.fail(repr(error)))

    def _guard(self, write: Callable[[], object]) -> None:
        if self._broken:
            return
        try:
            write()
        except BaseException as error:  # noqa: BLE001  (a recorder must not be what ends a flight)
            self._broken = True
            self._warn(f"the flight recorder has stopped: {error!r}")

    def leave(self) -> None:
        """Write the record to its place at once, after an error; not again for a while."""
        if not self._is_due():
            return
        if self._writing is not None:
            self._writing.close()
        try:
            for _ in self._write():
                pass
        except Exception as error:  # noqa: BLE001  (as above)
            self._fail(error)

    def leave_in_turns(self, told: Callable[[str], object] | None = None) -> None:
        """The same, while everything else goes on; at any time if somebody wants to hear where."""
        if self._writing is not None or not ((self.path and told) or self._is_due()):
            return

        def done(path: str) -> None:
            self._writing = None
            if path and told is not None:
                told(path)

        self._writing = self._write()
        self._turns.take(self._writing, done, self._fail)

    def _is_due(self) -> bool:
        now = seam.monotonic()
        if not self.path or (self._left_at is not None and now - self._left_at < _QUIET):
            return False
        self._left_at = now
        return True

    def _fail(self, error: Exception) -> None:
        self._writing = None
        self._warn(f"cannot write {self.path}: {getattr(error, 'strerror', None) or error!r}")

    def _write(self) -> Generator[None, None, str]:
        """To another name first: half a record never takes the place of a whole one.

        Others may write to the directory: what has that name, and whatever it leads to, is left
        alone.
        """
        made = f"{self.path}.new"
        with suppress(FileNotFoundError):
            seam.unlink(made)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = seam.open_fd(made, flags, 0o600)
        try:
            for piece in self.pieces(seam.monotonic()):
                rest = memoryview(piece)
                while rest:
                    rest = rest[seam.write(fd, rest) :]
                yield
            seam.rename(made, self.path)
        except BaseException:
            with suppress(OSError):
                seam.unlink(made)
            raise
        finally:
            os.close(fd)
        return self.path

    def pieces(self, now: float) -> Iterator[bytes]:
        """The record as lines of JSON, some bytes at a time."""
        some: list[bytes] = []
        size = 0
        for piece in self.recorder.pieces(now, seam.wall()):
            some.append(piece)
            size += len(piece)
            if size >= _PIECE:
                yield b"".join(some)
                some, size = [], 0
        yield b"".join(some)


def prepare(init: Init, before: list[bytes]) -> None:
    """Have a recorder from here on, unless none is wanted; it goes on after those of `before`."""
    limit = init.given.loaded.config.init.recorder
    if not limit:
        return
    from nsinit.core.recorder import Recorder  # noqa: PLC0415  (some want none)

    path = init.listener.path
    place = f"{os.path.dirname(path)}/{NAME}" if path and not init.given.own_root else ""
    recorder = Recorder(__version__, limit)
    recorder.adopt(before)
    init.driver.flight = Flight(recorder, place, init.say.warning, init.reactor.turns)


def boot(init: Init) -> None:
    """Init begins."""
    prepare(init, [])
    init.history.note("boot", version=__version__)
