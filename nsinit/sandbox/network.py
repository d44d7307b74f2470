"""From `[sandbox].network` to steps; those of the launcher are carried out by a helper process.

Neither the launcher nor init loads what makes interfaces: see `nsinit.network.helper`.
"""

from __future__ import annotations

import _socket
import errno
import os
import select
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from nsinit import jsontext
from nsinit.errors import SandboxError
from nsinit.isolation.basics import Inside
from nsinit.kernel import fds, interfaces, proc, seam
from nsinit.model.network import AUTO, CONNECTED, NONE, USER_MODES, links
from nsinit.named import Named
from nsinit.network.ledger import Ledger, directory_of
from nsinit.sandbox.published import plan_names, plan_published, plan_user_mode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nsinit.model.network import Interface, Network
    from nsinit.model.sandboxes import Sandbox
    from nsinit.process.steps import Born, ParentStep, Step
    from nsinit.sandbox.plan import Facts
    from nsinit.sandbox.state import Registration

_PATIENCE: Final = 30.0  # s for one interface: what takes longer hangs
_MESSAGE_MAX: Final = 1 << 16
_POWERLESS: Final = 'use mode = "pasta", which needs no power, or be root'


class NetworkPlan(Named):
    """What makes the network of a sandbox, by phase."""

    host: tuple[Step, ...] = ()
    before: tuple[Step, ...] = ()  # by init, while it sees the root of the launcher
    child: tuple[Step, ...] = ()  # when it is in its own
    parent: tuple[ParentStep, ...] = ()
    settled: tuple[Step, ...] = ()


def plan_network(sandbox: Sandbox, facts: Facts) -> NetworkPlan:
    """The steps; SandboxError if they can't work here."""
    network = sandbox.network
    if network is not None and network.way in USER_MODES:
        parent, settled = plan_user_mode(network.way, network, facts.entry)
        return NetworkPlan(parent=parent, settled=settled)
    if network is None or network.way not in CONNECTED:
        return NetworkPlan()
    wanted, entry = links(network), facts.entry
    if not (facts.privileged and facts.net_admin):
        missing = "CAP_NET_ADMIN" if facts.privileged else "CAP_SYS_ADMIN and CAP_NET_ADMIN"
        message = f"cannot {_words(wanted[0])} without {missing}"
        raise SandboxError(message, hint=_POWERLESS)
    if entry is not None and not entry.directory:
        message = f"cannot {_words(wanted[0])}: there is no place to note it"
        raise SandboxError(message, hint="; ".join(entry.notes))
    helper = Helper(wanted, network, entry)
    # Settings of an interface can be made when it is there.
    waits = any(name.replace("/", ".").startswith("net.") for name in sandbox.sysctls)
    connected = tuple(Connected(helper, index) for index in range(len(wanted)))
    held, rules = plan_published(network, helper.made, entry)
    kept = (Kept(one, helper) for one in wanted if one.type == "phys")
    names = plan_names(sandbox, entry)
    return NetworkPlan(
        host=(helper, *names.host),
        before=names.before,
        child=names.child,
        # Held before it is told: what it moves is moved back, whatever fails then.
        parent=(*held, *kept, Tell(helper, connected if waits else ())),
        settled=(*(() if waits else connected), *rules, *names.settled),
    )


def _words(one: Interface) -> str:
    """What is done for one interface, for people."""
    where = f"to the bridge {one.bridge}" if one.type == "bridge" else f"over {one.parent}"
    verb = f"connect {one.name} {where}"
    if one.type == "phys":
        return f"move {one.parent} in as {one.name}"
    return verb


def describe(one: Interface) -> str:
    """All of one interface."""
    parts = [_words(one)]
    if one.address == (AUTO,):
        parts.append("an address that is free")
    elif one.address:
        parts.append(", ".join(one.address))
    if one.gateway is None and one.type == "bridge":
        parts.append("routes by the bridge")
    elif one.gateway and one.gateway != (NONE,):
        parts.append(f"routes by {', '.join(one.gateway)}")
    return "; ".join(parts)


