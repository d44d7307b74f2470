"""What must hold, seen from outside: in /proc, by services themselves, by the stream of events."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from nsinit.errors import ControlError

from .kinds import DELAY_MAX
from .processes import descriptors, memory
from .world import Violation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .expect import Model
    from .processes import Process, Seen
    from .world import World

    Row = dict[str, Any]
    Expected = Mapping[str, str | None]

_AGAIN: Final = 0.02  # s
_BRIEF: Final = 1.0  # s between a fork and an exec, at most
_REST: Final = frozenset({"stopped", "exited", "failed", "waiting", "backoff"})
_MEMORY: Final = 1024  # KiB that init may have more of than at the first rests when it was warm
_WARM_RESTS: Final = 3  # of which the most counts: an init that has just begun anew has less
_LONGEST: Final = DELAY_MAX * 1.1  # s of a backoff, with its jitter
_COLD_MEMORY: Final = 6144  # the same before that, than at the last rest
# When the last events, the ends of runs and the flight recorder are full, and what is kept of each
# service: its last ends, and the ring of its output.
WARM: Final = 5000  # events
_WARM_EACH: Final = 100  # for each service
_SAME: Final = ("state", "pid", "run", "since", "restarts")
# What has ended by itself before it was told to stop stays what it is.
_SETTLED: Final = {
    "done": ("exited",),
    "failed": ("failed",),
    "down": ("stopped", "exited", "failed"),
}


class Checks:
    """The rules, and the worst that was seen."""

    def __init__(self, world: World, model: Model, patience: float) -> None:
        """`patience`: how long (s) anything may take on a machine that has other things to do."""
        self.patience = patience
        self._world = world
        self.model = model
        self.worst_up = 0.0  # s until everything wanted was up
        self.held: list[tuple[int, int]] = []  # descriptors and KiB of init, at each rest
        self.warm: list[int] = []  # KiB, at the first rests when it was warm
        self._fds: list[str] = []
        self._kinds: set[str] = set()  # of services so far

    # --- At once ----------------------------------------------------------------------------------

    def always(self) -> None:
        """What holds at any moment: init lives, nobody saw two of one, no event is missing."""
        world = self._world
        if world.follower.ended:
            world.wait(_BRIEF)
        if not world.is_alive():
            assert world.live.process is not None
            raise Violation("alive", f"init ended with {world.live.process.returncode}")
        if found := world.violations():
            raise Violation("one", f"seen by services (what, who, pid, other): {found!r}")
        if world.follower.wrong:
            raise Violation("events", "; ".join(world.follower.wrong[:5]))
        if world.follower.worst_delay > _LONGEST + self.patience:
            raise Violation("backoff", f"a service waited {world.follower.worst_delay:.1f} s")
        if world.follower.ended:
            raise Violation("events", f"the follower was left: {world.follower.ended}")

    def why_lost(self, text: str) -> Violation:
        """Init does not answer: that it has ended says more."""
        self._world.wait(_BRIEF)
        self.always()
        return Violation("answers", text)

    def truth(self, pending: set[str], expected: Expected | None = None) -> dict[str, str]:
        """Compare what init says with what is; why each of `pending` is not seen right yet.

        Those of which init says the same before and after the look can be compared. That something
        is left of what init calls stopped is wrong at once; other differences may be on their way.
        """
        before = self._ask()
        seen = self._world.look()
        after = self._ask()
        why: dict[str, str] = {}
        mains = self._mains(seen)
        for name in pending:
            one, then = before.get(name), after.get(name)
            if one is None or then is None:
                why[name] = "init does not know it"
                continue
            if any(one[key] != then[key] for key in _SAME):
                if not _has_come(expected, name, then):
                    why[name] = "it changes"
                continue
            if len(found := mains.get(name, [])) > 1 and (twice := self._still_there(name, found)):
                raise Violation("one", f"two processes are {name}: {twice}")
            self._nothing_is_left(name, one, seen)
            text = self._differs(name, one, seen) or _awaited(expected, name, one)
            if text:
                why[name] = text
        return why

    def _ask(self) -> dict[str, Row]:
        try:
            return self._world.status()
        except ControlError as error:
            raise self.why_lost(f"no status: {error}") from None

    def _mains(self, seen: Seen) -> dict[str, list[Process]]:
        """The main processes of each service."""
        made: dict[str, list[Process]] = {}
        for one in seen.ours.values():
            if one.role == "main" and one.parent == self._world.inner_pid:
                made.setdefault(one.service, []).append(one)
        return made

    def _still_there(self, name: str, found: list[Process]) -> list[Process]:
        """What is left of several main processes: a copy may have been about to be a stray."""
        until = time.monotonic() + _BRIEF
        while time.monotonic() < until and len(found) > 1:
            time.sleep(_AGAIN)
            now = self._mains(self._world.look()).get(name, [])
            found = [one for one in now if any(one.pid == other.pid for other in found)]
        return found if len(found) > 1 else []

    def _nothing_is_left(self, name: str, one: Row, seen: Seen) -> None:
        if one["state"] not in _REST:
            return
        subject = self.model.services.get(name)
        may_stay = subject is not None and subject.subject.row.leaves
        for process in seen.of(name):
            hook = process.role == "hook" and one["state"] == "failed"  # which is told of it
            if not hook and not (may_stay and process.role != "main"):
                raise Violation("left", f"{name} is {one['state']}, but there is {process}")

    def _differs(self, name: str, one: Row, seen: Seen) -> str:
        state, pid = one["state"], one["pid"]
        if state in _REST:
            return f"it is {state} with pid {pid}" if pid else ""
        if state == "running" and not pid:
            return "it runs without a process"
        if not pid:
            return ""
        process = seen.ours.get(pid)
        if process is None or process.service != name:
            return f"it is {state} with pid {pid}, which is {process or 'not there'}"
        if state == "running" and process.role not in ("main", "parent"):
            return f"it runs as {process}"
        return ""

    # --- Once all is still ------------------------------------------------------------------------

    def truthful(self) -> None:
        """Every service is seen right once, whatever it should be."""
        self._until_right(set(self.model.services), None, "truth")

    def settle(self) -> None:
        """Every wanted service comes to what it should, and what is not wanted is gone."""
        expected = {name: self.model.expected(name) for name in self.model.services}
        runs = {name: row["run"] for name, row in self._ask().items()}
        began = time.monotonic()
        self._until_right(set(expected), expected, "up")
        self.worst_up = max(self.worst_up, time.monotonic() - began)
        self._go_on({n for n, goal in expected.items() if goal in ("churn", "tick")}, runs)
        self._names()
        self._zombies()

    def _until_right(self, pending: set[str], expected: Expected | None, check: str) -> None:
        until = time.monotonic() + self.patience
        while pending:
            why = self.truth(pending, expected)
            pending = set(why)
            self.always()
            if time.monotonic() > until and why:
                rows = "; ".join(f"{name}: {text}" for name, text in sorted(why.items())[:8])
                raise Violation(check, f"{len(why)} services after {self.patience:.0f} s: {rows}")
            if why:
                time.sleep(_AGAIN)

    def _go_on(self, names: set[str], runs: dict[str, int]) -> None:
        """What comes back again and again does."""
        until = time.monotonic() + self.patience
        while names:
            rows = self._ask()
            names = {
                name for name in names if rows.get(name, {}).get("run", 0) <= runs.get(name, 0)
            }
            self.always()
            if names and time.monotonic() > until:
                told = {name: rows.get(name) for name in sorted(names)[:3]}
                raise Violation("up", f"no new run in {self.patience:.0f} s: {told}")
            if names:
                time.sleep(_AGAIN)

    def _names(self) -> None:
        """Exactly the services of the file are there, once those that went have ended."""
        until = time.monotonic() + self.patience
        while (rows := self._ask()).keys() != self.model.services.keys():
            if time.monotonic() > until:
                wrong = sorted(rows.keys() ^ self.model.services.keys())
                told = [rows.get(name) for name in wrong[:3]]
                raise Violation("names", f"init has, or lacks: {wrong}, {told}")
            time.sleep(_AGAIN)
        for one in self._world.look().ours.values():
            if one.service not in self.model.services:
                raise Violation("left", f"its service is no more: {one}")

    def _zombies(self) -> None:
        until = time.monotonic() + self.patience
        while found := self._world.look().zombies:
            if time.monotonic() > until:
                raise Violation("zombies", f"not reaped: {found}")
            time.sleep(_AGAIN)

    def caught_up(self) -> None:
        """The follower gets everything up to now."""
        rows = list(self._world.client.events())
        if rows and not self._world.follower.caught_up(rows[-1]["seq"], self.patience):
            raise Violation("events", f"event {rows[-1]['seq']} does not come to the follower")
        self.always()

    # --- At rest ----------------------------------------------------------------------------------

    def at_rest(self, *, warm: bool) -> None:
        """Nothing is left of any service, and init holds what it held at the last rest."""
        left = [one for one in self._world.look().ours.values() if not self._may_stay(one)]
        if left:
            raise Violation("left", f"everything is stopped, but there is {left[:5]}")
        self._zombies()
        before = self.held[-1] if self.held else None
        kinds = {one.subject.kind for one in self.model.services.values()}
        new_kinds, self._kinds = kinds - self._kinds, kinds | self._kinds
        known = warm and not new_kinds  # what a kind needs for the first time stays
        until = time.monotonic() + self.patience
        while True:
            fds, kib = descriptors(self._world.pid), memory(self._world.pid)
            if before is None or not known or len(fds) <= before[0] or time.monotonic() > until:
                break
            time.sleep(_AGAIN)
        if before is not None and known and len(fds) > before[0]:
            new = [one for one in fds if one not in self._fds]
            raise Violation("fds", f"{before[0]} before, now {len(fds)}: {new}")
        self._memory(kib)
        self.held.append((len(fds), kib))
        self._fds = fds

    def _memory(self, kib: int) -> None:
        """What it holds is flat, once what is bounded is full."""
        limit = 0
        if len(self.warm) == _WARM_RESTS:
            limit = max(self.warm) + _MEMORY
        elif self.held:
            limit = self.held[-1][1] + _COLD_MEMORY
        if limit and kib > limit:
            raise Violation("memory", f"{kib} KiB, more than {limit}; before: {self.held[-5:]}")
        full = max(WARM, _WARM_EACH * len(self.model.services))
        if len(self.warm) < _WARM_RESTS and self._world.follower.seq > full:
            self.warm.append(kib)

    def _may_stay(self, one: Process) -> bool:
        subject = self.model.services.get(one.service)
        return subject is not None and subject.subject.row.leaves and one.role == "stray"


def _awaited(expected: Expected | None, name: str, one: Row) -> str:
    """What is missing until a service has come to what it should."""
    goal = expected.get(name) if expected is not None else None
    state = one["state"]
    if goal == "up" and state != "running" and not one["paused"]:
        return f"it is {state}, should run: {one['reason']}"
    if goal in _SETTLED and state not in _SETTLED[goal]:
        return f"it is {state}, should be {_SETTLED[goal][0]}: {one['reason']}"
    if goal in ("churn", "tick") and state in ("stopped", "exited", "failed"):
        return f"it is {state}, should come back: {one['reason']}"
    return ""


def _has_come(expected: Expected | None, name: str, one: Row) -> bool:
    """Whether a service that never rests need not be seen at rest."""
    return expected is not None and expected.get(name) in ("churn", "tick") and bool(one["run"])
