"""Commands around the life of a service: what runs when, and what their ends mean."""

from __future__ import annotations

import pytest

from nsinit.core import messages as m
from nsinit.core.policy import SHORTAGE_DELAY
from tests.unit.core.world import Table, booted, world

TERM, KILL = 15, 9
HOOK: Table = {"command": "h"}
HOOKS = ("pre_start", "post_start", "pre_stop", "stop_command", "post_stop", "on_fail")
ALL: Table = dict.fromkeys(HOOKS, HOOK)


def test_hooks_run_in_order_when_a_service_starts_and_stops() -> None:
    """Each when the one before has ended; the signals come after those of the stop."""
    w = booted({"a": ALL})
    assert (w.state("a"), w.spawned, w.running_tasks("a")) == ("starting", [], ["pre_start"])
    w.task_ends("a", "pre_start")
    assert (w.state("a"), w.spawned, w.running_tasks("a")) == ("starting", ["a"], ["post_start"])
    w.task_ends("a", "post_start")
    assert (w.state("a"), w.running_tasks("a"), w.timers) == ("running", [], {})
    w.stop("a")
    assert (w.running_tasks("a"), w.signals("a")) == (["pre_stop"], [])
    w.task_ends("a", "pre_stop")
    assert (w.running_tasks("a"), w.signals("a")) == (["stop_command"], [])
    w.task_ends("a", "stop_command")
    assert (w.running_tasks("a"), w.signals("a")) == ([], [(TERM, "group")])
    w.exits("a")
    assert (w.state("a"), w.running_tasks("a")) == ("stopping", ["post_stop"])
    w.task_ends("a", "post_stop")
    assert (w.state("a"), w.timers) == ("stopped", {})
    assert w.killed_tasks("a") == []


def test_hooks_are_told_of_the_run_when_they_begin() -> None:
    """The pid while it lives, the status and the word for it when it has ended."""
    w = booted({"a": ALL | {"restart": "no"}, "b": {}})
    w.task_ends("a", "pre_start")
    w.task_ends("a", "post_start")
    w.end("a", 3)
    w.task_ends("a", "post_stop")
    assert w.told_of("a", "pre_start").pid == 0
    assert w.told_of("a", "post_start").pid == 1001
    for hook in ("post_stop", "on_fail"):
        told = w.told_of("a", hook)
        assert (told.pid, told.status, told.result) == (0, 3, "exit-code")


@pytest.mark.parametrize(("status", "result"), [(1, "exit-code"), (None, "timeout")])
def test_service_is_not_spawned_when_its_pre_start_fails(status: int | None, result: str) -> None:
    """By its code or by its limit; its post_stop cleans up all the same."""
    w = booted({"a": {"pre_start": HOOK, "post_stop": HOOK, "restart": "no"}, "b": {}})
    if status is None:
        w.advance(60)
        assert w.killed_tasks("a") == ["pre_start"]
    else:
        w.task_ends("a", "pre_start", status)
    assert w.spawned == ["b"]
    assert w.running_tasks("a") == ["post_stop"]
    w.task_ends("a", "post_stop")
    assert (w.state("a"), w["a"].result, w["a"].last_status) == ("failed", result, status)
    assert w["a"].reason.startswith("pre_start ")


def test_pre_start_is_tried_again_after_a_pause_when_it_fails() -> None:
    """Also without a restart_delay: one that can't be started takes no time at all."""
    w = booted({"a": {"pre_start": HOOK, "restart_delay": 0}})
    w.task_ends("a", "pre_start", 127)
    assert w.state("a") == "backoff"
    assert w.timer("a", "backoff") == SHORTAGE_DELAY
    w.advance(1)
    w.task_ends("a", "pre_start")
    assert (w.state("a"), w["a"].run) == ("running", 2)


def test_pre_start_has_its_own_limit_when_it_says_so() -> None:
    """And ends with it, not before."""
    w = booted({"a": {"pre_start": HOOK | {"timeout": 7}}})
    assert w.timer("a", "pre_start") == 7.0
    w.advance(6.9)
    assert w.running_tasks("a") == ["pre_start"]
    w.advance(0.2)
    assert w.state("a") == "backoff"


def test_start_fails_when_its_time_is_over_before_the_pre_start_ends() -> None:
    """The hook is killed, nothing is signalled."""
    w = booted({"a": {"type": "notify", "start_timeout": 5, "pre_start": HOOK, "restart": "no"}})
    w.advance(5)
    assert (w.state("a"), w["a"].result, w.signals("a")) == ("failed", "timeout", [])
    assert w.killed_tasks("a") == ["pre_start"]


