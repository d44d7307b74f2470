"""The controlling terminal of a single command: who has the foreground, and who gets it back.

The command runs in a process group of its own, so that what is typed reaches it once. It gets the
foreground at its birth, or, when others in our group may want to read as well (a pipeline), as soon
as it reads. To the shell above the two are one job: when the command stops we take the terminal
back and stop too; when the shell continues us, the command gets back what it had.

The caller has blocked TTOU: that is what allows tcsetpgrp(3) from the background. A terminal that
hangs up meanwhile answers EIO or ENOTTY; none of that is fatal. Sources: credentials(7),
tcsetpgrp(3), tty_ioctl(4).
"""

from __future__ import annotations

import errno
import os

from nsinit.lean import signal, suppress

TYPE_CHECKING = False  # without loading `typing`; see nsinit.kernel.seam
if TYPE_CHECKING:
    from collections.abc import Callable

_TYPE = 0o170000  # of st_mode; see inode(7)
_PIPE_OR_SOCKET = (0o010000, 0o140000)
_ABOVE = 10  # descriptors that a command may have been given closed, or as sockets to listen on


class Terminal:
    """Our controlling terminal, by the descriptor `fd`."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._group = os.getpgrp()  # 0 when it is outside of our pid namespace
        self._given = False  # the foreground is the command's
        self.wanted = self.is_ours() and (_leads_session() or not _in_pipeline())

    @classmethod
    def find(cls) -> Terminal | None:
        """The controlling terminal, if there is one."""
        try:
            return cls(_open())
        except OSError:
            return None

    def is_ours(self) -> bool:
        """Whether our process group has the foreground."""
        try:
            return os.tcgetpgrp(self.fd) == self._group
        except OSError:
            return False

    def join(self) -> None:
        """In the command, before exec: its own group, and the foreground if it is to have it."""
        os.setpgid(0, 0)
        if self.wanted:
            with suppress(OSError):
                os.tcsetpgrp(self.fd, os.getpid())

    def began(self) -> None:
        """In init: the command has been forked."""
        self._given = self.wanted

    def give(self, group: int) -> bool:
        """Give the command the foreground if it is ours; whether the command has it now."""
        try:
            now = os.tcgetpgrp(self.fd)
            if now == self._group != group:
                self.wanted = True
                os.tcsetpgrp(self.fd, group)
                now = group
        except OSError:
            return False
        self._given = now == group
        return self._given

    def take_back(self) -> None:
        """Let our own group have the foreground again, if it was us who gave it away."""
        if self._given:
            self._given = False
            with suppress(OSError):
                os.tcsetpgrp(self.fd, self._group)

    def command_stopped(self, group: int, number: int) -> bool:
        """The command was stopped by a signal; whether it has to be continued now.

        Returns after the shell has continued us, if there is a shell that does so.
        """
        asks = number in (signal.SIGTTIN, signal.SIGTTOU)
        if asks and self.give(group):
            return True
        self.wanted = self.wanted or asks
        had = self._given
        self.take_back()
        if stop_with_group():
            return False  # the CONT that we got is pending, and passed on like any
        # Nobody is there who could continue it: to such a group ^Z means nothing.
        return number == signal.SIGTSTP and (self.give(group) or not had)


def acquirer() -> Callable[[], None]:
    """What makes a terminal on stdin that of our new session, unless another one has it."""
    import fcntl  # noqa: PLC0415  (only where stdin is a terminal)
    import termios  # noqa: PLC0415  (the same)

    def acquire() -> None:
        with suppress(OSError):
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    return acquire


def stop_with_group() -> bool:
    """Stop as ^Z would have stopped our group; True after somebody has continued us.

    False when nobody would: the kernel does not stop a group that no shell looks after, nor PID 1.
    """
    if os.getpid() == 1:
        return False
    os.kill(0, signal.SIGTSTP)  # a script that runs us, a pipeline: all are the shell's one job
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTSTP})  # here we stand still
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTSTP})
    return signal.SIGCONT in signal.sigpending()


def _open() -> int:
    try:
        fd = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise  # we have none
        fd = next((fd for fd in (0, 1, 2) if _controls(fd)), -1)  # no such file in this root
        if fd < 0:
            raise
        return _move(fd)
    high = _move(fd)
    os.close(fd)
    return high


def _move(fd: int) -> int:
    import fcntl  # noqa: PLC0415  (only on a terminal)

    return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _ABOVE)


def _controls(fd: int) -> bool:
    try:
        os.tcgetpgrp(fd)
    except OSError:
        return False
    return True


def _leads_session() -> bool:
    return os.getsid(0) == os.getpid()


def _in_pipeline() -> bool:
    """Whether others in our group may read the terminal: their output or input is ours."""
    for fd in (0, 1):
        with suppress(OSError):
            if os.fstat(fd).st_mode & _TYPE in _PIPE_OR_SOCKET:
                return True
    return False
