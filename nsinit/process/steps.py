"""Operations that can say what they are going to do, and take back what they did.

A sandbox is a list of these; so is what a service needs before it is exec'ed. A plan is made
without touching anything, can be printed, and is rolled back from where it failed.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from nsinit.named import Named

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Protocol

    from nsinit.kernel.namespaces import Kind

    class Step(Protocol):
        """One reversible operation."""

        def describe(self) -> str:
            """What it does, for people: "mount proc on /proc"."""

        def apply(self) -> None:
            """Do it; OSError if the kernel refuses."""

        def undo(self) -> None:
            """Take it back, as far as that is possible and anything of it would be left."""

        def remedy(self, number: int) -> str:
            """What somebody can do when it failed with this errno; "" if that is not known."""

    class ParentStep(Protocol):
        """One that is done to an init by its launcher: id maps, cgroups, links."""

        def describe(self) -> str:
            """As of a Step."""

        def apply(self, init: Born) -> None:
            """Do it to that init; OSError if the kernel refuses."""

        def undo(self) -> None:
            """As of a Step."""

        def remedy(self, number: int) -> str:
            """As of a Step."""


class Born(Named):
    """The init of a sandbox, as its launcher sees it: it waits for what is done to it."""

    pid: int
    pidfd: int


class Bound:
    """A ParentStep with its init: a Step."""

    def __init__(self, step: ParentStep, init: Born) -> None:
        self._step, self._init = step, init
        self.describe, self.undo, self.remedy = step.describe, step.undo, step.remedy

    def apply(self) -> None:
        """Do it."""
        self._step.apply(self._init)


class Enclosure(Named):
    """What a program is put into before it runs, and what it may do there.

    The child of the fork takes these steps and can't undo them: they end with it.
    """

    kinds: tuple[Kind, ...] = ()  # the namespaces that are made with the process
    outside: tuple[ParentStep, ...] = ()  # taken by init while the child waits: id maps
    root: str = ""  # its root directory as init sees it: programs and users are looked up there
    first: tuple[Step, ...] = ()  # before anything else: its cgroup
    before: tuple[Step, ...] = ()  # with init's power: namespaces, root, mounts
    ids: tuple[Step, ...] = ()  # right before the ids change: capabilities to keep or to bound
    last: tuple[Step, ...] = ()  # as the user, right before exec: capabilities, filters


class StepError(Exception):
    """A step failed: `remedy` says what somebody can do about it."""

    def __init__(self, step: Step, error: OSError) -> None:
        number = error.errno or 0
        self.verb = step.describe()
        super().__init__(f"cannot {self.verb}: {error.strerror or error}")
        self.errno = number
        self.remedy = step.remedy(number)


class Taken:
    """The steps that have been taken, which can be taken back."""

    def __init__(self) -> None:
        self._done: list[Step] = []

    def take(self, steps: Iterable[Step]) -> None:
        """Apply all, in order; StepError at the first that fails."""
        for step in steps:
            try:
                step.apply()
            except OSError as error:
                raise StepError(step, error) from None
            self._done.append(step)

    def undo(self) -> None:
        """Undo all in reverse order, whatever any of them says."""
        while self._done:
            with suppress(OSError):
                self._done.pop().undo()


def run(steps: Sequence[Step]) -> None:
    """Apply all, in order; StepError after undoing in reverse order."""
    taken = Taken()
    try:
        taken.take(steps)
    except StepError:
        taken.undo()
        raise