def test_service_starts_afresh_when_the_time_for_its_start_is_over_in_the_making() -> None:
    """Spawned, but nobody has said so yet: what is on its way is not forgotten."""
    w = booted({"a": {"type": "notify", "start_timeout": 0, "autostart": False}, "b": {}})
    core = w.core
    core.handle(m.Start(("a",)), w.now)
    made = core.handle(m.Fired("a", 1, "start", w.now), w.now)
    assert [type(action) for action in made] == [m.Arm]
    core.handle(m.Spawned("a", 1, 7), w.now)
    later = w["a"].timers["start"]
    made = core.handle(m.Fired("a", 1, "start", later), later)
    assert m.Signal("a", 1, TERM, "group") in made


def test_dependents_wait_when_post_start_runs() -> None:
    """It can be used once that has done its part."""
    w = booted({"db": {"post_start": HOOK}, "app": {"depends_on": ["db"]}})
    assert w.states == {"db": "starting", "app": "waiting"}
    w.task_ends("db", "post_start")
    assert w.states == {"db": "running", "app": "running"}


def test_dependents_that_need_it_started_go_on_when_post_start_runs() -> None:
    """Also when its exec is told by its readiness."""
    tables: dict[str, Table] = {
        "db": {"type": "notify", "post_start": HOOK},
        "app": {"depends_on": {"db": "started"}},
    }
    w = booted(tables, outcomes=["late exec"])
    assert w.state("app") == "waiting"
    w.ready("db")
    assert w.states == {"db": "starting", "app": "running"}
    w.settle()  # the report of the exec changes nothing any more
    assert w.begun_tasks("db") == ["post_start"]


def test_service_is_stopped_when_its_post_start_fails() -> None:
    """It is no use; the policy decides what follows."""
    w = booted({"a": {"post_start": HOOK, "restart": "no"}, "b": {}})
    w.task_ends("a", "post_start", 1, "no such table")
    assert (w.state("a"), w.signals("a")) == ("stopping", [(TERM, "group")])
    w.exits("a")
    assert (w.state("a"), w["a"].result, w["a"].last_status) == ("failed", "exit-code", -TERM)
    assert w["a"].reason == "post_start failed: no such table"


def test_post_start_is_killed_when_its_service_ends() -> None:
    """There is nothing left that it could do something for."""
    w = booted({"a": {"post_start": HOOK, "restart": "no"}, "b": {}})
    w.end("a", 1)
    assert (w.state("a"), w.killed_tasks("a")) == ("failed", ["post_start"])


def test_post_start_of_a_oneshot_goes_on_when_the_oneshot_is_done() -> None:
    """It comes after the start, and that has just ended."""
    w = booted({"a": {"type": "oneshot", "post_start": HOOK}, "b": {"depends_on": ["a"]}})
    w.end("a", 0)
    assert (w.states, w.killed_tasks("a")) == ({"a": "starting", "b": "waiting"}, [])
    w.task_ends("a", "post_start")
    assert w.states == {"a": "exited", "b": "running"}


@pytest.mark.parametrize("way", ["fails", "stopped", "hurried"])
def test_post_start_of_a_done_oneshot_ends_it_when_that_is_not_to_be(way: str) -> None:
    """It fails, somebody stops it, or init is in haste."""
    w = booted({"a": {"type": "oneshot", "post_start": HOOK}, "b": {}})
    w.end("a", 0)
    if way == "fails":
        w.task_ends("a", "post_start", 1)
        assert (w.state("a"), w["a"].last_status) == ("failed", 0)
    elif way == "stopped":
        w.stop("a")
        assert (w.state("a"), w.killed_tasks("a")) == ("stopped", ["post_start"])
    else:
        w.shut_down(hurry=True)
        w.settle()
        assert w.code() == 0


def test_oneshot_fails_at_once_when_it_fails_during_its_post_start() -> None:
    """Only a success is waited with."""
    w = booted({"a": {"type": "oneshot", "post_start": HOOK}, "b": {}})
    w.end("a", 2)
    assert (w.state("a"), w.killed_tasks("a")) == ("failed", ["post_start"])


