"""The shortest program that shows a failure, as far as it is found in the time there is."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .program import without

if TYPE_CHECKING:
    from collections.abc import Callable

    from .life import Outcome
    from .program import Program

    Try = Callable[[Program], Outcome | None]


def shrink(
    found: Outcome, again: Callable[[Program], Outcome], seconds: float, tell: Callable[[str], None]
) -> Outcome:
    """Leave out steps and services for so long as the same check fails; `again` runs a program."""
    until = time.monotonic() + seconds

    def attempt(program: Program) -> Outcome | None:
        """What came of it, if the same went wrong; nothing once the time is over."""
        if time.monotonic() > until or found.violation is None:
            return None
        tell(f"shrinking: {len(program.services)} services, {len(program.steps)} steps")
        made = again(program)
        same = made.violation is not None and made.violation.check == found.violation.check
        return made if same else None

    best = found
    cut = found.program._replace(steps=found.program.steps[: found.at + 1])
    best = attempt(cut) or best
    best = _fewer_services(best, attempt)
    best = _fewer_steps(best, attempt)
    return _fewer_services(best, attempt)


def _fewer_steps(best: Outcome, attempt: Try) -> Outcome:
    """Without any chunk of steps that is not needed."""

    def shorter(program: Program, at: int, size: int) -> Program:
        return program._replace(steps=program.steps[:at] + program.steps[at + size :])

    return _fewer(best, attempt, lambda program: len(program.steps), shorter)


def _fewer_services(best: Outcome, attempt: Try) -> Outcome:
    """The same for services."""

    def shorter(program: Program, at: int, size: int) -> Program:
        return without(program, [one.name for one in program.services[at : at + size]])

    return _fewer(best, attempt, lambda program: len(program.services), shorter)


def _fewer(
    best: Outcome,
    attempt: Try,
    count: Callable[[Program], int],
    shorter: Callable[[Program, int, int], Program],
) -> Outcome:
    """Leave out chunks from somewhere on for as long as it still fails, of half of them first."""
    size = count(best.program) // 2
    while size >= 1:
        at = 0
        while at < count(best.program):
            made = attempt(shorter(best.program, at, size))
            if made is None:
                at += size
            else:
                best = made
        size //= 2
    return best
