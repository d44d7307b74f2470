"""Own the waiting for what a program prints: line by line, and never without a deadline.

Imports the standard library only. What must stay true: nothing here sleeps; the kernel says when
there is more to read, and a wait that ends in vain shows the last of what was read instead.
"""

import contextlib
import json
import os
import select
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, Self, TypedDict

TIMEOUT: Final = 30.0
LAST_WORDS: Final = 30  # lines in the message of a wait in vain


class Event(TypedDict):
    """A row of `nsinit ctl events --json`."""

    seq: int
    service: str
    old: str
    new: str
    run: int
    pid: int | None
    reason: str
    result: str
    exit_code: int | None
    exit_signal: int | None


class Program:
    """A running program whose stdout and stderr are read as they come; usable as a context."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        cwd: str | None = None,
        terminal: bool = False,
    ) -> None:
        """Start it, without input or on a terminal of its own."""
        self.lines: Final[list[str]] = []
        self._fd, theirs = os.openpty() if terminal else os.pipe()
        self._piece = b""
        try:
            self.process: Final = subprocess.Popen(
                command,
                env=dict(environment),
                cwd=cwd,
                stdin=theirs if terminal else subprocess.DEVNULL,
                stdout=theirs,
                stderr=theirs,
            )
        finally:
            os.close(theirs)

    def __enter__(self) -> Self:
        """Be a context."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it, if it has not ended."""
        self.process.kill()
        self.process.wait()
        os.close(self._fd)

    def type(self, keys: bytes) -> None:
        """Type on its terminal."""
        os.write(self._fd, keys)

    def until(self, wanted: Callable[[str], bool], timeout: float = TIMEOUT) -> str:
        """Return the first line, of all that were ever read, that is wanted."""
        for line in self._ever(time.monotonic() + timeout):
            if wanted(line):
                return line
        raise AssertionError(f"it ended without what was wanted; {self._last_words()}")

    def until_text(self, text: str, timeout: float = TIMEOUT) -> str:
        """Return the first line with this text in it."""
        return self.until(lambda line: text in line, timeout)

    def until_end(self, timeout: float = TIMEOUT) -> int:
        """Read all the rest; its exit code."""
        end = time.monotonic() + timeout
        for _ in self._ever(end):
            pass
        return self.process.wait(max(0.1, end - time.monotonic()))

    def _last_words(self) -> str:
        last = self.lines[-LAST_WORDS:]
        return "\n".join([f"the last of {len(self.lines)} lines were:", *last])

    def _ever(self, end: float) -> Iterator[str]:
        """Yield what was read before, then what comes, until its end."""
        at = 0
        while True:
            yield from self.lines[at:]
            at = len(self.lines)
            if not self._read(end - time.monotonic()):
                yield from self.lines[at:]
                return

    def _read(self, left: float) -> bool:
        """Read once; False at the end."""
        if left <= 0 or not select.select([self._fd], [], [], left)[0]:
            raise AssertionError(f"waited too long; {self._last_words()}")
        block = b""
        with contextlib.suppress(OSError):  # EIO: nobody has the terminal any more
            block = os.read(self._fd, 65536)
        *whole, self._piece = (self._piece + block).split(b"\n")
        if not block and self._piece:
            whole, self._piece = [self._piece], b""
        self.lines.extend(line.decode(errors="backslashreplace") for line in whole)
        return bool(block)


class Events(Program):
    """A running `nsinit ctl events -f --json`, which begins with all that has happened before."""

    def seen(self) -> list[Event]:
        """Everything that was read so far; words of the tool itself are left out."""
        made: list[Event] = []
        for line in self.lines:
            with contextlib.suppress(ValueError):
                made.append(json.loads(line))
        return made

    def until_state(self, service: str, state: str, run: int = 0) -> Event:
        """Return how a service came into a state, in this run or a later one."""

        def wanted(line: str) -> bool:
            if not line.startswith("{"):
                return False
            event: Event = json.loads(line)
            fits = event["service"] == service and event["new"] == state
            return fits and event["run"] >= run

        found: Event = json.loads(self.until(wanted))
        return found
