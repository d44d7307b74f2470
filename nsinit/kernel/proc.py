"""Processes as the kernel shows them: children, /proc/PID/stat, ends. Knows no policy.

Sources: proc(5), wait4(2), prctl(2).
"""

from __future__ import annotations

import errno
import os
import resource
from typing import TYPE_CHECKING, Final

from nsinit.kernel import libc, seam
from nsinit.named import Named

if TYPE_CHECKING:
    from collections.abc import Container

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
# What a process of itself, and not the file, is to blame for (open(2), read(2)).
_SHORTAGE: Final = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
WALL: Final = 0x4000_0000  # also children that announce their end by another signal than CHLD


class Stat(Named):
    """What /proc/PID/stat says that matters here; `started` (clock ticks) tells pids apart."""

    pid: int
    state: str
    parent: int
    group: int
    session: int
    started: int


class Used(Named):
    """What a process and the children that it waited for have used: CPU (s), memory (bytes).

    Memory is what the largest of them had resident at the most (getrusage(2)). The kernel counts it
    from before the exec on, when the child still had that of its parent; see `is_own_peak`.
    """

    user: float
    system: float
    memory: int


class End(Named):
    """A child that has been reaped: an exit code, or minus the signal that killed it."""

    pid: int
    status: int
    used: Used | None = None
    dumped: bool = False  # core


def reap() -> End | None:
    """Reap one child that has ended; None when there is none."""
    while True:
        try:
            pid, status, used = seam.wait4(-1, os.WNOHANG | WALL)
        except InterruptedError:
            continue
        except ChildProcessError:
            return None
        break
    if not pid:
        return None
    how = Used(used.ru_utime, used.ru_stime, used.ru_maxrss << 10)
    return End(pid, os.waitstatus_to_exitcode(status), how, os.WCOREDUMP(status))


_peak = 0  # what was read last


def is_own_peak(size: int) -> bool:
    """Whether this program has had so much memory (bytes) resident at some time since its exec.

    A peak only rises: it is read anew only when it is not known to be that high already.
    """
    global _peak  # noqa: PLW0603  (there is one for the process)
    if size > _peak:
        _peak = _read_peak()
    return size <= _peak


def _read_peak() -> int:
    for line in (_slurp("/proc/self/status") or b"").splitlines():
        name, _, value = line.partition(b":")
        if name == b"VmHWM":
            return int(value.split()[0]) << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10  # also that of who started us


def die_with_parent(number: int) -> None:
    """Get a signal when the thread that forked this process ends; check the parent afterwards."""
    libc.prctl(libc.PR_SET_PDEATHSIG, number, "parent death signal")


def children() -> list[int] | None:
    """The pids of this process's own children, zombies included; None if the kernel can't tell."""
    try:
        return children_for_certain()
    except OSError:
        return None


def children_for_certain() -> list[int] | None:
    """The same; OSError if /proc can't be read just now, which another time it can (`_SHORTAGE`).

    Complete because only this process removes from the list (by reaping) while it is read. That
    there is none takes one system call (waitid(2)) and no file.
    """
    try:
        seam.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT | WALL)
    except ChildProcessError:
        return []
    except OSError:
        pass  # whatever it is, the file may tell
    pid = os.getpid()
    data = _slurp_for_certain(f"/proc/self/task/{pid}/children")
    if data is None:
        return _children_by_scan(pid)
    return [int(word) for word in data.split()]


def _children_by_scan(pid: int) -> list[int] | None:
    found = processes_for_certain()
    return None if found is None else [p.pid for p in found.values() if p.parent == pid]


def descendants() -> list[int]:
    """The pids of all processes below this one, as far as they can be seen."""
    seen = processes() or {}
    below: dict[int, list[int]] = {}
    for found in seen.values():
        below.setdefault(found.parent, []).append(found.pid)
    made = list(below.get(os.getpid(), ()))
    for pid in made:
        made += below.get(pid, ())
    return made


def stat(pid: int) -> Stat | None:
    """One process; None if it is gone or hidden."""
    data = _slurp(f"/proc/{pid}/stat")
    return parse_stat(data) if data else None


def parse_stat(data: bytes) -> Stat | None:
    """The text of /proc/PID/stat; the name in it may hold spaces and brackets."""
    head, bracket, tail = data.rpartition(b") ")
    fields = tail.split()
    number = head.partition(b" ")[0]
    if not bracket or len(fields) < 20 or not number.isdigit():
        return None
    try:
        parent, group, session, started = (int(fields[i]) for i in (1, 2, 3, 19))
        pid = int(number)
    except ValueError:
        return None
    return Stat(pid, fields[0].decode("ascii", "replace"), parent, group, session, started)


