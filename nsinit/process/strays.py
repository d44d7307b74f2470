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
from nsinit.process.owned import Owned

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
    """The processes of all services.

    What init has started leads its session and its process group, and can leave neither (setsid(2),
    setpgid(2)): of such a process everything is known without a look at it, so a look costs what
    there is beside them.
    """

    groups: Groups | None = None  # where any service has one

    def __init__(self, marker: str | None = None) -> None:
        """`marker` is what their NSINIT_SOCKET holds, "" if they have none; None: don't look."""
        self.marker = None if marker is None else os.fsencode(marker)
        self._mains: Owned[int] = Owned()
        self._leaders: set[int] = set()  # of them
        self._sessions: Owned[int] = Owned()  # but for those of leaders
        self._members: Owned[tuple[int, int]] = Owned()  # by pid and start time; likewise
        self._orphans: dict[str | None, int] | None = None  # of this batch, how many of whom
        self._seen: Look | None = None  # of this batch
        self._grouped: dict[int, str] | None = None  # likewise
        self._many = _MANY  # sessions, before those that are over are forgotten

    def began(self, pid: int, service: str) -> None:
        """Init has made a main process, in a session of its own."""
        self._mains.give(pid, service)
        self._leaders.add(pid)
        if len(self._sessions) > self._many:  # mostly of hooks and probes that left nothing
            self.refresh()
            self.look()
            self._many = max(_MANY, 2 * len(self._sessions))

    def became(self, pid: int, service: str) -> None:
        """A process that init has not made is a main one from now on."""
        self._mains.give(pid, service)

    def joined(self, pid: int, service: str) -> None:
        """A process was made that leads a session of a service, and is not its main one."""
        self._sessions.give(pid, service)

    def left_session(self, pid: int) -> None:
        """Such a process was reaped; its session is remembered while something is left of it."""
        if pid not in self._mains and not _group_exists(pid):
            self._sessions.drop(pid)

    def ended(self, pid: int) -> str | None:
        """A child was reaped; the service whose main process it was, if any."""
        who = self._mains.drop(pid)
        if who is not None and pid in self._leaders:
            self._leaders.discard(pid)
            self._sessions.give(pid, who)  # which others may still be in
        return who

    def refresh(self) -> None:
        """Time has passed, or something was reaped: the next look is a new one."""
        self._orphans = self._seen = self._grouped = None
        if self.groups is not None:
            self.groups.tidy(self._mains.owners)

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
        self._sessions.forget(service)
        self._members.forget(service)

    def export(self) -> tuple[dict[int, str], dict[int, str], list[tuple[int, int, str]]]:
        """What is remembered: main processes, sessions, and members with their start times."""
        members = [(pid, started, who) for (pid, started), who in self._members.items()]
        mains, sessions = dict(self._mains.items()), dict(self._sessions.items())
        return mains, sessions | {pid: mains[pid] for pid in self._leaders}, members

    def adopt(
        self,
        mains: dict[int, str],
        sessions: dict[int, str],
        members: list[tuple[int, int, str]],
    ) -> None:
        """Remember what another did."""
        self._mains.become(mains)  # which of them lead sessions the next look tells
        self._sessions.become(sessions)
        self._members.become({(pid, started): who for pid, started, who in members})
        self.refresh()

    # --- Finding ----------------------------------------------------------------------------------

    def left(self, service: str | None) -> int:
        """How many orphans a service has: those of its processes that init adopted.

        Without a service: those of nobody, one at least where that can't be told. OSError if none
        of it can be told just now.
        """
        if self._orphans is None:
            try:
                found = proc.children_for_certain()
            except OSError:
                if service is not None:
                    raise
                return 1
            if found is None:  # no /proc: the group is all that can be seen
                return int(service is None or any(map(_group_exists, self._sessions_of(service))))
            self._orphans = {}
            for pid in set(found) - self._leaders:  # in one go: nearly all lead
                if pid not in self._mains:
                    who = self._owner_of_orphan(pid)
                    self._orphans[who] = self._orphans.get(who, 0) + 1
        return self._orphans.get(service, 0)

    def owner(self, pid: int) -> str | None:
        """The service that a process belongs to, if it is one of ours."""
        if pid in self._mains:
            return self._mains.get(pid)
        found = self.look().get(pid)
        return found[1] if found is not None else None

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
        """What belongs to services beside the main processes that init has made.

        Remembers what is new of that. Where nothing can be seen, be it only just now, what was
        remembered before still is.
        """
        if self._seen is not None:
            return self._seen
        seen = proc.processes(self._leaders)
        if seen is None:
            return {}
        owners: dict[int, str] = {}
        for pid in seen:
            self._find_owner(pid, seen, owners)
        me = os.getpid()
        living = {(pid, seen[pid].started): who for pid, who in owners.items()}
        for pid in owners:
            if pid in self._mains and _leads(seen[pid], me):  # another init has made it
                self._leaders.add(pid)
        sessions = {seen[pid].session: who for pid, who in owners.items()}
        self._members.become(living)
        not_theirs = self._leaders | {0, me}
        self._sessions.become({sid: who for sid, who in sessions.items() if sid not in not_theirs})
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
        who = owners.get(pid)
        if who is None and pid in self._leaders:
            who = self._mains.get(pid)
        if who is not None:
            for below in line:
                owners.setdefault(below, who)

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
        who = who or self._session_owner(found.session) or self._in_groups().get(found.pid)
        if who is None and ours and self.marker is not None:
            who = self._owner_by_environment(found.pid)
        return who

    def _session_owner(self, session: int) -> str | None:
        owners = self._mains if session in self._leaders else self._sessions
        return owners.get(session)

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
        if group not in (0, pid) and group == os.getpgrp():
            group = 0
        with suppress(ProcessLookupError):
            if group:
                seam.killpg(group, number)
                return
        self.signal_main(pid, number)  # which has not made its session yet

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
                and found.group not in self._leaders
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
        led = [pid for pid in self._mains.of(service) if pid in self._leaders]
        return [*led, *self._sessions.of(service)]


def _leads(found: Stat, me: int) -> bool:
    """Whether a child of init leads its session: then it will always do."""
    return found.parent == me and found.pid == found.session == found.group


def _group_exists(group: int) -> bool:
    try:
        seam.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
