"""A process that looks after one command: adopts what that orphans, and ends it with the command.

For a command in a sandbox whose init does not do so. Who asked for the command is at the other end
of a stream, and both speak as with init (nsinit.control.execution): each byte that comes is the
number of a signal for the process group of the command, and the end of the stream is HUP; what goes
are rows, {"pid": N} and at last {"exit_code": N} or {"exit_signal": N}, with an "error" if it could
not be run. When the init of the sandbox ends, so does all that is here.
"""

from __future__ import annotations

import json
import os
import select
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from nsinit.core.policy import exec_status
from nsinit.errors import EXIT_DENIED, NsinitError, SpawnError
from nsinit.kernel import libc, mask, proc, seam, signals

if TYPE_CHECKING:
    import _socket

    from nsinit.process.program import Program
    from nsinit.process.spawner import Child, Spawner

_PIECE: Final = 256
_SOON: Final = 0.05  # s until somebody who has been orphaned meanwhile is looked for
# What those who are left get, and how long (s) they have for it.
_LAST: Final = ((signal.SIGTERM, 2.0), (signal.SIGKILL, 2.0))


class Warden:
    """One command, from its start to the end of all that it has started."""

    def __init__(self, stream: _socket.socket, init: int) -> None:
        """`init` is the pidfd of the init whose end is the end of all this. Blocks all signals."""
        mask.block_all()
        mask.hear_children()
        libc.become_subreaper()
        self._reader = signals.SignalReader()
        self._stream: _socket.socket | None = stream
        self._init = init

    def run(self, program: Program, spawner: Spawner) -> None:
        """Start it and see it through; SpawnError if it can't be started."""
        child = spawner.spawn(program)
        for fd in program.fds.values():
            os.close(fd)  # else its terminal, or a pipe, would never be at an end
        self._await_exec(child)
        self.tell({"pid": child.pid})
        status = self._await_end(child)
        self._end_rest()
        if status is None:
            return
        row: dict[str, Any] = {"exit_code": status} if status >= 0 else {"exit_signal": -status}
        if child.report is not None and (failed := child.outcome()) is not None:
            row |= row_of(failed)
        self.tell(row)

    def tell(self, row: dict[str, Any]) -> None:
        """Send a row, if anybody is there."""
        if self._stream is not None:
            with suppress(OSError):
                self._stream.sendall(encode(row))

    @staticmethod
    def _await_exec(child: Child) -> None:
        """Until it leads its group: signals would miss it before."""
        if child.report is not None:
            poll = select.poll()
            poll.register(child.report, select.POLLIN)
            poll.poll()

    def _await_end(self, child: Child) -> int | None:
        """How it ended; None when the sandbox has ended first."""
        status: int | None = None
        while status is None:
            poll = select.poll()
            for fd in (self._reader.fd, self._init, self._stream):
                if fd is not None:
                    poll.register(fd, select.POLLIN)
            ready = {fd for fd, _ in poll.poll()}
            if self._init in ready:
                return None
            if self._stream is not None and self._stream.fileno() in ready:
                self._pass_on(child.pid)
            if self._reader.fd in ready:
                self._reader.read()
                while end := proc.reap():
                    status = end.status if end.pid == child.pid else status
        return status

    def _pass_on(self, group: int) -> None:
        assert self._stream is not None  # noqa: S101  (it was just readable)
        try:
            seam.ask("recv")
            numbers = self._stream.recv(_PIECE)
        except OSError:
            numbers = b""
        if not numbers:
            self._stream.close()
            self._stream = None
            numbers = bytes((signal.SIGHUP, signal.SIGCONT))
        for number in numbers:
            with suppress(OSError):  # no number is an accident
                seam.killpg(group, number)

    def _end_rest(self) -> None:
        """End all that the command has left behind: first kindly, then for certain."""
        for number, patience in _LAST:
            until = seam.monotonic() + patience
            told: set[int] = set()
            while seam.monotonic() < until:
                while proc.reap():
                    continue
                if not _has_children():
                    return
                for found in _below():
                    if found.pid not in told:
                        told.add(found.pid)
                        _signal(found, number)
                select.select([self._reader.fd], [], [], _SOON)
                self._reader.read()


def encode(row: dict[str, Any]) -> bytes:
    """A row as it is sent."""
    return json.dumps(row).encode() + b"\n"


def row_of(error: Exception) -> dict[str, Any]:
    """Why there is no command, and what a shell's code for that would be."""
    code, kind = exec_status(0), "cannot-execute"
    if isinstance(error, SpawnError):
        code = exec_status(error.errno)
    elif isinstance(error, NsinitError):
        code, kind = error.exit_code, "denied" if error.exit_code == EXIT_DENIED else kind
    told = {"code": kind, "message": str(getattr(error, "message", error))}
    if hint := getattr(error, "hint", ""):
        told["hint"] = hint
    return {"exit_code": code, "error": told}


def _has_children() -> bool:
    try:
        seam.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT | proc.WALL)
    except ChildProcessError:
        return False
    return True


def _below() -> list[proc.Stat]:
    """All processes below this one, as this /proc has them: pids there need not be ours."""
    try:
        me = int(seam.readlink("/proc/self"))
    except (OSError, ValueError):
        return []
    seen = proc.processes() or {}
    made: list[proc.Stat] = []
    parents = {me}
    while parents:
        found = [one for one in seen.values() if one.parent in parents]
        made += found
        parents = {one.pid for one in found}
    return made


def _signal(found: proc.Stat, number: int) -> None:
    """Signal a process by its directory in /proc, whatever its pid is to us (pidfd_open(2))."""
    with suppress(OSError):
        fd = seam.open_fd(f"/proc/{found.pid}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            now = proc.stat(found.pid)
            if now is not None and now.started == found.started:  # else it was another's pid
                seam.pidfd_send_signal(fd, number)
                if number == signal.SIGTERM:
                    seam.pidfd_send_signal(fd, signal.SIGCONT)
        finally:
            os.close(fd)
