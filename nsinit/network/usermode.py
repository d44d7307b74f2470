"""A network by a program of an ordinary user: pasta(1) or slirp4netns(1), looked after by a guard.

Neither program notices the end of a sandbox in all its releases, and both give up what would let
the kernel end them with their parent. So they are children of a guard, forked from the launcher:

    launcher            guard                      pasta, slirp4netns
    --------            -----                      ------------------
    fork -------------> exec --------------------> join the network of init
                            <--------------------- ready: in the background, or a byte
        <-------------- OK, or FAILED with why
    hold the lifeline   wait for either end
    end, or be killed > the lifeline is cut: KILL > ended

The guard holds nothing but the lifeline, and adopts what goes into the background.
"""

from __future__ import annotations

import _socket
import errno
import json
import os
import select
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple, NoReturn

from nsinit.kernel import fds, libc, proc, seam
from nsinit.process import programs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nsinit.model.publish import Port

SECONDS: Final = 5.0  # for what takes a tenth of one; a pasta of 2022 hangs without its device
TUN: Final = "/dev/net/tun"
TAP: Final = "tap0"  # what slirp4netns makes
_MOST: Final = 4096  # bytes of what they say
_NOISE: Final = "to syslog"  # pasta says so of each of its lines where there is no syslog
_ANSWER_MAX: Final = 1 << 14


class Call(NamedTuple):
    """What is started for one sandbox."""

    path: str
    words: tuple[str, ...]
    ready_fd: int = -1  # what it writes a byte to; -1: it is ready when it is in the background
    api: str = ""  # the socket by which it is told its ports
    requests: tuple[str, ...] = ()


def pasta(path: str, pid: int, ports: Sequence[Port], name: str) -> Call:
    """Its options: nothing but what is published comes in, and the host's 127.0.0.1 is closed."""
    words = ["pasta", "--config-net", "--no-map-gw", "--quiet", "--ns-ifname", name]
    for protocol, option in (("tcp", "-t"), ("udp", "-u")):
        specs = [_pasta_port(port) for port in ports if port.protocol == protocol]
        words += [word for spec in specs or ["none"] for word in (option, spec)]
    words += ["-T", "none", "-U", "none", str(pid)]
    return Call(path, tuple(words))


def _pasta_port(port: Port) -> str:
    """As ADDRESS/FIRST-LAST:FIRST-LAST."""
    outside, inside = (
        str(first) if port.many == 1 else f"{first}-{first + port.many - 1}"
        for first in (port.port, port.to)
    )
    host = "" if port.is_everywhere and not port.host else f"{port.host}/"
    return f"{host}{outside}:{inside}"


def slirp4netns(path: str, pid: int, ports: Sequence[Port], api: str, ready_fd: int) -> Call:
    """Its options, and what its socket is asked for."""
    words = ["slirp4netns", "--configure", "--mtu=65520", "--disable-host-loopback"]
    words += [f"--ready-fd={ready_fd}"]
    words += [f"--api-socket={api}"] if ports else []
    words += [str(pid), TAP]
    requests = [
        json.dumps(
            {
                "execute": "add_hostfwd",
                "arguments": {
                    "proto": port.protocol,
                    "host_addr": port.host or "0.0.0.0",
                    "host_port": port.port + n,
                    "guest_port": port.to + n,
                },
            }
        )
        for port in ports
        for n in range(port.many)
    ]
    return Call(path, tuple(words), ready_fd, api, tuple(requests))


# --- The guard ------------------------------------------------------------------------------------


def be_guard(call: Call, lifeline: int, report: int) -> NoReturn:
    """Start it, tell how that went, and end it when the lifeline is cut; in a child of its own.

    An answer is "" or why there is no network. What ends the program later is told on stderr: the
    sandbox has no network any more. Signals are blocked, as they are in the launcher.
    """
    try:
        with suppress(OSError):
            os.setsid()  # what a terminal sends is not for it
        fds.close_all_but({lifeline, report})
        guard = _Guard(call, lifeline)
        why = guard.begin()
        os.write(report, why.encode("utf-8", "replace")[:_ANSWER_MAX] or b"\0")
        os.close(report)
        if not why and (why := guard.watch()):
            os.write(2, f"nsinit: the sandbox has no network any more: {why}\n".encode())
    except Exception as error:  # noqa: BLE001  (the launcher is who tells it)
        with suppress(OSError):
            os.write(report, f"internal error: {error!r}".encode())
    finally:
        _kill_all()
        os._exit(0)


