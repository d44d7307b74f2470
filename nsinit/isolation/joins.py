"""Namespaces that are there already: opened, tried, and entered.

Rules that hold here:

1. Everything is opened, and tried by a process that is thrown away, before anything else is done.
2. The user namespace is entered after the others, as that gives the power over its own away; what
   was refused before is tried again with the power that it has brought (user_namespaces(7)).
3. Whoever enters a pid namespace stays where he is: it is for his children (setns(2)).
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from nsinit.isolation.basics import Inside
from nsinit.isolation.imports import forbid
from nsinit.kernel import libc, namespaces, seam
from nsinit.kernel.namespaces import FLAGS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nsinit.kernel.namespaces import Kind

_OWNER = (
    "that needs CAP_SYS_ADMIN in the user namespace that it belongs to: "
    "be root there, or join that user namespace with it"
)


class Join(NamedTuple):
    """A namespace to enter: by the pid of a member, or by a file that stands for it."""

    kind: Kind
    path: str
    owner: str = ""  # for people: "process 1234"; "" if the path was named

    def words(self) -> str:
        """For people."""
        if self.owner:
            return f"the {self.kind} namespace of {self.owner}"
        return f"the {self.kind} namespace {self.path}"


class OpenNamespace:
    """Open the file of a namespace, and see that it is one of the right kind."""

    def __init__(self, join: Join) -> None:
        self.join = join
        self.fd = -1

    def describe(self) -> str:
        """For people."""
        return f"open {self.join.words()}"

    def apply(self) -> None:
        """open(2), without waiting for whoever might write to a pipe of that name."""
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
        try:
            self.fd = seam.open_fd(self.join.path, flags)
        except OSError as error:
            if self.join.owner and error.errno == errno.ENOENT:
                raise OSError(error.errno, "there is no such process") from None
            raise
        found = namespaces.kind_of(self.fd)
        if found != self.join.kind:
            self.undo()
            what = f"it is a {found} namespace" if found else "it is no namespace"
            raise OSError(errno.EINVAL, what)

    def undo(self) -> None:
        """Close it, once."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def remedy(self, number: int) -> str:
        """What to name instead."""
        if number == errno.EACCES:
            return "only root, and who may trace a process, can see its namespaces"
        if number == errno.EINVAL:
            path = namespaces.path_of(self.join.kind, 1)
            return f"name a file such as {path}, or a bind mount of one"
        return ""


class EnterNamespaces(Inside):
    """Enter all of them; the caller's next child is in all."""

    def __init__(self, opened: Sequence[OpenNamespace]) -> None:
        self._opened = opened

    def describe(self) -> str:
        """For people."""
        owners: dict[str, list[str]] = {}
        for kind, path, owner in (one.join for one in self._opened):
            owners.setdefault(f"of {owner}" if owner else path, []).append(kind)
        parts = (f"{', '.join(kinds)} {where}" for where, kinds in owners.items())
        return f"enter the namespaces {'; '.join(parts)}"

    def apply(self) -> None:
        """setns(2) for each; the files are closed.

        In the mounts of others nothing may be loaded any more.
        """
        if any(one.join.kind == "mount" for one in self._opened):
            forbid()
        users = [one for one in self._opened if one.join.kind == "user" and not _is_own(one)]
        refused = [one for one in self._opened if one.join.kind != "user" and not _enter(one)]
        if users:
            with suppress(OSError):  # root's own groups would stay where setgroups is denied
                seam.setgroups([])
        for one in (*users, *refused):
            if not _enter(one):
                raise OSError(errno.EPERM, f"{one.join.words()}: {os.strerror(errno.EPERM)}")
        for one in self._opened:
            one.undo()

    def remedy(self, number: int) -> str:
        """Whose it is."""
        return _remedy(number)


