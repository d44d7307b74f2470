"""One pipe or terminal that a service or a hook writes to, and all the places it leads to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nsinit.kernel import fds, seam
from nsinit.named import Named
from nsinit.runtime.lines import LineCutter

if TYPE_CHECKING:
    from collections.abc import Callable

    from nsinit.model.syslog import SyslogRules
    from nsinit.runtime.console import Sink
    from nsinit.runtime.logfiles import Tap
    from nsinit.runtime.shaping import Shaper
    from nsinit.runtime.tally import Tally
    from nsinit.runtime.terminals import Terminal

    Key = tuple[str, int, str]  # service, run, and which of its hooks writes ("": the service)

PIPE: Final = 64 << 10  # what a pipe holds at first (pipe(7)); a busy one gets more
BUSY_PIPE: Final = 1 << 20
BUFFER: Final = 256 << 10
_STEP: Final = 4


class Ends(Named):
    """The descriptors that a service writes to; those to close after the spawn are `ours`."""

    stdout: int
    stderr: int
    ours: tuple[int, ...]
    stdin: int | None = None  # a terminal; otherwise there is nothing to read

    def standard(self, null: int) -> dict[int, int]:
        """The first three descriptors of a program: ours."""
        return {0: null if self.stdin is None else self.stdin, 1: self.stdout, 2: self.stderr}


class Buffer:
    """What all of them are read into, one after the other.

    All of it is in memory from its making on, so it is made for the first read, and has no more
    than the largest pipe until then holds, up to BUFFER.
    """

    __slots__ = ("data", "view")

    def __init__(self) -> None:
        self.data = bytearray()
        self.view = memoryview(self.data)

    def read(self, fd: int, size: int) -> int:
        """Read once of what holds `size`; how many bytes of `data` are new. OSError as readv(2)."""
        if len(self.data) < (room := min(size, BUFFER)):
            self.data = bytearray(room)
            self.view = memoryview(self.data)
        return seam.readv(fd, [self.view])


class Stream:
    """Read from `fd`; `tap` takes the bytes as they come, `sinks` take blocks of lines.

    There are two for each run that init has, so it is its own callback for when there is something
    to read: a call of it is one of `read`.
    """

    __slots__ = (
        *("cutter", "fd", "file", "form", "is_awaited", "key", "name", "pid", "read", "shaper"),
        *("owner", "sinks", "size", "syslog", "tally", "tap", "terminal", "writer"),
    )

    def __init__(
        self,
        fd: int,
        name: str,
        limit: int,
        tally: Tally,
        key: Key = ("", 0, ""),
        read: Callable[[Key, Stream], object] = lambda *_: None,
    ) -> None:
        self.read = read
        self.terminal: Terminal | None = None
        self.fd = fd
        self.name = name
        self.size = PIPE
        self.writer = -1  # the other end of the pipe, while init has that as well
        self.owner: int | None = None  # the uid that the pipe was made for
        self.begin(limit, tally, key)

    def begin(self, limit: int, tally: Tally, key: Key) -> None:
        """What comes from now on is of that run, or hook."""
        self.key = key
        self.cutter = LineCutter(limit)
        self.tally = tally
        self.form: str | None = None  # on the console, if it goes there
        self.file: Tap | None = None
        self.tap: Tap | None = None  # the same, if it takes the bytes as they are
        self.sinks: tuple[Sink, ...] = ()
        self.syslog: SyslogRules | None = None
        self.shaper: Shaper | None = None
        self.is_awaited = False  # the shaper is to be asked again
        self.pid = 0  # of the main process, once it is known

    def __call__(self) -> None:
        """There is something to read."""
        self.read(self.key, self)

    @property
    def is_heard(self) -> bool:
        """Whether what it says goes anywhere."""
        return bool(self.sinks) or self.tap is not None

    def grow(self, count: int) -> bool:
        """Have a larger pipe if a read has emptied one that was half full; whether it was.

        A pipe counts pages, which writers seldom fill: one that is full has less than its size.
        """
        if 2 * count >= self.size < BUSY_PIPE:
            self.size = min(_STEP * self.size, BUSY_PIPE)
            fds.grow_pipe(self.fd, self.size)
            return True
        return False