@pytest.mark.parametrize("hook", ["pre_stop", "stop_command"])
def test_signals_follow_when_a_stop_hook_fails(hook: m.TaskKind) -> None:
    """By its code or by its limit; the operator hears of it."""
    w = booted({"a": {hook: HOOK | {"timeout": 2}}})
    w.stop("a")
    w.task_ends("a", hook, 3)
    assert w.signals("a") == [(TERM, "group")]
    assert w.remarks == [("a", f"{hook} failed with code 3")]
    w.exits("a")
    w.start("a")
    w.stop("a")
    w.advance(2)
    assert w.killed_tasks("a") == [hook]
    assert w.signals("a") == [(TERM, "group")] * 2
    assert w.remarks[1:] == [("a", f"{hook} took too long")]


@pytest.mark.parametrize("kill_mode", ["group", "mixed", "process"])
def test_signals_are_not_needed_when_the_stop_command_has_ended_the_service(
    kill_mode: str,
) -> None:
    """The command still runs: its end is waited for, then what is left is looked for."""
    w = booted({"a": {"stop_command": HOOK, "kill_mode": kill_mode}})
    w.stop("a")
    w.end("a", 0)
    assert (w.state("a"), w.running_tasks("a")) == ("stopping", ["stop_command"])
    w.task_ends("a", "stop_command")
    assert (w.state("a"), w.signals("a")) == ("stopped", [])


def test_strays_are_left_alone_when_the_stop_command_still_runs() -> None:
    """It may be about to end them better than a signal would."""
    w = booted({"a": {"stop_command": HOOK}}, outcomes=["strays"])
    w.stop("a")
    w.end("a", 0)
    assert w.signals("a") == []
    w.task_ends("a", "stop_command")
    assert w.signals("a") == [(TERM, "all")]


def test_service_restarts_when_that_is_asked_for_while_its_pre_stop_runs() -> None:
    """The stop goes on to its end; then comes a new run."""
    w = booted({"a": {"pre_stop": HOOK, "post_stop": HOOK}})
    w.stop("a")
    w.restart("a")
    assert w.begun_tasks("a") == ["pre_stop"]
    w.task_ends("a", "pre_stop")
    w.exits("a")
    w.task_ends("a", "post_stop")
    assert (w.state("a"), w["a"].run, w.begun_tasks("a")) == (
        "running",
        2,
        ["pre_stop", "post_stop"],
    )


def test_post_stop_runs_once_when_it_leaves_nothing() -> None:
    """Between the last process of a run and the next run."""
    w = booted({"a": {"post_stop": HOOK, "restart_delay": 0}}, outcomes=["strays"])
    w.end("a", 1)
    assert w.begun_tasks("a") == []
    w.exits("a")
    assert (w.state("a"), w.begun_tasks("a"), w.spawned) == ("stopping", ["post_stop"], ["a"])
    w.task_ends("a", "post_stop", 1)
    assert (w.state("a"), w.begun_tasks("a"), w.spawned) == ("running", ["post_stop"], ["a", "a"])
    assert w.remarks == [("a", "post_stop failed with code 1")]


def test_leftovers_are_killed_when_post_stop_leaves_some() -> None:
    """They had the whole stop sequence already, in a way."""
    w = booted({"a": {"post_stop": HOOK, "restart": "no"}, "b": {}})
    w.task_outcomes = ["never and leaves one"]
    w.end("a", 0)
    w.advance(5)
    assert (w.state("a"), w.signals("a")) == ("stopping", [(KILL, "all")])
    assert w.timer("a", "stop") == 1.0
    w.exits("a")
    assert (w.state("a"), w.begun_tasks("a")) == ("exited", ["post_stop"])


def test_service_is_not_restarted_when_post_stop_says_125() -> None:
    """Whatever the policy; a success is exited, anything else failed."""
    for status, state in ((1, "failed"), (0, "exited")):
        w = booted({"a": {"post_stop": HOOK, "restart": "always"}, "b": {}})
        w.end("a", status)
        w.task_ends("a", "post_stop", 125)
        assert (w.state("a"), w["a"].reason) == (state, "post_stop forbids a restart")
        assert w.remarks == []


def test_service_restarts_all_the_same_when_an_operator_asked_for_it() -> None:
    """125 is about what init does by itself, and about that run alone."""
    w = booted({"a": {"post_stop": HOOK}})
    w.restart("a")
    w.exits("a")
    w.task_ends("a", "post_stop", 125)
    assert (w.state("a"), w["a"].run) == ("running", 2)
    w.end("a", 1)
    w.task_ends("a", "post_stop")
    assert w.state("a") == "backoff"