class TryNamespaces(Inside):
    """See whether they can be entered and lived in, by a process that ends at once."""

    def __init__(self, opened: Sequence[OpenNamespace]) -> None:
        self._enter = EnterNamespaces(opened)
        self._pid = any(one.join.kind == "pid" for one in opened)

    def describe(self) -> str:
        """For people."""
        return "try whether these can be entered"

    def apply(self) -> None:
        """OSError as of the first that failed there."""
        reader, writer = seam.pipe(os.O_CLOEXEC)
        try:
            pid = seam.fork()
            if pid == 0:
                self._try(writer)
            os.close(writer)
            writer = -1
            answer = _read_all(reader)
            os.waitid(os.P_PID, pid, os.WEXITED)
        finally:
            os.close(reader)
            if writer >= 0:
                os.close(writer)
        number, _, text = answer.decode(errors="replace").partition(" ")
        if number != "0":
            raise OSError(int(number or errno.EIO), text or "it ended without an answer")

    def _try(self, writer: int) -> NoReturn:
        answer = "0"
        try:
            self._enter.apply()
            if self._pid:
                _bear_a_child()
        except OSError as error:
            answer = f"{error.errno} {error.strerror}"
        with suppress(OSError):
            os.write(writer, answer.encode())
        os._exit(0)

    def remedy(self, number: int) -> str:
        """Whose it is."""
        return _remedy(number)


class FitProc(Inside):
    """See that the /proc of a joined mount namespace shows the processes that init will have."""

    def describe(self) -> str:
        """For people."""
        return "see that /proc is of this pid namespace"

    def apply(self) -> None:
        """Its /proc/self is the one who asks, as he knows himself."""
        try:
            fits = os.readlink("/proc/self") == str(os.getpid())
        except OSError:
            fits = False
        if not fits:
            raise OSError(errno.EINVAL, "it shows other processes")

    def remedy(self, number: int) -> str:
        """Those belong together."""
        del number
        return "join the mount namespace and the pid namespace of one and the same process"


class BeRoot(Inside):
    """Be root in a joined user namespace, as whoever made it is, if it has one."""

    def describe(self) -> str:
        """For people."""
        return "be root in the joined user namespace"

    def apply(self) -> None:
        """setgroups(2) where that is allowed, setresgid(2), setresuid(2)."""
        if os.geteuid() == 0:
            return
        with suppress(OSError):
            seam.setgroups([])
        with suppress(OSError):  # EINVAL: there is no root in it
            seam.setresgid(0, 0, 0)
            seam.setresuid(0, 0, 0)


def _enter(one: OpenNamespace) -> bool:
    """Whether it could be entered; False if that is a matter of power."""
    try:
        libc.setns(one.fd, FLAGS[one.join.kind])
    except OSError as error:
        if error.errno == errno.EPERM:
            return False
        raise OSError(error.errno, f"{one.join.words()}: {_why(one, error)}") from None
    return True


def _why(one: OpenNamespace, error: OSError) -> str:
    if one.join.kind == "pid" and error.errno == errno.EINVAL:
        return "it is not below the one of this process"
    return error.strerror or str(error)


def _is_own(one: OpenNamespace) -> bool:
    """Whether we are in it: the kernel does not let anybody enter his own user namespace."""
    here = namespaces.path_of(one.join.kind, "self")
    return os.path.samestat(seam.fstat(one.fd), seam.stat(here))


def _bear_a_child() -> None:
    """OSError if nobody can be born into the pid namespace that was entered."""
    try:
        pid = seam.fork()
    except OSError as error:
        if error.errno == errno.ENOMEM:  # pid_namespaces(7): its init has ended
            words = "the pid namespace is dead: its process 1 has ended"
            raise OSError(errno.ESRCH, words) from None
        raise
    if pid == 0:
        os._exit(0)
    os.waitid(os.P_PID, pid, os.WEXITED)


def _remedy(number: int) -> str:
    if number == errno.EPERM:
        return _OWNER
    if number == errno.ESRCH:
        return "no file keeps a pid namespace alive, only its process 1: join a living one"
    return ""


def _read_all(fd: int) -> bytes:
    parts = []
    while part := seam.read(fd, 1 << 12):
        parts.append(part)
    return b"".join(parts)
