"""The steps of a network that an ordinary user can have: see `nsinit.network.usermode`."""

from __future__ import annotations

import _socket
import errno
import os
import select
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from nsinit.isolation.basics import Inside
from nsinit.kernel import seam
from nsinit.network import usermode
from nsinit.process import programs

if TYPE_CHECKING:
    from nsinit.model.publish import Port
    from nsinit.process.steps import Born
    from nsinit.sandbox.state import Registration

_PACKAGES: Final = {"pasta": "passt", "slirp4netns": "slirp4netns"}
_READY_FD: Final = 3  # of slirp4netns
_ANSWER_MAX: Final = 1 << 15
_NAME: Final = "eth0"


class UserNetwork:
    """Start it, beside what init does meanwhile; end it with the sandbox."""

    def __init__(self, mode: str, ports: tuple[Port, ...], entry: Registration | None) -> None:
        self.mode, self._ports, self._entry = mode, ports, entry
        self.why = ""
        self._lifeline = self._report = -1
        self._pid = 0

    def describe(self) -> str:
        """For people."""
        published = f", which publishes {', '.join(map(str, self._ports))}" if self._ports else ""
        return f"start {self.mode}{published}"

    def apply(self, init: Born) -> None:
        """Fork a guard for it."""
        path = programs.find(self.mode)
        if not path:
            raise OSError(errno.ENOENT, f"the program {self.mode} is not installed")
        self.why = usermode.tun_missing()
        if self.why:
            raise OSError(errno.ENXIO, self.why)
        call = self._call(path, init.pid)
        ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
        reader, self._lifeline = seam.pipe(os.O_CLOEXEC)
        try:
            self._pid = seam.fork()
            if self._pid == 0:
                usermode.be_guard(call, reader, theirs.fileno())
        finally:
            os.close(reader)
            theirs.close()
        self._report = ours.detach()

    def _call(self, path: str, pid: int) -> usermode.Call:
        if self.mode == "pasta":
            return usermode.pasta(path, pid, self._ports, _NAME)
        directory = self._entry.directory if self._entry is not None else ""
        if self._ports and not directory:
            raise OSError(errno.EROFS, "there is no directory for the socket of slirp4netns")
        return usermode.slirp4netns(path, pid, self._ports, f"{directory}/slirp.sock", _READY_FD)

    def wait(self) -> None:
        """Until it is ready; OSError with what it says."""
        poll = select.poll()
        poll.register(self._report, select.POLLIN)
        in_time = poll.poll((usermode.SECONDS + 5) * 1000)
        answer = os.read(self._report, _ANSWER_MAX) if in_time else b""
        self._close("_report")
        if answer != b"\0":
            self.why = answer.decode("utf-8", "replace") or f"the guard of {self.mode} has ended"
            raise OSError(errno.EIO, self.why)
        if self._entry is not None and self._ports:
            self._entry.update(published=tuple(map(str, self._ports)))

    def undo(self) -> None:
        """Cut the lifeline, and wait until all of it is gone."""
        self._close("_report")
        self._close("_lifeline")
        pid, self._pid = self._pid, 0
        if not pid:
            return
        with suppress(OSError):  # it may have been reaped with all others
            pidfd = seam.pidfd_open(pid)
            poll = select.poll()
            poll.register(pidfd, select.POLLIN)
            if not poll.poll((usermode.SECONDS + 1) * 1000):
                seam.pidfd_send_signal(pidfd, signal.SIGKILL)
            os.close(pidfd)
            seam.waitid(os.P_PID, pid, os.WEXITED)

    def _close(self, name: str) -> None:
        fd = getattr(self, name)
        setattr(self, name, -1)
        if fd >= 0:
            os.close(fd)

    def remedy(self, number: int) -> str:
        """What helps."""
        if number == errno.ENOENT:
            return f"Debian and Ubuntu: apt-get install {_PACKAGES[self.mode]}"
        if number == errno.ENXIO:
            return usermode.tun_remedy(self.why)
        if number == errno.EAGAIN:
            return "see the limits of processes: ulimit -u, pids.max"
        return ""


class UserNetworkReady(Inside):
    """Wait for it, when init has done its part."""

    def __init__(self, network: UserNetwork) -> None:
        self._network = network

    def describe(self) -> str:
        """For people."""
        return f"connect by {self._network.mode}"

    def apply(self) -> None:
        """The guard tells."""
        self._network.wait()

    def remedy(self, number: int) -> str:
        """As far as what it says is known."""
        del number
        why = self._network.why
        if "port specifier" in why:
            return "this release takes each port once: publish it on all addresses, or on one"
        if "bind" in why or "hostfwd" in why:
            return "a published port may be in use (ss -tulnp), or be one of root's (below 1024)"
        if self._network.mode == "pasta" and os.geteuid() == 0:
            return 'pasta gives up root\'s power: use mode = "bridge", or "slirp4netns"'
        if "interface for IPv4" in why:
            return "pasta copies the addresses of this host, which has no default route: ip route"
        if "ready" in why:
            return f"is {usermode.TUN} to be used here? See also the documentation of the program"
        return ""
