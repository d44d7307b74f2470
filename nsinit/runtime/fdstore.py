"""Descriptors that a service leaves with init, to have them again in its next run.

sd_notify(3) with FDSTORE=1; systemd's FileDescriptorStoreMax=. Bounded per service. A descriptor
whose other end has gone is of no use to anybody and is dropped.
"""

from __future__ import annotations

import fcntl
import os
import select
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from nsinit.kernel import seam
from nsinit.kernel.sockets import close_received
from nsinit.model.listening import bad_fd_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nsinit.runtime.passed import KeptState
    from nsinit.runtime.reactor import Reactor

DEFAULT_NAME: Final = "stored"  # sd_pid_notify_with_fds(3)
_OVER: Final = frozenset({"stopped", "exited", "failed"})


class _Kept(NamedTuple):
    name: str
    fd: int
    poll: bool = True


class FdStore:
    """What services have stored, in the order in which it came."""

    def __init__(self, reactor: Reactor) -> None:
        self.limits: Mapping[str, int] = {}  # how many a service may store; 0 unless told
        self._reactor = reactor
        self._kept: dict[str, list[_Kept]] = {}
        self._owners: dict[int, str] = {}
        self._poll: select.epoll | None = None

    def add(self, service: str, name: str, fds: Sequence[int], *, poll: bool = True) -> int:
        """Keep descriptors, which are ours from now on; how many there was no room for.

        What is stored already is not stored twice, and a name that is none becomes "stored".
        `poll` is False for FDPOLL=0: keep them when their other end has gone too.
        """
        name = DEFAULT_NAME if bad_fd_name(name) else name
        kept = self._kept.setdefault(service, [])
        refused = []
        for fd in fds:
            if any(_same(fd, one.fd) for one in kept):
                os.close(fd)
            elif len(kept) >= self.limits.get(service, 0):
                refused.append(fd)
            else:
                seam.set_inheritable(fd, False)
                kept.append(_Kept(name, fd, poll))
                self._owners[fd] = service
                if poll:
                    self._watch(fd)
        close_received(refused)
        return len(refused)

    def remove(self, service: str, name: str) -> None:
        """Close all of a service that have this name: FDSTOREREMOVE=1."""
        self._close(service, [one for one in self._kept.get(service, ()) if one.name == name])

    def told(self, service: str, fields: Mapping[str, str], fds: Sequence[int]) -> bool:
        """What a datagram of sd_notify(3) asks; whether its descriptors are ours from now on."""
        if fields.get("FDSTOREREMOVE") == "1":
            self.remove(service, fields.get("FDNAME", ""))
        if fields.get("FDSTORE") != "1":
            return False
        name, poll = fields.get("FDNAME", DEFAULT_NAME), fields.get("FDPOLL") != "0"
        self.add(service, name, fds, poll=poll)
        return True

    def lend(self, service: str) -> list[tuple[str, int]]:
        """Name and descriptor of each; they stay stored."""
        return [(one.name, one.fd) for one in self._kept.get(service, ())]

    def drop(self, service: str) -> None:
        """Close all of a service."""
        self._close(service, list(self._kept.get(service, ())))

    def heard(self, service: str, state: str) -> None:
        """A service that has ended for good needs nothing any more."""
        if state in _OVER:
            self.drop(service)

    def export(self) -> list[KeptState]:
        """All that is stored, in the order of each service."""
        from nsinit.runtime.passed import KeptState  # noqa: PLC0415  (to be replaced)

        return [
            KeptState(service=service, name=one.name, fd=one.fd, poll=one.poll)
            for service, kept in self._kept.items()
            for one in kept
        ]

    def adopt(self, states: list[KeptState]) -> None:
        """Keep what another has kept, whatever the limits are now."""
        for one in states:
            self._kept.setdefault(one.service, []).append(_Kept(one.name, one.fd, one.poll))
            self._owners[one.fd] = one.service
            if one.poll:
                self._watch(one.fd)

    def close(self) -> None:
        """Close everything."""
        for service in list(self._kept):
            self.drop(service)
        if self._poll is not None:
            self._reactor.remove_reader(self._poll.fileno())
            self._poll.close()
            self._poll = None

    def _close(self, service: str, over: Sequence[_Kept]) -> None:
        for one in over:
            self._kept[service].remove(one)
            del self._owners[one.fd]
            if self._poll is not None:  # a copy elsewhere would keep it registered after its close
                with suppress(OSError):
                    self._poll.unregister(one.fd)
        close_received([one.fd for one in over])

    # --- Ends that have gone ----------------------------------------------------------------------

    def _watch(self, fd: int) -> None:
        """Hear of POLLHUP and POLLERR alone, which no loop can: what can be read is not ours."""
        if self._poll is None:
            seam.ask("epoll_create")
            self._poll = select.epoll()
            self._reactor.add_reader(self._poll.fileno(), self._look)
        with suppress(OSError):  # a file is never gone: EPERM
            self._poll.register(fd, 0)

    def _look(self) -> None:
        if self._poll is None:
            return
        for fd, _ in self._poll.poll(0):
            service = self._owners[fd]
            gone = next(one for one in self._kept[service] if one.fd == fd)
            self._close(service, [gone])


def _same(one: int, other: int) -> bool:
    """Whether two descriptors are copies of each other, as far as fstat(2) can tell.

    Anonymous inodes (epoll, timerfd) are all one to it, and the two ends of a pipe too.
    """
    left, right = seam.fstat(one), seam.fstat(other)
    if (left.st_dev, left.st_ino) != (right.st_dev, right.st_ino) or not left.st_mode & 0o170000:
        return False
    return fcntl.fcntl(one, fcntl.F_GETFL) == fcntl.fcntl(other, fcntl.F_GETFL)
