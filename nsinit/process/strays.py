"""Which process belongs to which service, also after it has left its parent, group and session.

A service's main process leads its session. What it forks is found by descent while its parent
lives, and by its session afterwards. What makes a session of its own is remembered from the last
look while it still had a known parent or session; failing that, by the variable NSINIT_SERVICE in
its environment, where that can be read. Nothing gets out of a cgroup, so where a service has one of
its own that says it all. Looks are taken before each signal and after each end.

Two facts make this exact enough: whatever outlives its ancestors becomes a child of init, so a
service is empty when init has no child of it; and a session's number is not given out again while
the session has a member.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol

from nsinit.kernel import proc, seam

if TYPE_CHECKING:
    from collections.abc import Collection

    from nsinit.kernel.proc import Stat

    Look = dict[int, tuple[Stat, str]]

_ROUNDS: Final = 5  # of one signal, against what forks faster than one look
_ZOMBIE: Final = "Z"
_MANY: Final = 256
_DEPTH: Final = 64  # of a tree of processes, at most


class Groups(Protocol):
    """The cgroups of services."""

    def owners(self) -> dict[int, str]:
        """Which service each process in one belongs to."""

    def kill(self, service: str) -> bool:
        """KILL all that is in that of a service; whether it has one."""

    def forget(self, service: str) -> None:
        """Its run is over."""

    def tidy(self, living: Collection[str]) -> None:
        """Time has passed; these have processes that init has started."""

    def freeze(self, service: str, *, on: bool) -> None:
        """Freeze all that is in that of a service, or thaw it; OSError if that can't be."""

    def oom_kills(self, service: str) -> int | None:
        """How many in it the kernel has killed for memory; None if there is no such count."""

    def memory_limit(self, service: str) -> int | None:
        """How much memory it may have (bytes); None if there is no limit of its own."""