class Helper:
    """The process that makes the network; it loads what it needs while init is made."""

    def __init__(
        self, wanted: Sequence[Interface], network: Network, entry: Registration | None
    ) -> None:
        self.wanted = wanted
        self.made: list[dict[str, Any]] = []
        self._subnets = tuple(network.subnet)
        self._entry = entry
        self._ledger: Ledger | None = None
        self._socket: _socket.socket | None = None
        self._pid = 0

    def describe(self) -> str:
        """For people."""
        return "start a helper that makes the network"

    def apply(self) -> None:
        """Enter what may be left, and fork."""
        assert self._entry is not None  # noqa: S101  (only a dry run has none)
        directory = directory_of(os.path.dirname(self._entry.directory))
        self._ledger = Ledger(directory, self._entry.record.owner)
        if why := self._entry.clean_up_later("network", directory):
            raise OSError(errno.EROFS, why)
        self._socket, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
        launcher = os.getpid()
        self._pid = seam.fork()
        if self._pid == 0:
            try:
                self._be_helper(theirs, launcher)
            finally:
                os._exit(0)
        theirs.close()

    def _be_helper(self, theirs: _socket.socket, launcher: int) -> None:
        """All that it holds but its socket is closed: others wait for the end of some of it."""
        proc.die_with_parent(signal.SIGKILL)
        if os.getppid() != launcher:
            return
        fds.close_all_but({theirs.fileno()})
        from nsinit.network.helper import work  # noqa: PLC0415  (in this process only)

        assert self._ledger is not None  # noqa: S101  (made before the fork)
        work(theirs, self.wanted, self._subnets, self._ledger)

    def tell(self, pid: int) -> None:
        """Whose network it is."""
        assert self._socket is not None  # noqa: S101  (the step before has made it)
        with suppress(OSError):  # it has failed, and said so
            self._socket.send(str(pid).encode())

    def hear(self) -> dict[str, Any]:
        """What has been made next; OSError with what failed."""
        assert self._socket is not None  # noqa: S101  (as above)
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        if not poll.poll(_PATIENCE * 1000):
            raise OSError(errno.ETIMEDOUT, f"no answer in {_PATIENCE:.0f} s")
        data = b""
        for _ in range(2):  # it may have ended without hearing us: that is told before its words
            with suppress(ConnectionResetError):
                data = self._socket.recv(_MESSAGE_MAX)
                break
        if not data:
            raise OSError(errno.EPIPE, "the helper that makes the network has ended")
        told: dict[str, Any] = jsontext.decode(data)
        if "errno" in told:
            raise OSError(told["errno"], told["words"])
        return told

    def done(self, made: dict[str, Any]) -> None:
        """One more is there; with the last, the helper ends, and the record has all of them."""
        self.made.append(made)
        if len(self.made) == len(self.wanted):
            self.end()
            if self._entry is not None:
                self._entry.update(network=tuple(self.made))

    def end(self) -> None:
        """It has nothing to do any more."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._pid:
            with suppress(OSError):
                os.kill(self._pid, signal.SIGKILL)
            with suppress(OSError):
                os.waitid(os.P_PID, self._pid, os.WEXITED)
            self._pid = 0

    def undo(self) -> None:
        """End it, and remove what it made on the host."""
        self.end()
        if self._ledger is not None:
            self._ledger.sweep()

    def remedy(self, number: int) -> str:
        """What a fork needs."""
        return "see the limits of processes: ulimit -u, pids.max" if number == errno.EAGAIN else ""


class Tell:
    """Tell the helper which namespace it is; wait for it at once if what follows needs that."""

    def __init__(self, helper: Helper, connected: Sequence[Connected]) -> None:
        self._helper, self._connected = helper, connected

    def describe(self) -> str:
        """For people."""
        return "; ".join(
            ["tell it the network namespace", *(c.describe() for c in self._connected)]
        )

    def apply(self, init: Born) -> None:
        """Send the pid."""
        self._helper.tell(init.pid)
        for one in self._connected:
            one.apply()

    def undo(self) -> None:
        """Nothing to do."""

    def remedy(self, number: int) -> str:
        """As of the interfaces."""
        return remedy(number)


class Connected(Inside):
    """Wait until one interface is there."""

    def __init__(self, helper: Helper, index: int) -> None:
        self._helper, self._one = helper, helper.wanted[index]

    def describe(self) -> str:
        """For people."""
        return describe(self._one)

    def apply(self) -> None:
        """The helper tells."""
        self._helper.done(self._helper.hear()["made"])

    def remedy(self, number: int) -> str:
        """What is usual."""
        return remedy(number)


class Kept:
    """Hold the namespace that an interface is moved into, and move it back at the end."""

    def __init__(self, one: Interface, helper: Helper) -> None:
        self._one, self._helper = one, helper
        self._net = -1

    def describe(self) -> str:
        """For people."""
        return f"move {self._one.name} back as {self._one.parent} at the end"

    def apply(self, init: Born) -> None:
        """open(2)."""
        flags = os.O_RDONLY | os.O_CLOEXEC
        self._net = seam.open_fd(f"/proc/{init.pid}/ns/net", flags)

    def undo(self) -> None:
        """In the namespace, which lives as long as it is open; nobody moves anything any more."""
        self._helper.end()
        if self._net < 0:
            return
        try:
            with interfaces.inside(self._net) as home:
                for found in interfaces.list_all():
                    if found.name == self._one.name:
                        interfaces.move(found.number, self._one.parent or "", home)
        finally:
            os.close(self._net)
            self._net = -1

    def remedy(self, number: int) -> str:
        """None is known."""
        del number
        return ""


def remedy(number: int) -> str:
    """What somebody can do when an interface could not be made."""
    known: dict[int, Callable[[], str]] = {
        errno.EPERM: lambda: f"that needs CAP_NET_ADMIN over this network; {_POWERLESS}",
        errno.EOPNOTSUPP: lambda: "this kernel has no such interfaces; see modprobe(8)",
        errno.EADDRINUSE: lambda: 'take another one, or address = "auto"',
        errno.ENODEV: lambda: "see ip link",
        errno.EEXIST: lambda: "see ip -d link, or use another name",
        errno.ENETDOWN: lambda: "ip link set NAME up",
        errno.ENETUNREACH: lambda: "a gateway has to be in the subnet of an address",
        errno.EHOSTUNREACH: lambda: "a gateway has to be in the subnet of an address",
        errno.EADDRNOTAVAIL: lambda: 'say which: subnet = "10.0.0.0/24", or address and gateway',
        errno.EACCES: lambda: (
            "IPv6 is turned off here: see the sysctls net.ipv6.conf.*.disable_ipv6"
        ),
    }
    return known[number]() if number in known else ""
