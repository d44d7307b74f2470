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
    from collections.abc import Callable, Iterator

    from nsinit.core.messages import Action, Event
    from nsinit.core.recorder import Recorder
    from nsinit.core.supervisor import Supervisor
    from nsinit.runtime.boot import Init

NAME: Final = "flight.ndjson"
_QUIET: Final = 60.0  # s after an error before the next one leaves a record again
_PIECE: Final = 32 << 10


class Flight:
    """A recorder that never fails whoever tells it something."""

    def __init__(self, recorder: Recorder, path: str, warn: Callable[[str], object]) -> None:
        """`path` is where a record is left, "" for nowhere."""
        self.recorder = recorder
        self.path = path
        self._warn = warn
        self._broken = False
        self._left_at: float | None = None

    def begin(self, core: Supervisor, event: Event, now: float, jitter: float) -> None:
        """An event is about to be handled."""
        self._guard(lambda: self.recorder.begin(core, event, now, jitter))

    def end(self, actions: list[Action]) -> None:
        """It was."""
        self._guard(lambda: self.recorder.end(actions))

    def fail(self, error: BaseException) -> None:
        """It could not be."""
        self._guard(lambda: self.recorder.fail(repr(error)))

    def _guard(self, write: Callable[[], object]) -> None:
        if self._broken:
            return
        try:
            write()
        except Exception as error:  # noqa: BLE001  (a recorder must not be what ends a flight)
            self._broken = True
            self._warn(f"the flight recorder has stopped: {error!r}")

    def leave(self, *, asked: bool) -> str:
        """Write the record to its place; where, or "" if that can't be or was done just now.

        OSError only if it was `asked` for.
        """
        now = seam.monotonic()
        if not self.path:
            return ""
        if not asked and self._left_at is not None and now - self._left_at < _QUIET:
            return ""
        self._left_at = now
        try:
            self._write(now)
        except Exception as error:
            if asked and isinstance(error, OSError):
                raise
            self._warn(f"cannot write {self.path}: {error}")
            return ""
        return self.path

    def _write(self, now: float) -> None:
        """To another name first: half a record never takes the place of a whole one."""
        made = f"{self.path}.new"
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        fd = seam.open_fd(made, flags, 0o600)
        try:
            for piece in self.pieces(now):
                rest = memoryview(piece)
                while rest:
                    rest = rest[seam.write(fd, rest) :]
            seam.rename(made, self.path)
        except BaseException:
            with suppress(OSError):
                seam.unlink(made)
            raise
        finally:
            os.close(fd)

    def pieces(self, now: float) -> Iterator[bytes]:
        """The record as lines of JSON, several at a time."""
        import json  # noqa: PLC0415  (few ask for it)

        encode = json.JSONEncoder(separators=(",", ":")).encode
        some: list[bytes] = []
        size = 0
        for row in self.recorder.rows(now, seam.wall()):
            some.append(encode(row).encode() + b"\n")
            size += len(some[-1])
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
    init.driver.flight = Flight(recorder, place, init.say.warning)


def boot(init: Init) -> None:
    """Init begins."""
    prepare(init, [])
    init.history.note("boot", version=__version__)
