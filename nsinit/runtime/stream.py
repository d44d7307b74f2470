"""One pipe or terminal that a service or a hook writes to, and all the places it leads to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nsinit.kernel import fds
from nsinit.runtime.lines import LineCutter

if TYPE_CHECKING:
    from nsinit.model.syslog import SyslogRules
    from nsinit.runtime.console import Sink
    from nsinit.runtime.logfiles import Tap
    from nsinit.runtime.shaping import Shaper
    from nsinit.runtime.tally import Tally
    from nsinit.runtime.terminals import Terminal

    Key = tuple[str, int, str]  # service, run, and which of its hooks writes ("": the service)

PIPE: Final = 64 << 10  # what a pipe holds at first (pipe(7)); a busy one gets more
BUSY_PIPE: Final = 1 << 20
_STEP: Final = 4


class Stream:
    """Read from `fd`; `tap` takes the bytes as they come, `sinks` take blocks of lines."""

    terminal: Terminal | None = None

    def __init__(self, fd: int, name: str, limit: int, tally: Tally) -> None:
        self.fd = fd
        self.name = name
        self.cutter = LineCutter(limit)
        self.size = PIPE
        self.tally = tally
        self.form: str | None = None  # on the console, if it goes there
        self.file: Tap | None = None
        self.tap: Tap | None = None  # the same, if it takes the bytes as they are
        self.sinks: list[Sink] = []
        self.syslog: SyslogRules | None = None
        self.shaper: Shaper | None = None
        self.is_awaited = False  # the shaper is to be asked again
        self.pid = 0  # of the main process, once it is known

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
