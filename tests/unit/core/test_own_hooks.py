"""Init's own hooks: before the first service, after the last."""

from __future__ import annotations

import pytest

from nsinit.core import messages as m
from nsinit.core.supervisor import GRACE, LAST
from tests.unit.core.world import Table, booted

HOOK: Table = {"command": "h"}


def test_services_start_when_the_hook_of_init_has_ended() -> None:
    """And not before."""
    w = booted({"a": {}}, pre_start=HOOK)
    assert (w.states, w.running_tasks("")) == ({"a": "stopped"}, ["pre_start"])
    assert w.timer("", "pre_start") == 60.0
    w.task_ends("", "pre_start")
    assert (w.states, w.timers) == ({"a": "running"}, {})


@pytest.mark.parametrize("status", [3, None])
def test_init_ends_when_its_hook_fails(status: int | None) -> None:
    """With its code, or 1 for its limit; nothing was started, what comes after is done."""
    w = booted({"a": {}}, pre_start=HOOK, post_stop=HOOK)
    if status is None:
        w.advance(60)
        assert w.killed_tasks("") == ["pre_start"]
    else:
        w.task_ends("", "pre_start", status)
    assert w.running_tasks("") == ["post_stop"]
    w.task_ends("", "post_stop")
    assert (w.code(), w.spawned) == (status or 1, [])
    assert w.remarks == [("", "pre_start took too long" if status is None
                          else "pre_start failed with code 3")]  # fmt: skip


def test_init_ends_after_its_hook_when_everything_has_stopped() -> None:
    """The hook is told the code; its own failure changes nothing."""
    w = booted({"a": {}}, post_stop=HOOK)
    w.shut_down(7)
    assert w.running_tasks("") == []
    w.settle()
    assert (w.code(), w.running_tasks("")) == (None, ["post_stop"])
    assert w.told_of("", "post_stop").status == 7
    w.task_ends("", "post_stop", 1)
    assert w.code() == 7
    assert w.remarks == [("", "post_stop failed with code 1")]


def test_init_ends_after_its_hook_when_nothing_is_left() -> None:
    """Also without a shutdown; meanwhile nothing starts."""
    w = booted({"a": {"restart": "no"}}, post_stop=HOOK)
    w.end("a", 3)
    assert w.running_tasks("") == ["post_stop"]
    w.start("a")
    assert w.state("a") == "failed"
    w.task_ends("", "post_stop")
    assert w.code() == 3


def test_hook_is_killed_when_it_takes_too_long() -> None:
    """Its limit; a stale end of it means nothing."""
    w = booted({"a": {}}, post_stop=HOOK)
    w.end("a", 0)
    w.advance(4.9)
    assert w.code() is None
    w.advance(0.2)
    assert (w.code(), w.killed_tasks("")) == (0, ["post_stop"])
    assert w.core.handle(m.TaskEnded("", 0, "post_stop", 0), w.now) == []


def test_stale_timer_means_nothing_when_it_is_not_that_of_the_hook() -> None:
    """Of another instant, or of the other hook."""
    w = booted({"a": {}}, pre_start=HOOK)
    assert w.core.handle(m.Fired("", 0, "pre_start", 5.0), w.now) == []
    assert w.core.handle(m.Fired("", 0, "post_stop", w.core.state.hook_at), w.now) == []
    assert w.core.handle(m.TaskEnded("", 0, "post_stop", 0), w.now) == []
    assert w.running_tasks("") == ["pre_start"]


def test_first_hook_is_killed_when_init_is_to_end() -> None:
    """What comes after the last service is done all the same."""
    w = booted({"a": {}}, pre_start=HOOK, post_stop=HOOK)
    w.shut_down()
    assert (w.killed_tasks(""), w.running_tasks("")) == (["pre_start"], ["post_stop"])
    w.task_ends("", "post_stop")
    assert (w.code(), w.spawned) == (0, [])


@pytest.mark.parametrize("when", ["before", "during"])
def test_last_hook_is_skipped_when_init_is_in_haste(when: str) -> None:
    """A second TERM skips what is left of it, or all of it."""
    w = booted({"a": {}}, post_stop=HOOK, pre_start=HOOK)
    if when == "during":
        w.task_ends("", "pre_start")
        w.shut_down()
        w.settle()
        assert w.running_tasks("") == ["post_stop"]
    w.shut_down(hurry=True)
    assert (w.code(), w.running_tasks("")) == (0, [])


def test_last_hook_has_its_part_of_the_budget_when_init_shuts_down() -> None:
    """8 s of grace and 5 s of hook."""
    w = booted({"a": {}}, post_stop=HOOK, outcomes=["stubborn"])
    w.shut_down()
    assert w.timer("a", "stop") == pytest.approx(8 * 9 * GRACE / 13)


def test_init_ends_in_its_time_when_its_hook_would_take_longer() -> None:
    """The hook is killed with the last of the budget."""
    w = booted({"a": {}}, post_stop=HOOK | {"timeout": 100})
    w.shut_down()
    w.settle()
    w.advance(9 * LAST + 0.01)
    assert (w.code(), w.killed_tasks("")) == (0, ["post_stop"])


def test_hook_has_a_deadline_when_a_shutdown_comes_while_it_runs_by_itself() -> None:
    """Whoever sends TERM waits as long as ever."""
    w = booted({"a": {"restart": "no"}}, post_stop=HOOK | {"timeout": 100})
    w.end("a", 3)
    w.advance(50)
    assert w.code() is None
    w.shut_down()
    w.advance(9 * LAST - 0.1)
    assert w.code() is None
    w.advance(0.2)
    assert w.code() == 3
