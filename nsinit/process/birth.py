"""The child of the single command mode, from the fork to the exec.

Everything is looked up and imported before the fork; what the command is given is what init itself
was given: mask, dispositions, descriptors, environment.
"""

from __future__ import annotations

import errno
import os

from nsinit.lean import signal
from nsinit.process.tell import tell_surely

TYPE_CHECKING = False  # without loading `typing`; see nsinit.kernel.seam
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import NoReturn

    from nsinit.process.single import Settings
    from nsinit.process.terminal import Terminal

# Those of nsinit.errors, which loads more than a start needs.
EXIT_NOT_EXECUTABLE = 126
EXIT_NOT_FOUND = 127
_SHELL = "/bin/sh"
_ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ESTALE, errno.ENODEV)  # look further; execvp(3)


class Birth:
    """What the child does and with what; made in the parent, where `become` must not be called."""

    def __init__(
        self,
        settings: Settings,
        env: dict[str, str],
        mask: Iterable[int],
        *,
        ignores_children: bool,
    ) -> None:
        self._settings = settings
        self._env = env
        self._mask = mask
        self._ignores_children = ignores_children
        self._parent = os.getpid()
        self._listens = _is_for_us(env)
        self.terminal = _find_terminal()
        self._acquire: Callable[[], None] | None = None
        if self.terminal is None and os.isatty(0):
            from nsinit.process.terminal import acquirer  # noqa: PLC0415  (loads termios)

            self._acquire = acquirer()

    def become(self) -> NoReturn:
        """Group, terminal, dispositions, mask last, then the command."""
        argv = self._settings.command
        number = errno.EIO
        try:
            self._settle()
            number = execute(argv, self._env)
        except OSError as error:
            number = error.errno or number
        finally:
            tell_surely(f"cannot execute {argv[0]}: {os.strerror(number)}")
            os._exit(EXIT_NOT_FOUND if number == errno.ENOENT else EXIT_NOT_EXECUTABLE)

    def _settle(self) -> None:
        if self.terminal is not None:
            self.terminal.join()
        else:
            os.setsid()
            if self._acquire is not None:
                self._acquire()
        if self._settings.parent_death == signal.SIGKILL:  # init itself can't pass that one on
            die_with(self._parent, signal.SIGKILL)
        if self._listens:
            self._env["LISTEN_PID"] = str(os.getpid())
            self._env.pop("LISTEN_PIDFDID", None)  # of another process; see sd_listen_fds(3)
        for one in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, our caller did not
            signal.signal(one, signal.SIG_DFL)
        if self._ignores_children:
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # no KeyboardInterrupt before the exec
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)


def _find_terminal() -> Terminal | None:
    """The controlling terminal; where there is none, nothing is loaded for it."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError as error:
        if error.errno == errno.ENXIO:
            return None
    from nsinit.process.terminal import Terminal  # noqa: PLC0415  (most containers have none)

    return Terminal.find()


def die_with(parent: int, number: int) -> None:
    """Get a signal when the parent ends, also if it has ended since it was seen as `parent`."""
    from nsinit.kernel.proc import die_with_parent  # noqa: PLC0415  (ctypes; loaded by the start)

    die_with_parent(number)
    if os.getppid() != parent:
        os.kill(os.getpid(), number)


def execute(argv: list[str], env: dict[str, str]) -> int:
    """As execvp(3), which also gives files without a magic number to the shell; the errno."""
    name = argv[0]
    paths = [name]
    if "/" not in name:
        search = env.get("PATH", os.defpath)
        paths = [os.path.join(directory, name) for directory in search.split(":")] if name else []
    result = errno.ENOENT
    for path in paths:
        number = _execve(path, argv, env)
        if number == errno.ENOEXEC:
            return _execve(_SHELL, [_SHELL, path, *argv[1:]], env)
        if number == errno.EACCES:
            result = number  # unless there is another one further on
        elif number not in _ABSENT:
            return number
    return result


def _execve(path: str, argv: list[str], env: dict[str, str]) -> int:
    try:
        os.execve(path, argv, env)
    except OSError as error:
        return error.errno or errno.EIO


def _is_for_us(env: dict[str, str]) -> bool:
    """Whether the descriptors from 3 on were passed to us, and so are now the command's."""
    own = str(os.getpid())
    return "LISTEN_FDS" in env and env.get("LISTEN_PID", own) == own
