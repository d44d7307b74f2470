"""What should be, by a model of its own that shares nothing with the core of nsinit.

It knows who was asked for and who was told to stop, who is pinned, and whom each service needs. It
does not know states: what a wanted service comes to is written at its kind. Where what was done to
a service leaves more than one right outcome it is not `sure`, and only that what is said of it is
true is looked at, until it is started anew.
"""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .kinds import Goal
    from .program import Subject

# What no service notices that has begun; a moment before it has, each of them may kill it.
_MILD: Final = frozenset({"HUP", "USR1", "USR2", "WINCH", "CONT"})
_STANDS: Final = frozenset({"STOP"})


class Wanted:
    """One service as it should be."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.want = False
        self.pinned = ""
        self.sure = True
        self.stands = False  # a STOP may have kept what should end by itself

    @property
    def goal(self) -> Goal:
        """What it comes to when it is wanted."""
        return self.subject.row.goal


class Model:
    """All services as they should be."""

    def __init__(self, subjects: Iterable[Subject]) -> None:
        self.services = {one.name: Wanted(one) for one in subjects}
        self.start([one.subject.name for one in self.services.values() if one.subject.autostart])

    def select(self, patterns: list[str]) -> list[str]:
        """Whom the patterns mean; none if one of them means nobody, which is refused."""
        chosen: set[str] = set()
        for pattern in patterns:
            found = {
                name
                for name, one in self.services.items()
                if fnmatch.fnmatchcase(name, pattern) or pattern == f"tag:{one.subject.kind}"
            }
            if not found:
                return []
            chosen |= found
        return [name for name in self.services if name in chosen]

    def expected(self, name: str) -> Goal | Literal["down"] | None:
        """What it must have come to when all is still; None if that can't be said."""
        one = self.services[name]
        if not one.sure:
            return None
        if not one.want:
            return "down"
        for needed, how in one.subject.needs:
            if needed in self.services and not self._gives(needed, how):
                return None
        return one.goal

    def _gives(self, name: str, how: str) -> bool:
        goal = self.expected(name)
        return goal == "done" or (goal == "up" and how in ("ready", "started"))

    # --- What is done -----------------------------------------------------------------------------

    def start(self, names: Iterable[str]) -> None:
        """Want them up, and what they need.

        What those need that are wanted already is started with them only if they are down at the
        moment, which is not known here.
        """
        certain, maybe = self._pulled_in(names)
        for name in certain:
            one = self.services[name]
            if one.pinned != "down":
                one.want, one.sure = True, not one.stands  # what stands still runs: nothing is done
        self._perhaps(maybe - certain)

    def _perhaps(self, names: Iterable[str]) -> None:
        for name in names:
            one = self.services[name]
            if not one.want or not one.sure:
                one.want, one.sure = True, False

    def _pulled_in(self, names: Iterable[str]) -> tuple[set[str], set[str]]:
        certain, maybe = set(names), set[str]()
        todo = [(name, True) for name in certain]
        while todo:
            name, sure = todo.pop()
            for needed, _ in self._needs(name):
                other = self.services[needed]
                ended = other.goal == "done" and not other.want  # it may count as completed
                definite = sure and not ended
                if needed not in certain and (definite or needed not in maybe):
                    (certain if definite else maybe).add(needed)
                    todo.append((needed, definite and not other.want))
        return certain, maybe

    def stop(self, names: Iterable[str]) -> None:
        """Want them down."""
        for name in names:
            one = self.services[name]
            if one.pinned != "up":
                one.want, one.sure, one.stands = False, True, False

    def restart(self, names: Iterable[str]) -> None:
        """Want them up, as new; what they need is started only for those that are down by now."""
        for name in names:
            one = self.services[name]
            if one.pinned:
                self.doubt(name)
                continue
            one.want = one.sure = True
            one.stands = False
            certain, maybe = self._pulled_in([name])
            self._perhaps((certain | maybe) - {name})

    def reset(self, names: Iterable[str]) -> None:
        """What has ended is forgotten; what runs is not touched."""
        for name in names:
            if self.services[name].goal != "up":
                self.doubt(name)
            elif any(self.expected(needed) in (None, "down") for needed, _ in self._needs(name)):
                self.services[name].sure = False  # it may have been given up for want of another

    def pin(self, names: Iterable[str]) -> None:
        """Keep them as they are wanted now."""
        for name in names:
            one = self.services[name]
            one.pinned = "up" if one.want else "down"
            if one.goal != "up" or not one.sure:  # whether it is wanted now is not known for sure
                one.pinned = "?"
                self.doubt(name)

    def pause(self, names: Iterable[str]) -> None:
        """They stand still, as after a STOP; or some do, if others could not be."""
        for name in names:
            self.signalled(name, "STOP")

    def unpin(self, names: Iterable[str]) -> None:
        """Let them be started and stopped again."""
        for name in names:
            self.services[name].pinned = ""

    def signalled(self, name: str, signal: str, role: str = "main") -> None:
        """A process of it got a signal: what should end by itself may have ended otherwise."""
        one = self.services.get(name)
        if one is None or role in ("stray", "child"):
            return
        robust = one.goal == "up" or (one.goal in ("failed", "churn") and signal not in _STANDS)
        if not robust:
            self.doubt(name)
            one.stands = one.stands or signal in _STANDS

    def doubt(self, name: str) -> None:
        """Nothing is sure about it and about those that need it, until they are started."""
        todo, seen = [name], {name}
        while todo:
            for other, one in self.services.items():
                if other not in seen and any(n in seen for n, _ in one.subject.needs):
                    seen.add(other)
                    todo.append(other)
            todo.pop()
        for other in seen:
            if other == name or self.services[other].want:
                self.services[other].sure = False

    def update(self, subjects: dict[str, Subject]) -> None:
        """Go by another configuration."""
        before = self.services
        self.services = {}
        started: list[str] = []
        restarted: list[str] = []
        for name, subject in subjects.items():
            one = before.get(name)
            if one is None:
                self.services[name] = Wanted(subject)
                started += [name] if subject.autostart else []
                continue
            self.services[name] = one
            changed, one.subject = one.subject != subject, subject
            if changed and one.want and one.sure and not one.pinned:
                restarted.append(name)
            elif changed and one.want:  # whether it is wanted is not known for sure
                one.sure = False
        self.start(started)
        self.restart(restarted)

    def _needs(self, name: str) -> list[tuple[str, str]]:
        return [row for row in self.services[name].subject.needs if row[0] in self.services]


def _nothing(model: Model, params: dict[str, Any]) -> None:
    """It changes nothing that this model knows of."""


def _of(name: str) -> Callable[[Model, dict[str, Any]], None]:
    def apply(model: Model, params: dict[str, Any]) -> None:
        getattr(model, name)(model.select(params["names"]))

    return apply


def _signal(model: Model, params: dict[str, Any]) -> None:
    for name in model.select(params["names"]):
        model.signalled(name, params["signal"])


# What each row of the command table that changes anything means; a row that is missing here fails a
# test. An update is applied by the step that makes it, and a shutdown is the end of a program.
EFFECTS: Final[dict[str, Callable[[Model, dict[str, Any]], None]]] = {
    **{name: _of(name) for name in ("start", "stop", "restart", "reset", "pin", "unpin", "pause")},
    "signal": _signal,
    **dict.fromkeys(
        ("reload", "unpause", "scale", "update", "exec", "enter", "terminal", "reexec"),
        _nothing,
    ),
    "shutdown": _nothing,
}
