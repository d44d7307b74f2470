"""Operations that can say what they are going to do, and take back what they did.

A sandbox is a list of these; so is what a service needs before it is exec'ed. A plan is made
without touching anything, can be printed, and is rolled back from where it failed.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


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


class Enclosure(NamedTuple):
    """What a program is put into before it runs, and what it may do there.

    The child of the fork takes these steps and can't undo them: they end with it.
    """

    root: str = ""  # its root directory as init sees it: programs and users are looked up there
    before: tuple[Step, ...] = ()  # with init's power: namespaces, root, mounts
    ids: tuple[Step, ...] = ()  # right before the ids change: capabilities to keep or to bound
    last: tuple[Step, ...] = ()  # as the user, right before exec: capabilities, filters


class StepError(Exception):
    """A step failed; those before it have been undone."""

    def __init__(self, step: Step, error: OSError) -> None:
        number = error.errno or 0
        super().__init__(f"cannot {step.describe()}: {error.strerror or error}")
        self.errno = number
        self.remedy = step.remedy(number)


def run(steps: Sequence[Step]) -> None:
    """Apply all, in order; StepError after undoing in reverse order."""
    done: list[Step] = []
    for step in steps:
        try:
            step.apply()
        except OSError as error:
            for earlier in reversed(done):
                with suppress(OSError):
                    earlier.undo()
            raise StepError(step, error) from None
        done.append(step)
