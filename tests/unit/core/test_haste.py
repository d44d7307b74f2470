"""A stop, a second TERM and the deadline, in every stage of a run that has hooks."""

from __future__ import annotations

import pytest

from nsinit.core import messages as m
from nsinit.core.supervisor import GRACE, LAST
from tests.unit.core.world import Table, World, booted

TERM, KILL = 15, 9
HOOK: Table = {"command": "h"}
HOOKS = ("pre_start", "post_start", "pre_stop", "stop_command", "post_stop")
FULL: Table = dict.fromkeys(HOOKS, HOOK)
STAGES = ["pre_start", "daemon", "post_start", "running", "pre_stop", "stop_command", "signals",
          "strays", "post_stop", "leftovers"]  # fmt: skip


def at(stage: str, **table: object) -> World:
    """A world whose service "a" is in that stage; a stop was asked where there is one."""
    w = booted({"a": FULL | {"type": "forking"} | table, "b": {}}, outcomes=["ok", "stubborn"])
    if stage == "pre_start":
        return w
    w.task_ends("a", "pre_start")
    if stage == "daemon":
        w.daemon_outcomes = ["missing"] * 1000
    w.end("a", 0)
    if stage in ("daemon", "post_start"):
        return w
    w.task_ends("a", "post_start")
    if stage == "running":
        return w
    w.processes["a"].strays += stage == "strays"
    w.stop("a")
    stop_hooks: list[m.TaskKind] = ["pre_stop", "stop_command"]
    for hook in stop_hooks:
        if stage == hook:
            return w
        w.task_ends("a", hook)
    if stage == "signals":
        return w
    if stage == "leftovers":
        w.task_outcomes = ["never and leaves one"]
    w.end("a", -TERM)
    if stage == "leftovers":
        w.task_ends("a", "post_stop")
    return w


def test_stages_are_what_they_say_when_a_test_begins() -> None:
    """Else the tests below say nothing."""
    seen = {stage: (str(at(stage).state("a")), at(stage)["a"].stage) for stage in STAGES}
    assert seen == {
        "pre_start": ("starting", "pre_start"),
        "daemon": ("starting", "daemon"),
        "post_start": ("starting", "post_start"),
        "running": ("running", "main"),
        "pre_stop": ("stopping", "main"),
        "stop_command": ("stopping", "main"),
        "signals": ("stopping", "main"),
        "strays": ("stopping", "main"),
        "post_stop": ("stopping", "post_stop"),
        "leftovers": ("stopping", "post_stop"),
    }


@pytest.mark.parametrize("kill_mode", ["group", "mixed", "process"])
@pytest.mark.parametrize("stage", STAGES)
def test_service_is_stopped_when_that_is_asked_in_any_stage(stage: str, kill_mode: str) -> None:
    """Though no hook ends by itself; nothing is left, and nothing comes back."""
    if (stage, kill_mode) in [("strays", "process"), ("leftovers", "process")]:
        return  # there are no such stages: what is left may stay
    w = at(stage, kill_mode=kill_mode)
    w.stop("a")
    for _ in range(60):
        w.settle()
        w.advance(1)
    assert (w.state("a"), w["a"].by_hand) == ("stopped", True)
    assert not w.processes["a"].alive if "a" in w.processes else stage == "pre_start"
    assert w.begun_tasks("a").count("post_stop") == 1


@pytest.mark.parametrize("kill_mode", ["group", "mixed", "process"])
@pytest.mark.parametrize("stage", STAGES)
def test_init_ends_at_once_when_it_is_in_haste_in_any_stage(stage: str, kill_mode: str) -> None:
    """Whatever was going on, and without a new hook."""
    if (stage, kill_mode) in [("strays", "process"), ("leftovers", "process")]:
        return
    w = at(stage, kill_mode=kill_mode)
    w.shut_down()
    begun = w.begun_tasks("a")
    w.shut_down(hurry=True)
    w.settle()
    assert w.code() == 0
    assert w.now == 1000.0
    assert w.begun_tasks("a") == begun


@pytest.mark.parametrize("stage", STAGES)
def test_init_ends_in_its_time_when_no_hook_ends_in_any_stage(stage: str) -> None:
    """The limits of all hooks have to fit into the budget."""
    w = at(stage)
    w.shut_down()
    while w.code() is None:
        w.settle()
        w.advance(0.05)
        assert w.now < 1009
    assert w.now <= 1000 + 9 * LAST + 0.1


