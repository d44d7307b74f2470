"""Descriptors: the first three open, none of ours inherited, as many as the hard limit allows."""

from __future__ import annotations

import errno
import fcntl
import os
import resource

from nsinit.kernel import libc, seam
from nsinit.lean import suppress

TYPE_CHECKING = False  # as `typing` has it, which would be loaded before the first service
if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping
    from typing import Final

RESERVE: Final = 16  # descriptors that services can't take from init
_FEW: Final = 1024  # where /proc does not tell which are open
_NO_FD: Final = 1 << 31
_PIPE_MODE: Final = 0o622  # who has a descriptor of it may write to it by /dev/stdout
_MANY: Final = 1 << 16  # as far as a loop over descriptors goes where close_range(2) is missing


def fill_standard() -> list[int]:
    """Open /dev/null as whichever of 0, 1, 2 is closed, and tell which that was.

    Otherwise the next open(2) would become stdin or stdout of whatever runs later.
    """
    closed: list[int] = []
    for fd in (0, 1, 2):
        try:
            seam.ask("fcntl")
            fcntl.fcntl(fd, fcntl.F_GETFD)
        except OSError:
            closed.append(fd)
            try:
                opened = seam.open_fd("/dev/null", os.O_RDWR)
            except OSError:
                opened = seam.pipe(0)[0]  # no /dev: anything that is open will do
            if opened != fd:
                seam.dup2(opened, fd)
                os.close(opened)
            seam.set_inheritable(fd, True)
    return closed


def close_on_exec() -> None:
    """Keep every descriptor but the first three from programs that are exec'ed."""
    try:
        libc.close_range(3, 0xFFFF_FFFF, libc.CLOSE_RANGE_CLOEXEC)
    except OSError:  # Linux before 5.11, or a seccomp profile that does not know the call
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        for fd in range(3, min(limit, _MANY)):
            try:
                seam.set_inheritable(fd, False)
            except OSError:
                continue


def inherited() -> set[int]:
    """What this process was given beyond the first three, as long as nobody has changed that.

    All that Python opens is close-on-exec, what came through an exec is not (PEP 446).
    """
    try:
        names = seam.list_directory("/proc/self/fd")
    except OSError:
        names = [str(fd) for fd in range(_FEW)]
    found: set[int] = set()
    for fd in map(int, names):
        with suppress(OSError):
            if fd > 2 and os.get_inheritable(fd):
                found.add(fd)
    return found


def close_inherited(keep: Container[int]) -> None:
    """Close what this process was given beyond the first three, but for what is in `keep`."""
    for fd in inherited():
        if fd not in keep:
            os.close(fd)


def close_all_but(keep: Iterable[int]) -> None:
    """Close everything beyond the first three that is not in `keep`."""
    low = 3
    for fd in (*sorted(keep), _NO_FD):
        if fd > low:
            try:
                libc.close_range(low, fd - 1, 0)
            except OSError:  # as above
                limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
                os.closerange(low, min(fd, limit, _MANY))
        low = max(low, fd + 1)


def raise_limit() -> int:
    """Raise the soft RLIMIT_NOFILE to the hard one; returns what it was, for the children."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            seam.ask("setrlimit")
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (OSError, ValueError):
            return soft  # a hard limit above fs.nr_open
    return soft


def is_limit(soft: int | None) -> bool:
    """Whether that is the soft limit of init already."""
    return soft == resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def limit(soft: int | None) -> None:
    """Give back the soft limit that init was given; None leaves what is there."""
    if soft is not None:
        seam.ask("setrlimit")
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, hard), hard))


def is_nearly_last(fd: int) -> bool:
    """Whether what is left below the limit is needed for control clients and the like."""
    return fd >= resource.getrlimit(resource.RLIMIT_NOFILE)[0] - RESERVE


def above(fds: Mapping[int, int]) -> dict[int, int]:
    """Child's descriptor to ours, with ours moved where no child's would overwrite it."""
    made = dict(fds)
    try:
        for theirs, ours in fds.items():
            if ours in made and ours != theirs:
                seam.ask("fcntl")
                made[theirs] = fcntl.fcntl(ours, fcntl.F_DUPFD_CLOEXEC, max(*fds, 2) + 1)
    except BaseException:
        for theirs, ours in made.items():
            if fds[theirs] != ours:
                os.close(ours)
        raise
    return made


def is_common(fd: int) -> bool:
    """Whether init is far from having as many descriptors as it may, as far as one can tell."""
    return fd < resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2


def make_as_new(writer: int) -> None:
    """Undo what a program has done to a pipe that the next one gets: its flags, and its mode."""
    seam.ask("fcntl")
    fcntl.fcntl(writer, fcntl.F_SETFL, 0)  # O_NONBLOCK is that of all who have it
    with suppress(OSError):
        seam.fchmod(writer, _PIPE_MODE)


def grow_pipe(fd: int, size: int) -> None:
    """Ask for a larger pipe buffer; past the user's quota it stays as it is (pipe(7))."""
    try:
        seam.ask("fcntl")
        fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, size)
    except OSError:
        return


def make_pipe(owner: int | None) -> tuple[int, int]:
    """A pipe to read from without waiting, which a service of that user can open by its name."""
    reader, writer = seam.pipe(os.O_CLOEXEC)
    try:
        if is_nearly_last(writer):
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))  # noqa: TRY301
        seam.set_blocking(reader, False)
        with suppress(OSError):  # a program may drop its privileges by itself, as nginx does
            seam.fchmod(writer, _PIPE_MODE)
        if owner is not None:
            with suppress(OSError):  # without CAP_CHOWN it is root's, and its mode lets others in
                seam.fchown(writer, owner, -1)
    except OSError:
        os.close(reader)
        os.close(writer)
        raise
    return reader, writer
