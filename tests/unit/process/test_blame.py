"""Whose the KILL was that a service has ended by, when its group counts what the kernel kills."""

from __future__ import annotations

import pytest

from nsinit.process.oom import Blame
from nsinit.process.strays import Strays


class Counts:
    """The groups of services, of which only the counters matter here."""

    def __init__(self) -> None:
        self.kills: dict[str, int] = {"a": 0}
        self.limit: int | None = 32 << 20

    def oom_kills(self, service: str) -> int | None:
        return self.kills.get(service)

    def memory_limit(self, _: str) -> int | None:
        return self.limit


@pytest.fixture
def counts() -> Counts:
    """No kill yet, of one service."""
    return Counts()


@pytest.fixture
def blame(counts: Counts) -> Blame:
    """Its run has begun."""
    strays = Strays()
    strays.groups = counts  # type: ignore[assignment]  # the rest of it is not asked for
    made = Blame(strays)
    made.began("a")
    return made


def test_kernel_is_to_blame_when_the_counter_of_the_group_rose(
    blame: Blame, counts: Counts
) -> None:
    """Once per rise."""
    counts.kills["a"] = 1
    assert blame.judge("a", -9) == (True, "it may have 32MiB")
    assert blame.judge("a", -9) == (False, "")
    counts.limit = None
    counts.kills["a"] = 2
    assert blame.judge("a", -9) == (True, "")


def test_others_are_to_blame_when_the_counter_did_not_rise(blame: Blame, counts: Counts) -> None:
    """Also if a group from before had counted some."""
    counts.kills["a"] = 3
    blame.began("a")
    assert blame.judge("a", -9) == (False, "")


def test_lost_processes_are_told_when_the_main_one_ended_otherwise(
    blame: Blame, counts: Counts
) -> None:
    """It may have ended for want of them; a KILL may have been init's own."""
    counts.kills["a"] = 1
    text = "the kernel killed one of its processes for lack of memory: they may have 32MiB"
    assert blame.judge("a", 1) == (False, text)
    counts.kills["a"] = 3
    blame.sent_kill("a")
    oom, text = blame.judge("a", -9)
    assert (oom, text.partition(":")[0]) == (
        False,
        "the kernel killed 2 of its processes for lack of memory",
    )


def test_counters_go_on_when_another_init_takes_over(blame: Blame, counts: Counts) -> None:
    """It has seen what the first has."""
    counts.kills["a"] = 1
    blame.judge("a", -9)
    other = Blame(blame._strays)
    other.adopt(*blame.export())
    assert other.judge("a", -9) == (False, "")
    counts.kills["a"] = 2
    assert other.judge("a", -9)[0]
    other.over("a")
    assert other.export() == ([], None, {})
