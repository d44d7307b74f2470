"""A program on a real terminal: typed at, and its screen read."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import time
from typing import TYPE_CHECKING, Self

from tests.support.live import DEADLINE, ROOT, descendants, environment, eventually, status_field

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Sequence

INTERRUPT, SUSPEND, END = "\x03", "\x1a", "\x04"  # ^C, ^Z, ^D


class Screen:
    """A program that leads a session on a new pseudo-terminal."""

    def __init__(self, command: Sequence[str], directory: pathlib.Path, **env: str) -> None:
        self.master, slave = os.openpty()
        self.seen = ""
        given = environment(PYTHONPATH=str(ROOT), TERM="dumb", PS1="$ ", HISTFILE="", **env)
        try:
            self.process = subprocess.Popen(
                ["setsid", "--ctty", *command],
                stdin=slave,
                stdout=slave,
                stderr=slave,
                cwd=directory,
                env=given,
            )
        finally:
            os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for pid in [*descendants(self.process.pid), self.process.pid]:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self.hang_up()

    def type(self, text: str) -> None:
        """Type keys; a line ends with a new line."""
        os.write(self.master, text.encode())

    def hang_up(self) -> None:
        """Close the other end, as a lost connection does."""
        if self.master >= 0:
            os.close(self.master)
            self.master = -1

    def resize(self, rows: int, columns: int) -> None:
        """Change the size of the window."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))

    def wait_for_foreground(self, name: str) -> None:
        """Wait until a program of that name has the foreground: what is typed then reaches it."""
        eventually(
            lambda: status_field(os.tcgetpgrp(self.master), "Name") == name, f"{name} in front"
        )

    def wait_for_program(self, name: str) -> None:
        """Wait until a program of that name runs here: a shell's child before its exec loses ^C."""
        eventually(
            lambda: name in [status_field(pid, "Name") for pid in descendants(self.process.pid)],
            f"{name} runs",
        )

    def wait_for(self, pattern: str) -> str:
        """Read until a regular expression fits; what it fitted. Forgets all up to there."""
        until = time.monotonic() + DEADLINE
        while True:
            found = re.search(pattern, self.seen)
            if found:
                self.seen = self.seen[found.end() :]
                return found.group()
            left = until - time.monotonic()
            ready = left > 0 and select.select([self.master], [], [], left)[0]
            assert ready, f"waited too long for {pattern!r}: {self.seen[-800:]!r}"
            try:
                self.seen += os.read(self.master, 65536).decode(errors="replace")
            except OSError:  # the last program on it has ended
                raise AssertionError(f"no {pattern!r} came: {self.seen[-800:]!r}") from None
