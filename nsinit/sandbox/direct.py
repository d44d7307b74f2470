"""A command in a sandbox without its init's help: for an init that hangs, or has lost its socket.

    who asks                  between                           warden, in the sandbox
    --------                  -------                           ----------------------
    fork -------------------> open all of init, join its
                              cgroups, read all of nsinit
                              enter its namespaces and root,
                              be who it is
                              fork ---------------------------> adopt orphans, start the command,
                              wait for its end                  end what is left with it
        <------------------------------------------------------ rows, as init sends them
        ------------------------------------------------------> signals; the end: HUP

The process between is who the warden's end is told to. It is in a session of its own, and not in
the pid namespace: neither ^Z nor a guest can stop it, and so hold up the end of the sandbox.
"""

from __future__ import annotations

import _socket
import errno
import fcntl
import os
from typing import TYPE_CHECKING, Final, NamedTuple, NoReturn

from nsinit.errors import DeniedError, NsinitError, SandboxError, UnreachableError
from nsinit.isolation.entered import BeAsInit, EnterAll, JoinCgroups, OpenInit
from nsinit.isolation.imports import ReadModules
from nsinit.isolation.init import NewKeyring
from nsinit.isolation.service import enclose
from nsinit.kernel import fds, mask, seam
from nsinit.process.program import Surroundings, in_place_of_init, on_descriptors, prepare
from nsinit.process.spawner import Spawner
from nsinit.process.steps import StepError, Taken
from nsinit.process.warden import Warden, encode, row_of
from nsinit.sandbox import place

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nsinit.model.spec import Service
    from nsinit.process.steps import Enclosure
    from nsinit.sandbox.state import Found

_ABOVE: Final = 10  # descriptors that are moved out of the way of the first three
_KINDS: Final[dict[int, type[NsinitError]]] = {
    errno.EPERM: DeniedError,
    errno.EACCES: DeniedError,
    errno.ESRCH: UnreachableError,
}


class Asked(NamedTuple):
    """A command to run, and on which descriptors, of a new terminal if that is said."""

    command: tuple[str, ...]  # empty: a shell
    user: str | None = None
    variables: Mapping[str, str] = {}
    terminal: bool = False


class Direct:
    """A command that runs, as seen from outside: the stream of what is told of it."""

    def __init__(self, stream: _socket.socket, pid: int) -> None:
        self.stream = stream
        self._pid = pid

    def close(self) -> None:
        """Wait until nothing of it is left here."""
        self.stream.close()
        os.waitid(os.P_PID, self._pid, os.WEXITED)


def start(found: Found, asked: Asked, given: Sequence[int]) -> Direct:
    """Start a command in a sandbox; the caller has one thread.

    UnreachableError if it can't be found; all that goes wrong later is told by the stream.
    """
    here = place.find(found.directory)
    if not found.record.pid or not found.record.countable():
        why = "is still being made" if not found.record.pid else "is in another pid namespace"
        raise UnreachableError(f"cannot enter {found.record.name!r}: its init {why}")
    ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        pid = seam.fork()
    except OSError as error:
        raise SandboxError(f"cannot fork: {error.strerror}") from None
    if pid == 0:
        ours.close()
        _be_between(found, here, asked, theirs, given)
    theirs.close()
    return Direct(ours, pid)


def _be_between(
    found: Found,
    here: place.Place,
    asked: Asked,
    stream: _socket.socket,
    given: Sequence[int],
) -> NoReturn:
    """Enter, and wait for the warden; whatever goes wrong is told."""
    try:
        mask.block_all()
        os.setsid()
        notes, *kept = (fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _ABOVE) for fd in (2, *given))
        fds.close_all_but({stream.fileno(), notes, *kept})
        null = seam.open_fd("/dev/null", os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(null, fd)
        init = _enter(found, notes)
        os.close(notes)
        if (pid := _fork()) == 0:
            _be_warden(init, here, asked, stream, kept)
        fds.close_all_but(())
        os.waitid(os.P_PID, pid, os.WEXITED)
    except BaseException as error:  # noqa: BLE001  (it must not unwind into what it is a copy of)
        _tell(stream, error)
    os._exit(0)


def _enter(found: Found, notes: int) -> OpenInit:
    init = OpenInit(found.record.pid, found.record.started)
    cgroups = JoinCgroups(init)
    try:
        Taken().take((init, cgroups, ReadModules(), EnterAll(init), NewKeyring(), BeAsInit(init)))
    except StepError as error:
        kind = _KINDS.get(error.errno, SandboxError)
        message = f"cannot enter {found.record.name!r}: {error}"
        raise kind(message, hint=error.remedy) from None
    for one in cgroups.refused:
        os.write(notes, f"nsinit: limits do not count for the command: {one}\n".encode())
    return init


def _fork() -> int:
    try:
        return seam.fork()
    except OSError as error:
        if error.errno == errno.ENOMEM:  # pid_namespaces(7): its init has ended
            raise UnreachableError("cannot enter: the init of the sandbox has ended") from None
        raise


def _be_warden(
    init: OpenInit,
    here: place.Place,
    asked: Asked,
    stream: _socket.socket,
    given: Sequence[int],
) -> NoReturn:
    try:
        fds.close_all_but({stream.fileno(), init.pidfd, *given})

        def confine(spec: Service, own: Mapping[str, str], beside: int) -> Enclosure | None:
            return enclose(spec, here.security, here.directory, own, beside)

        around = Surroundings(here.directory, here.env, here.shared, confine)
        spec = in_place_of_init(asked.command, asked.user, around)
        program = prepare(spec, around, {**here.own, **asked.variables})
        program = on_descriptors(program, given, terminal=asked.terminal)
        Warden(stream, init.pidfd).run(program, Spawner())
    except BaseException as error:  # noqa: BLE001  (as above)
        _tell(stream, error)
    os._exit(0)


def _tell(stream: _socket.socket, error: BaseException) -> None:
    """Say why there is no command; then there is no more to do here."""
    if isinstance(error, OSError):
        error = SandboxError(f"cannot enter: {error.strerror or error}")
    elif not isinstance(error, (NsinitError, ValueError)):
        error = SandboxError(f"internal error: {error!r}")
    try:
        stream.sendall(encode(row_of(error)))
    finally:
        os._exit(0)