class _Guard:
    """One program, from its start to its end."""

    def __init__(self, call: Call, lifeline: int) -> None:
        self._call, self._lifeline = call, lifeline
        self._name = os.path.basename(call.path)
        self._until = seam.monotonic() + SECONDS
        self._said = b""
        self._output = self._ready = -1
        self._pid = 0

    def begin(self) -> str:
        """Start it and wait until it is ready; why it is not, or nothing."""
        libc.become_subreaper()
        try:
            self._start()
        except OSError as error:
            return f"cannot start {self._call.path}: {error.strerror}"
        if why := self._await_ready():
            return why
        for request in self._call.requests:
            if why := self._ask(request):
                return why
        return ""

    def _start(self) -> None:
        self._output, writer = seam.pipe(os.O_CLOEXEC)
        actions = [(os.POSIX_SPAWN_DUP2, writer, 1), (os.POSIX_SPAWN_DUP2, writer, 2)]
        told = -1
        if self._call.ready_fd >= 0:
            self._ready, told = seam.pipe(os.O_CLOEXEC)
            actions.append((os.POSIX_SPAWN_DUP2, told, self._call.ready_fd))
        seam.ask("fork")
        self._pid = os.posix_spawn(
            self._call.path,
            self._call.words,
            {"PATH": programs.PATH, "LC_ALL": "C"},
            file_actions=actions,
            setsigmask=[],
            setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],
        )
        for fd in (writer, told):
            if fd >= 0:
                os.close(fd)

    def _await_ready(self) -> str:
        pidfd = seam.pidfd_open(self._pid)
        poll = select.poll()
        for fd in (pidfd, self._output, self._ready, self._lifeline):
            if fd >= 0:
                poll.register(fd, select.POLLIN)
        try:
            while True:
                left = max(0.0, self._until - seam.monotonic())
                ready = {fd for fd, _ in poll.poll(left * 1000)}
                if not ready:
                    return self._words(f"was not ready within {SECONDS:.0f} s")
                if self._output in ready and not self._hear():
                    poll.unregister(self._output)
                elif self._lifeline in ready:
                    return "the launcher has ended"
                elif self._ready in ready and os.read(self._ready, 1):
                    return ""
                elif pidfd in ready:
                    return self._ended_or_in_background()
                elif self._ready in ready:
                    poll.unregister(self._ready)
        finally:
            os.close(pidfd)

    def _ended_or_in_background(self) -> str:
        end = os.waitid(os.P_PID, self._pid, os.WEXITED)
        code = end.si_status if end and end.si_code == os.CLD_EXITED else -1
        self._pid = 0
        if self._ready < 0 and code == 0 and proc.children():
            return ""
        return self._words(f"ended with {code}" if code >= 0 else "was killed")

    def _hear(self) -> bool:
        """Keep the end of what it says; False when it has closed its side."""
        data = seam.read(self._output, _MOST)
        self._said = (self._said + data)[-_MOST:]
        return bool(data)

    def _words(self, what: str) -> str:
        """What happened, with what it has said of it."""
        lines = self._said.decode("utf-8", "backslashreplace").splitlines()
        told = "; ".join(line.strip() for line in lines if line.strip() and _NOISE not in line)
        return f"{self._name} {what}{': ' if told else ''}{told[-1000:]}"

    def _ask(self, request: str) -> str:
        """One port, by the socket; why it is not led in, or nothing."""
        sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
        try:
            sock.settimeout(max(0.1, self._until - seam.monotonic()))
            sock.connect(self._call.api)
            sock.sendall(request.encode())
            sock.shutdown(_socket.SHUT_WR)
            answer = json.loads(sock.recv(_ANSWER_MAX))
        except (OSError, ValueError) as error:
            return f"{self._name} does not take ports: {error}"
        finally:
            sock.close()
        if "error" in answer:
            where = json.loads(request)["arguments"]
            what = f"{where['host_addr']}:{where['host_port']}/{where['proto']}"
            return f"{self._name} can't publish {what}: {answer['error'].get('desc', '')}"
        return ""

    def watch(self) -> str:
        """Wait for either end; what ended the program, or nothing when the sandbox has ended."""
        poll = select.poll()
        poll.register(self._lifeline, select.POLLIN)
        if self._output >= 0:
            poll.register(self._output, select.POLLIN)
        for pid in proc.children() or ():
            with suppress(OSError):
                poll.register(seam.pidfd_open(pid), select.POLLIN)
        while True:
            ready = {fd for fd, _ in poll.poll()}
            if self._lifeline in ready:
                return ""
            if self._output in ready:
                if not self._hear():
                    poll.unregister(self._output)
            elif ready:
                return self._words("has ended")


def _kill_all() -> None:
    """All children, and what becomes ours when they are gone."""
    until = seam.monotonic() + SECONDS
    while (left := proc.children()) and seam.monotonic() < until:
        for pid in left:
            with suppress(OSError):
                seam.kill(pid, signal.SIGKILL)
        with suppress(OSError):
            os.waitid(os.P_PID, left[0], os.WEXITED)


def tun_missing() -> str:
    """Why the device of both programs can't be used by this process, or nothing."""
    try:
        os.close(seam.open_fd(TUN, os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        return f"{TUN}: {error.strerror}"
    return ""


def tun_remedy(why: str) -> str:
    """What helps against that."""
    if os.strerror(errno.EACCES) in why or os.strerror(errno.EPERM) in why:
        return f'let users open it: chmod 0666 {TUN} (udev: KERNEL=="tun", MODE="0666")'
    return f"make it: modprobe tun; in a container: --device {TUN}"