@pytest.mark.parametrize("stage", STAGES)
def test_service_comes_back_when_it_is_started_in_any_stage_of_a_stop(stage: str) -> None:
    """A stop that has begun goes on to its end; then comes a new run, with clean accounts."""
    w = at(stage)
    w.stop("a")
    w.start("a")
    for _ in range(60):
        w.settle()
        w.advance(1)
        if w["a"].run == 2:
            break
    assert (w["a"].run, w["a"].want, w["a"].by_hand, w["a"].fails) == (2, True, False, 0)


def test_program_is_not_spawned_when_a_stop_waits_and_its_pre_start_ends() -> None:
    """The stop waits for a dependent; there is nothing to begin in the meantime."""
    w = booted({"a": {"pre_start": HOOK}, "b": {"after": ["a"]}}, outcomes=["ok", "stubborn"])
    w.task_ends("a", "pre_start")
    w.restart("a")
    w.settle()
    assert w.running_tasks("a") == ["pre_start"]
    w.stop("a", "b")
    assert (w.state("a"), w.state("b")) == ("starting", "stopping")
    w.task_ends("a", "pre_start")
    assert (w.state("a"), w.spawned) == ("stopped", ["a", "b"])


def test_hooks_have_their_part_of_the_budget_when_init_shuts_down() -> None:
    """5 s, 8 s and 5 s of hooks and 8 s of grace do not fit into 8.1 s."""
    w = booted({"a": FULL | {"pre_start": None, "post_start": None}}, outcomes=["stubborn"])
    w.shut_down()
    part = 9 * GRACE / (5 + 8 + 8 + 5)
    assert w.timer("a", "pre_stop") == pytest.approx(5 * part)
    w.task_ends("a", "pre_stop")
    assert w.timer("a", "stop_command") == pytest.approx(8 * part)
    w.task_ends("a", "stop_command")
    assert w.timer("a", "stop") == pytest.approx(8 * part)
    w.end("a", 0)
    assert w.timer("a", "post_stop") == pytest.approx(5 * part)


def test_stop_hook_under_way_is_shortened_when_init_shuts_down() -> None:
    """It began with the time of the world."""
    w = booted({"a": {"stop_command": HOOK | {"timeout": 60}}, "b": {}})
    w.stop("a")
    w.shut_down()
    assert w.timer("a", "stop_command") == pytest.approx(60 * 9 * GRACE / 68)


@pytest.mark.parametrize("way", ["ends", "hangs"])
def test_service_has_its_part_of_the_budget_when_it_ends_before_its_turn(way: str) -> None:
    """By itself or by its watchdog: those that stop after it need their time too."""
    w = booted(
        {"base": {}, "a": {"post_stop": HOOK, "depends_on": ["base"], "watchdog": "1s"},
         "b": {"depends_on": ["a"], "stop_timeout": 5}},
        outcomes=["ok", "stubborn", "stubborn"],
    )  # fmt: skip
    w.shut_down()
    if way == "ends":
        w.end("a", 1)
        assert w.timer("a", "post_stop") == pytest.approx(5 * 9 * GRACE / 21)
    else:
        w.advance(1)
        assert w.signals("a") == [(6, "main")]
        assert w.timer("a", "stop") == pytest.approx(8 * (9 * GRACE - 1) / 21)


def test_on_fail_is_killed_when_init_has_no_time_for_it() -> None:
    """A second TERM, or the last of the budget."""
    for hurry in (True, False):
        w = booted({"a": {"on_fail": HOOK | {"timeout": 60}, "restart": "no"}, "b": {}})
        w.end("a", 1)
        w.shut_down()
        w.settle()
        assert w.code() is None
        if hurry:
            w.shut_down(hurry=True)
        else:
            w.advance(9 * LAST)
        assert (w.code(), w.killed_tasks("a")) == (0, ["on_fail"])


def test_service_that_never_ran_is_released_once_when_init_is_in_haste() -> None:
    """Its stop has ended before the haste could act on it."""
    w = booted({"a": {"pre_start": HOOK, "kill_mode": "process"}, "b": {}})
    made = w.shut_down(hurry=True)
    assert [a for a in made if isinstance(a, m.Release)] == [m.Release("a", 1, "exit-code", "")]
    changes = [(a.old, a.new) for a in made if isinstance(a, m.Changed) and a.service == "a"]
    assert changes == [("starting", "stopping"), ("stopping", "stopped")]