def test_post_stop_cleans_up_when_the_program_could_not_be_started() -> None:
    """pre_start may have prepared something."""
    w = booted({"a": {"post_stop": HOOK, "restart": "no"}, "b": {}}, outcomes=["no program"])
    assert (w.state("a"), w.running_tasks("a")) == ("stopping", ["post_stop"])
    assert w.told_of("a", "post_stop").result == "exec"
    w.task_ends("a", "post_stop")
    assert (w.state("a"), w["a"].result) == ("failed", "exec")


def test_stop_hooks_end_when_the_program_turns_out_never_to_have_run() -> None:
    """They were begun for a process that was still to become it."""
    w = booted({"a": ALL | {"pre_start": None, "post_start": None}}, outcomes=["late failure"])
    w.stop("a")
    assert w.running_tasks("a") == ["pre_stop"]
    w.settle()
    assert (w.running_tasks("a"), w.killed_tasks("a")) == (["post_stop"], ["pre_stop"])
    w.task_ends("a", "post_stop")
    assert (w.state("a"), w.begun_tasks("a")) == ("stopped", ["pre_stop", "post_stop"])


def test_on_fail_runs_when_a_service_is_given_up() -> None:
    """And not before each restart."""
    w = booted({"a": {"on_fail": HOOK, "restart_limit": 1, "restart_delay": 0}, "b": {}})
    w.end("a", 1)
    assert w.begun_tasks("a") == []
    w.end("a", 2)
    assert (w.state("a"), w.running_tasks("a")) == ("failed", ["on_fail"])
    told = w.told_of("a", "on_fail")
    assert (told.status, told.result) == (2, "start-limit")
    w.task_ends("a", "on_fail", 1)
    assert (w.state("a"), w.timers) == ("failed", {})
    assert w.remarks == [("a", "on_fail failed with code 1")]


def test_on_fail_hears_of_it_when_a_dependency_failed() -> None:
    """With nothing of an earlier run of its service."""
    w = booted({"db": {"restart": "no"}, "app": {"depends_on": ["db"], "on_fail": HOOK}, "b": {}})
    w.end("app", 3)
    w.end("db", 1)
    w.advance(1)
    told = w.told_of("app", "on_fail")
    assert (w.state("app"), told.status, told.result) == ("failed", None, "dependency")


def test_init_waits_for_on_fail_when_nothing_else_is_left() -> None:
    """At most for its limit."""
    w = booted({"a": {"on_fail": HOOK, "restart": "no"}})
    w.end("a", 3)
    assert w.code() is None
    w.advance(4.9)
    assert w.code() is None
    w.advance(0.2)
    assert (w.code(), w.killed_tasks("a")) == (3, ["on_fail"])


def test_on_fail_ends_when_its_service_is_started_again() -> None:
    """Or reset: it is no failure any more."""
    for verb in ("start", "reset"):
        w = booted({"a": {"on_fail": HOOK, "restart": "no"}, "b": {}})
        w.end("a", 3)
        getattr(w, verb)("a")
        assert w.killed_tasks("a") == ["on_fail"]
        assert w.state("a") == {"start": "running", "reset": "stopped"}[verb]


def test_late_end_of_a_hook_means_nothing_when_the_hook_was_killed() -> None:
    """The core does not listen any more."""
    w = booted({"a": {"pre_stop": HOOK, "stop_command": HOOK}})
    w.stop("a")
    w.advance(5)
    assert w.running_tasks("a") == ["stop_command"]
    assert w.core.handle(m.TaskEnded("a", 1, "pre_stop", 0), w.now) == []
    assert w.running_tasks("a") == ["stop_command"]


def test_up_time_is_counted_to_the_end_when_the_stop_takes_long() -> None:
    """Hooks and strays do not make a short run a long one."""
    w = booted({"a": {"post_stop": HOOK | {"timeout": 100}}})
    w.end("a", 1)
    w.advance(60)
    w.task_ends("a", "post_stop")
    assert (w.state("a"), w["a"].fails) == ("backoff", 1)


@pytest.mark.parametrize("outcome", ["no program", "no fork", "late failure"])
def test_what_pre_start_has_left_is_ended_when_the_program_could_not_be_started(
    outcome: str,
) -> None:
    """Else it would be beside the next run, or outlive the service."""
    w = world({"a": {"pre_start": HOOK, "restart": "no"}, "b": {}}, outcomes=["ok", outcome])
    w.task_outcomes = ["ok and leaves one"]
    w.boot()
    w.settle()
    assert (w.state("a"), w["a"].result) == ("failed", "exec")
    assert w.signals("a")[-1] == (15, "all")
    assert not w.processes["a"].alive
