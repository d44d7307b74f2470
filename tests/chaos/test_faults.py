"""The most telling of all that scripts/adversity tries: a fault in a phase of a real life."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scripts.ordeal.trial import Stage, Trial

if TYPE_CHECKING:
    from collections.abc import Iterator

TELLING = [
    Trial("steady", "Arm", "RuntimeError", ""),
    Trial("steady", "Signal", "KeyboardInterrupt", "@1"),
    Trial("steady", "Stream", "MemoryError", "@1-5"),
    Trial("steady", "fork", "EAGAIN", ""),
    Trial("steady", "pipe", "EMFILE", "@1-5"),
    Trial("steady", "recvmsg", "ENOBUFS", ""),  # while deaths are heard of
    Trial("steady", "open", "EMFILE", ""),  # while what is left of a service is looked for
    Trial("steady", "core", "RuntimeError", "@21"),  # what comes next is of the same service
    Trial("reexec", "prctl", "EINVAL", "@1"),
    Trial("reexec", "timerfd_settime", "ECANCELED", ""),
    Trial("boot", "core", "RuntimeError", "@1"),
    Trial("boot", "core", "EIO", "@6"),
    Trial("stop", "Finish", "RuntimeError", ""),
    Trial("stop", "core", "RuntimeError", "@1"),
]


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """One life for many trials, as long as nothing goes wrong with it."""
    made = Stage()
    yield made
    made.close()


@pytest.mark.parametrize("trial", TELLING, ids=lambda trial: f"{trial.phase}-{trial.plan}")
def test_init_recovers_when_a_fault_is_over(stage: Stage, trial: Trial) -> None:
    """It lives, others are untouched, nothing is left over, and in the end all runs again."""
    outcome = stage.attempt(trial)
    assert outcome.struck
    assert outcome.wrong == ()