class Strays:
    """The processes of all services."""

    groups: Groups | None = None  # where any service has one

    def __init__(self, marker: str | None = None) -> None:
        """`marker` is what their NSINIT_SOCKET holds, "" if they have none; None: don't look."""
        self.marker = None if marker is None else os.fsencode(marker)
        self._mains: dict[int, str] = {}
        self._sessions: dict[int, str] = {}
        self._members: dict[tuple[int, int], str] = {}  # (pid, start time) to service
        self._orphans: dict[int, str | None] | None = None  # of this batch
        self._seen: Look | None = None  # of this batch
        self._grouped: dict[int, str] | None = None  # likewise
        self._many = _MANY  # sessions, before those that are over are forgotten

    def began(self, pid: int, service: str) -> None:
        """A main process was made."""
        self._mains[pid] = service
        self._sessions[pid] = service
        if len(self._sessions) > self._many:  # mostly of hooks and probes that left nothing
            self.refresh()
            self.look()
            self._many = max(_MANY, 2 * len(self._sessions))

    def joined(self, pid: int, service: str) -> None:
        """A process was made that leads a session of a service, and is not its main one."""
        self._sessions[pid] = service

    def left_session(self, pid: int) -> None:
        """Such a process was reaped; its session is remembered while something is left of it."""
        if pid not in self._mains and not _group_exists(pid):
            self._sessions.pop(pid, None)

    def ended(self, pid: int) -> str | None:
        """A child was reaped; the service whose main process it was, if any."""
        return self._mains.pop(pid, None)

    def refresh(self) -> None:
        """Time has passed, or something was reaped: the next look is a new one."""
        self._orphans = self._seen = self._grouped = None
        if self.groups is not None:
            self.groups.tidy(set(self._mains.values()))

    def freeze(self, service: str, *, on: bool) -> str:
        """Freeze all processes of a service, or thaw them; why that can't be, or nothing."""
        verb, why = "freeze" if on else "thaw", "it has no cgroup of its own" if on else ""
        try:
            if self.groups is not None:
                self.groups.freeze(service, on=on)
                why = ""
        except OSError as error:
            why = error.strerror or str(error)
        return f"cannot {verb} its processes: {why}" if why else ""

    def forget(self, service: str) -> None:
        """Nothing of a service is left, or what is left is nobody's business."""
        if self.groups is not None:
            self.groups.forget(service)
        self._sessions = {sid: who for sid, who in self._sessions.items() if who != service}
        self._members = {key: who for key, who in self._members.items() if who != service}

    def export(self) -> tuple[dict[int, str], dict[int, str], list[tuple[int, int, str]]]:
        """What is remembered: main processes, sessions, and members with their start times."""
        members = [(pid, started, who) for (pid, started), who in self._members.items()]
        return dict(self._mains), dict(self._sessions), members

    def adopt(
        self,
        mains: dict[int, str],
        sessions: dict[int, str],
        members: list[tuple[int, int, str]],
    ) -> None:
        """Remember what another did."""
        self._mains, self._sessions = dict(mains), dict(sessions)
        self._members = {(pid, started): who for pid, started, who in members}
        self.refresh()

    # --- Finding ----------------------------------------------------------------------------------

    def left(self, service: str) -> int:
        """How many orphans of a service there are: those of its processes that init adopted."""
        if self._orphans is None:
            found = proc.children()
            if found is None:  # no /proc: the group is all that can be seen
                return int(any(_group_exists(sid) for sid in self._sessions_of(service)))
            orphans = [pid for pid in found if pid not in self._mains]
            self._orphans = {pid: self._owner_of_orphan(pid) for pid in orphans}
        return sum(who == service for who in self._orphans.values())

    def processes(self, seen: dict[int, Stat]) -> list[tuple[int, str, bool]]:
        """Of these those of services: pid, service, and whether init has started it itself."""
        self.refresh()
        return [(pid, who, pid in self._mains) for pid, who in self.owners(seen).items()]

    def owners(self, seen: dict[int, Stat]) -> dict[int, str]:
        """Whose processes are that somebody has seen just now; nothing is remembered of it."""
        made: dict[int, str] = {}
        for pid in seen:
            self._find_owner(pid, seen, made)
        return made

    def owner_of(self, pid: int) -> str | None:
        """The service of a process or of the nearest ancestor that has one, without a look at all.

        None also for what is gone; a zombie is not.
        """
        me = os.getpid()
        for _ in range(_DEPTH):
            found = proc.stat(pid) if pid not in (0, me) else None
            if found is None:
                return None
            if (who := self._owner(found, me)) is not None:
                return who
            pid = found.parent
        return None

    def strangers(self) -> list[int]:
        """Children of init that are no main process: orphans, of whomever."""
        return [pid for pid in proc.children() or () if pid not in self._mains]

    def look(self) -> Look:
        """Every process that belongs to a service; remembers what is new among them."""
        if self._seen is not None:
            return self._seen
        seen = proc.processes() or {}
        owners: dict[int, str] = {}
        for pid in seen:
            self._find_owner(pid, seen, owners)
        me = os.getpid()
        living = {(pid, seen[pid].started): who for pid, who in owners.items()}
        sessions = {seen[pid].session: who for pid, who in owners.items()}
        mains = {pid: who for pid, who in self._sessions.items() if pid in self._mains}
        self._members = living
        self._sessions = {sid: who for sid, who in sessions.items() if sid not in (0, me)} | mains
        self._seen = {pid: (seen[pid], who) for pid, who in owners.items()}
        return self._seen

    def _find_owner(self, pid: int, seen: dict[int, Stat], owners: dict[int, str]) -> None:
        """Settle a process and its unsettled ancestors; those of nobody stay out of `owners`."""
        me, line = os.getpid(), []
        while pid in seen and pid not in owners and pid != me:
            line.append(pid)
            who = self._owner(seen[pid], me)
            if who is not None:
                owners[pid] = who
                break
            pid = seen[pid].parent
        if pid in owners:
            for below in line:
                owners.setdefault(below, owners[pid])

    def _owner_of_orphan(self, pid: int) -> str | None:
        found = proc.stat(pid)
        if found is None or found.state == _ZOMBIE:
            return None
        return self._owner(found, os.getpid())

    def _owner(self, found: Stat, me: int) -> str | None:
        """Whose a process is by itself, without asking its parent."""
        ours = found.parent == me
        who = self._mains.get(found.pid) if ours else None
        who = who or self._members.get((found.pid, found.started))
        who = who or self._sessions.get(found.session) or self._in_groups().get(found.pid)
        if who is None and ours and self.marker is not None:
            who = self._owner_by_environment(found.pid)
        return who

    def _in_groups(self) -> dict[int, str]:
        if self._grouped is None:
            self._grouped = self.groups.owners() if self.groups is not None else {}
        return self._grouped

    def _owner_by_environment(self, pid: int) -> str | None:
        if (proc.environment_value(pid, b"NSINIT_SOCKET") or b"") != self.marker:
            return None
        name = proc.environment_value(pid, b"NSINIT_SERVICE")
        return os.fsdecode(name) if name else None

    # --- Signals ----------------------------------------------------------------------------------

    def signal_main(self, pid: int, number: int) -> None:
        """Signal a main process that is not reaped yet, so that its pid can't be another's."""
        with suppress(ProcessLookupError):
            seam.kill(pid, number)

    def signal_group(self, pid: int, number: int) -> None:
        """Signal the process group of a main process; that of a daemon has another leader."""
        found = self.look().get(pid)
        group = found[0].group if found is not None else pid
        with suppress(ProcessLookupError):
            if group in (0, os.getpgrp()):
                seam.kill(pid, number)
            else:
                seam.killpg(group, number)

    def signal_all(self, service: str, number: int) -> None:
        """Signal everything that belongs to a service, until no more of it comes to light."""
        self.look()
        if number == signal.SIGKILL and self.groups is not None:
            self.groups.kill(service)
        for session in self._sessions_of(service):
            with suppress(ProcessLookupError):
                seam.killpg(session, number)  # at one stroke: no member can fork out of it
        reached: set[tuple[int, int]] = set()
        for _ in range(_ROUNDS):
            fresh = [
                found
                for found, who in self.look().values()
                if who == service
                and found.group not in self._sessions
                and found.state != _ZOMBIE
                and (found.pid, found.started) not in reached
            ]
            if not fresh:
                return
            for found in fresh:
                reached.add((found.pid, found.started))
                proc.signal_process(found, number)
            self.refresh()

    def _sessions_of(self, service: str) -> list[int]:
        return [sid for sid, who in self._sessions.items() if who == service]


def _group_exists(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