def processes(known: Container[int] = ()) -> dict[int, Stat] | None:
    """Every process that can be seen, but for the `known`; None if there is no /proc."""
    try:
        return processes_for_certain(known)
    except OSError:
        return None


def processes_for_certain(known: Container[int] = ()) -> dict[int, Stat] | None:
    """The same; OSError if not all of them can be read just now, which another time they can."""
    try:
        there = _pids_of(seam.list_directory("/proc"))
    except OSError as error:
        if error.errno in _SHORTAGE:
            raise
        return None
    rows = (_slurp_for_certain(f"/proc/{pid}/stat") for pid in there if pid not in known)
    found = (parse_stat(row) for row in rows if row)
    return {one.pid: one for one in found if one is not None} if there else None


class Usage(Named):
    """What a process is and has used: CPU in seconds, resident memory in bytes."""

    pid: int
    name: str
    state: str
    parent: int
    started: int
    cpu: float
    rss: int


class Look(Named):
    """A process, with the CPU (s) of the children that it has waited for, and its memory."""

    stat: Stat
    cpu: float
    rss: int


def pids() -> list[int]:
    """Every process that can be seen; none without a /proc to see it in."""
    try:
        return _pids_of(seam.list_directory("/proc"))
    except OSError:
        return []


def _pids_of(names: list[str]) -> list[int]:
    """The processes among the names in /proc."""
    return [int(name) for name in names if name.isdigit()]


def look(pid: int) -> Look | None:
    """What /proc/PID/stat says of that; None if the process is gone or hidden."""
    data = _slurp(f"/proc/{pid}/stat") or b""
    found = parse_stat(data)
    fields = data.rpartition(b") ")[2].split()
    if found is None or len(fields) < 22:
        return None
    ticks = sum(map(int, fields[11:15]))
    return Look(found, ticks / _TICKS, int(fields[21]) * _PAGE)


def usage(pid: int) -> Usage | None:
    """What /proc/PID/stat says of that; None if the process is gone or hidden."""
    data = _slurp(f"/proc/{pid}/stat") or b""
    found = parse_stat(data)
    fields = data.rpartition(b") ")[2].split()
    if found is None or len(fields) < 22:
        return None
    name = data.partition(b"(")[2].rpartition(b") ")[0]
    ticks = int(fields[11]) + int(fields[12])
    return Usage(
        pid=found.pid,
        name=os.fsdecode(name),
        state=found.state,
        parent=found.parent,
        started=found.started,
        cpu=ticks / _TICKS,
        rss=int(fields[21]) * _PAGE,
    )


def command_line(found: Usage) -> str:
    """The words of its command, or its name in brackets where they can't be read.

    The kernel takes the lock of a process's memory for that, which one that hangs in D state may
    hold for long: such a one is not asked.
    """
    data = b"" if found.state in "DZ" else _slurp(f"/proc/{found.pid}/cmdline")
    return os.fsdecode(data.rstrip(b"\0").replace(b"\0", b" ")) if data else f"[{found.name}]"


def descriptor_count(pid: int) -> int | None:
    """How many descriptors a process has open; None where that may not be asked (proc(5))."""
    try:
        return len(seam.list_directory(f"/proc/{pid}/fd"))
    except OSError:
        return None


def environment_value(pid: int, name: bytes) -> bytes | None:
    """A variable that a process was started with, where we may read it."""
    data = _slurp(f"/proc/{pid}/environ")
    if data is None:
        return None
    for item in data.split(b"\0"):
        key, mark, value = item.partition(b"=")
        if key == name and mark:
            return value
    return None


def signal_process(found: Stat, number: int) -> bool:
    """Signal a process that is not our child, unless its pid has gone to another meanwhile."""
    try:
        handle = seam.pidfd_open(found.pid)
    except OSError:
        return False
    try:
        now = stat(found.pid)  # the descriptor pins the pid: what is read now is what is hit
        if now is None or now.started != found.started:
            return False
        seam.pidfd_send_signal(handle, number)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True


def _slurp(path: str) -> bytes | None:
    """A whole file of /proc; None if it can't be read."""
    try:
        return _slurp_for_certain(path)
    except OSError:
        return None


def _slurp_for_certain(path: str) -> bytes | None:
    """The same; OSError if that is for want of what there may be again."""
    try:
        fd = seam.open_fd(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in _SHORTAGE:
            raise
        return None
    try:
        parts = []
        while part := seam.read(fd, 1 << 17):
            parts.append(part)
        return b"".join(parts)
    except OSError as error:
        if error.errno in _SHORTAGE:
            raise
        return None
    finally:
        os.close(fd)
