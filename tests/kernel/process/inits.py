"""The init of a single command in a forked copy of this process, where it is seen at work."""

from __future__ import annotations

import fcntl
import os
import signal
import termios
import traceback
from typing import TYPE_CHECKING, Any

from nsinit.kernel import libc
from nsinit.process.single import Settings, run
from tests.support.live import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

ODD = 99  # the exit code when it raised something


def nothing() -> None:
    """What is done before by default."""


class Init:
    """One that was started, in a session of its own, without a terminal or on the one given."""

    def __init__(
        self,
        *command: str,
        before: Callable[[], object] = nothing,
        flags: int = 0,
        env: dict[str, str] | None = None,
        terminal: int | None = None,
        **settings: Any,
    ) -> None:
        """`before` is done in it at first; `flags` are those of its namespaces."""
        made = Settings(list(command))
        for name, value in settings.items():
            assert hasattr(made, name), name
            setattr(made, name, value)
        out, self._out = os.pipe()
        err, self._err = os.pipe()
        self.said = b""
        self.pid = libc.clone3(flags, signal.SIGCHLD)[0] if flags else os.fork()
        if self.pid == 0:
            code = ODD
            try:
                os.setsid()
                if terminal is not None:
                    own_terminal(terminal)
                else:
                    os.dup2(self._out, 1)
                os.dup2(self._err, 2)
                before()
                mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
                code = run(made, dict(os.environ) if env is None else env, mask)
            except BaseException:  # noqa: BLE001  (the test fails with it)
                os.write(2, traceback.format_exc().encode())
            finally:
                os._exit(code)
        os.close(self._out)
        os.close(self._err)
        self._out, self._err = out, err

    def line(self) -> str:
        """The next line of its command, which may take its time."""
        made = b""
        while not made.endswith(b"\n"):
            part = os.read(self._out, 1)
            assert part, (made, self.told())
            made += part
        return made.decode().rstrip("\n")

    def signal(self, number: int) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def end(self) -> tuple[int, str, str]:
        """Wait for its end: its code, what its command said, and what it said itself."""
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        with os.fdopen(self._out, "rb") as file:
            out = file.read().decode()
        told = self.told()
        assert status != ODD, told
        return status, out, told

    def told(self) -> str:
        """What it has said, up to its end."""
        with os.fdopen(self._err, "rb") as file:
            return file.read().decode()

    def child(self) -> int:
        """The pid of its command, as we see it."""
        path = f"/proc/{self.pid}/task/{self.pid}/children"

        def find() -> list[str]:
            with open(path, encoding="ascii") as file:
                return file.read().split()

        return int(eventually(find, "a command")[0])


def own_terminal(fd: int) -> None:
    """Let that be the terminal of our session, and our first three descriptors."""
    fcntl.ioctl(fd, termios.TIOCSCTTY, 0)
    for number in range(3):
        os.dup2(fd, number)


def finished(*command: str, **settings: Any) -> tuple[int, str, str]:
    """Its code, what its command said, and what it said itself."""
    return Init(*command, **settings).end()


def killed(init: Init) -> tuple[int, str, str]:
    """End its command."""
    os.kill(init.child(), signal.SIGKILL)
    return init.end()
