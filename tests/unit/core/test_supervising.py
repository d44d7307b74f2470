"""All services together: requests that meet something else, and what init makes of it."""

from __future__ import annotations

from typing import Any, Final

import pytest

from nsinit.core import messages as m
from nsinit.core.supervisor import GRACE, LAST, Supervisor
from nsinit.core.view import view, view_service
from tests.unit.core.world import Table, World, booted, world

HOOK: Final[Table] = {"command": "h"}
JOB: Final[Table] = {"type": "oneshot"}
SCHEDULE: Final[dict[str, Any]] = {"trigger": "schedule"}


def arms(w: World, name: str, timer: str) -> int:
    """How often a timer was armed."""
    armed = [a for a in w.actions if isinstance(a, m.Arm) and a.service == name]
    return sum(a.timer == timer for a in armed)


def updated(w: World, services: dict[str, Table], *changed: str, **init: Any) -> World:
    """The same world, by another plan."""
    w.post(m.Update(world(services, **init).plan, changed))
    return w


# --- While init's own pre_start runs --------------------------------------------------------------


@pytest.mark.parametrize(
    ("autostart", "requests", "stays"),
    [
        (False, [], False),
        (False, ["stop"], False),  # it would not have started anyway
        (False, ["start", "stop"], True),
        (False, ["pin", "start"], False),
        (True, ["pin", "start"], False),
        (True, ["stop"], True),
    ],
)
def test_init_stays_up_when_something_was_stopped_before_it_could_start(
    autostart: bool, requests: list[str], stays: bool
) -> None:
    """Somebody who stops what was to start by itself may want it later."""
    w = booted({"a": JOB, "b": {"autostart": autostart}}, pre_start=HOOK)
    for verb in requests:
        getattr(w, verb)("b")
    w.task_ends("", "pre_start")
    assert (w.state("b"), w["b"].want) == ("stopped", False)
    w.end("a", 0)
    assert w.code() == (None if stays else 0)


def test_trigger_means_nothing_when_services_have_not_started_yet() -> None:
    """Nor does it keep one of them from waiting for the next."""
    w = booted({"a": JOB}, rules={"a": SCHEDULE}, pre_start=HOOK)
    w.start("a")
    assert w.trigger("a") == []
    w.task_ends("", "pre_start")
    assert w.state("a") == "waiting"


def test_actions_for_own_hooks_bear_no_name_when_they_begin_and_end() -> None:
    """Init's own are those of service "" and run 0, in everything that is said of them."""
    w = booted({"a": JOB}, pre_start=HOOK, post_stop=HOOK | {"timeout": 2})
    w.task_ends("", "pre_start")
    w.end("a", 0)
    w.advance(1)
    w.shut_down(hurry=True)
    own = [a for a in w.actions if getattr(a, "service", None) == "" or isinstance(a, m.Finish)]
    assert own == [
        m.RunTask("", 0, "pre_start"),
        m.Arm("", 0, "pre_start", 1060.0),
        m.Disarm("", 0, "pre_start"),
        m.RunTask("", 0, "post_stop", status=0),
        m.Arm("", 0, "post_stop", 1002.0),
        m.Arm("", 0, "shutdown", 1001.0 + 9 * LAST),
        m.KillTask("", 0, "post_stop"),
        m.Disarm("", 0, "post_stop"),
        m.Finish(0),
    ]


def test_init_is_stopping_when_its_last_hook_runs() -> None:
    """Also if it ends by itself."""
    w = booted({"a": JOB}, post_stop=HOOK | {"timeout": 3})
    w.end("a", 0)
    assert view(w.core).phase == "stopping"
    w.advance(3)
    assert (w.code(), w.killed_tasks("")) == (0, ["post_stop"])
    kills = [a for a in w.actions if isinstance(a, m.KillTask)]
    assert kills == [m.KillTask("", 0, "post_stop")]


# --- Starting and restarting ----------------------------------------------------------------------


def test_delay_is_not_longer_when_there_is_no_chance_in_it() -> None:
    """Who does not say how long it is made gets the delay itself."""
    core = Supervisor(world({"a": {}}).plan, strict=True)
    for event in (m.Boot(), m.Spawned("a", 1, 7), m.Execed("a", 1), m.Exited("a", 1, 1)):
        core.handle(event, 0.0)
    assert m.Arm("a", 1, "backoff", 0.5) in core.handle(m.Emptied("a", 1), 0.0)


def test_job_runs_once_when_it_is_started_during_its_run() -> None:
    """That is what was asked for; the next run is for the schedule to say."""
    w = booted({"a": JOB}, rules={"a": SCHEDULE})
    w.trigger("a")
    w.start("a")
    w.end("a", 0)
    assert (w.state("a"), w["a"].run) == ("waiting", 1)


def test_job_waits_for_its_schedule_when_it_was_pinned_while_it_was_restarted() -> None:
    """The restart was refused, so it is not made up for afterwards."""
    w = booted({"a": JOB}, rules={"a": SCHEDULE})
    w.trigger("a")
    w.pin("a")
    w.restart("a")
    w.end("a", 0)
    assert (w.state("a"), w["a"].run) == ("waiting", 1)


def test_job_waits_for_its_schedule_when_it_was_started_before_it_had_one() -> None:
    """It was waiting for something else; an update has brought the schedule."""
    tables: dict[str, Table] = {"db": {"type": "notify"}, "a": JOB | {"depends_on": ["db"]}}
    w = booted(tables)
    w.start("a")
    w.post(m.Update(world(tables, rules={"a": SCHEDULE}).plan))
    w.ready("db")
    assert (w.state("a"), w["a"].reason) == ("waiting", "for its schedule")


def test_service_comes_back_when_it_is_needed_while_it_is_stopped_by_hand() -> None:
    """What ends by itself is left to its own fate, but not this."""
    w = booted({"db": {}, "a": {"depends_on": ["db"], "autostart": False}})
    w.stop("db")
    w.start("a")
    w.exits("db")
    assert w.states == {"db": "running", "a": "running"}


@pytest.mark.parametrize("state", ["exited", "failed", "stopped"])
def test_restart_undoes_nothing_when_nothing_is_to_be_undone(state: str) -> None:
    """Whether there is no stop_command, or nothing for it to undo."""
    undone = {} if state == "exited" else {"stop_command": HOOK}
    w = booted({"a": JOB | undone | {"autostart": state != "stopped"}, "b": {}})
    if state != "stopped":
        w.end("a", 0 if state == "exited" else 1)
    assert w.state("a") == state
    seen = len(w.path("a"))
    w.restart("a")
    assert w.path("a")[seen:] == ["waiting", "starting", "running"]
    assert w.begun_tasks("a") == []


def test_two_replicas_restart_in_turn_when_there_are_no_more() -> None:
    """Two are several."""
    rules = {name: {"replica_of": "w"} for name in ("w1", "w2")}
    w = booted({"w1": {"type": "notify"}, "w2": {"type": "notify"}}, rules=rules)
    w.ready("w1")
    w.ready("w2")
    w.restart("w1", "w2")
    assert w.states == {"w1": "stopping", "w2": "running"}
    w.exits("w1")
    w.ready("w1")
    assert w.states == {"w1": "running", "w2": "stopping"}


def test_next_replica_waits_when_the_one_before_waits_for_its_dependents() -> None:
    """It is to stop, though it still runs."""
    rules = {name: {"replica_of": "w"} for name in ("w1", "w2")}
    w = booted({"w1": {}, "w2": {}, "app": {"depends_on": ["w1"]}}, rules=rules)
    w.stop("app")
    w.restart("w1", "w2")
    assert w.states == {"w1": "running", "w2": "running", "app": "stopping"}
    w.exits("app")
    assert w.states == {"w1": "stopping", "w2": "running", "app": "stopped"}


def test_replicas_that_are_left_restart_in_turn_when_an_update_takes_one_away() -> None:
    """The turn of that one does not come."""
    names = ("w1", "w2", "w3")
    rules = {name: {"replica_of": "w"} for name in names}
    tables: dict[str, Table] = {name: {"type": "notify"} for name in names}
    w = booted(tables | {"x": {}}, rules=rules)
    for name in names:
        w.ready(name)
    w.restart(*names)
    rest = {"w1": tables["w1"], "w3": tables["w3"], "x": {}}
    w.post(m.Update(world(rest, rules={"w1": rules["w1"], "w3": rules["w3"]}).plan))
    w.exits("w2")
    w.exits("w1")
    assert (list(w.states), w.state("w3")) == (["w1", "w3", "x"], "running")
    w.ready("w1")
    assert w.state("w3") == "stopping"


def test_dependents_stay_as_they_are_when_what_they_need_fails_and_they_do_not_run() -> None:
    """There is nothing to restart; what was done stays done."""
    w = booted({
        "db": {"on_failure": "restart-dependents"},
        "job": JOB | {"depends_on": ["db"]}, "app": {"depends_on": {"job": "completed"}},
    })  # fmt: skip
    w.end("job", 0)
    w.end("db", 1)
    assert w.states == {"db": "backoff", "job": "exited", "app": "running"}
    assert w["job"].asked == ""


def test_dependents_restart_once_when_they_can_begin_again_at_once() -> None:
    """They need what has failed only to have ended, and nothing of their run is left."""
    w = booted({
        "db": {"on_failure": "restart-dependents", "restart": "no"},
        "app": {"depends_on": {"db": "exited"}, "pre_start": HOOK, "kill_mode": "process"},
    })  # fmt: skip
    w.end("db", 1)
    w.start("db")
    assert w.states == {"db": "running", "app": "starting"}
    w.end("db", 1)
    assert (w.states, w["app"].run) == ({"db": "failed", "app": "starting"}, 2)


# --- Updates --------------------------------------------------------------------------------------


def test_service_starts_when_an_update_takes_away_what_it_waits_for() -> None:
    """Though nothing else about it has changed."""
    w = booted({"db": {"type": "notify"}, "a": {"depends_on": ["db"]}})
    assert w.state("a") == "waiting"
    updated(w, {"db": {"type": "notify"}, "a": {}})
    assert w.states == {"db": "starting", "a": "running"}


def test_checks_come_and_go_when_an_update_says_so() -> None:
    """The service runs on."""
    check = {"exec": "x", "interval": 7}
    w = updated(booted({"a": {}}), {"a": {"health": check}})
    assert (w["a"].run, w["a"].health, w.timer("a", "check")) == (1, "starting", 7.0)
    updated(w, {"a": {}})
    assert (w["a"].run, w["a"].health, w.timer("a", "check")) == (1, "", None)


def test_service_that_waits_is_forgotten_at_once_when_an_update_leaves_it_out() -> None:
    """Nothing of it has to stop."""
    w = booted({"db": {"type": "notify"}, "a": {"depends_on": ["db"]}})
    updated(w, {"db": {"type": "notify"}})
    assert list(w.states) == list(w.core.plan.services) == ["db"]


def test_service_is_forgotten_when_the_last_that_is_done_for_it_is_over() -> None:
    """Its on_fail outlives it, and the state that it ends with."""
    w = booted({"a": {"restart": "no", "on_fail": HOOK}, "b": {}})
    w.end("a", 1)
    updated(w, {"b": {}})
    assert list(w.states) == ["a", "b"]
    w.task_ends("a", "on_fail")
    assert list(w.states) == ["b"]


def test_oneshot_is_undone_when_an_update_leaves_it_out_with_what_needs_it() -> None:
    """It is not forgotten before its turn has come."""
    w = booted({"net": JOB | {"stop_command": HOOK}, "app": {"depends_on": ["net"]}, "b": {}})
    w.end("net", 0)
    updated(w, {"b": {}})
    assert w.states == {"net": "exited", "app": "stopping", "b": "running"}
    w.exits("app")
    assert w.running_tasks("net") == ["stop_command"]
    w.task_ends("net", "stop_command")
    assert list(w.states) == ["b"]


def test_service_stops_when_what_needed_it_has_left() -> None:
    """Nobody is waited for who is not there."""
    w = updated(booted({"db": {}, "app": {"depends_on": ["db"]}, "b": {}}), {"db": {}, "b": {}})
    w.exits("app")
    assert list(w.states) == ["db", "b"]
    w.stop("db")
    assert w.state("db") == "stopping"


def test_init_ends_when_what_is_left_ends_after_others_have_left() -> None:
    """Those are nobody's reason to go on any more."""
    w = updated(booted({"a": {}, "b": {}, "c": {"restart": "no"}}), {"b": {}, "c": {}})
    w.exits("a")
    assert list(w.states) == ["b", "c"]
    w.end("b", 0)
    assert w.code() is None
    w.end("c", 0)
    assert w.code() == 0


def test_init_goes_on_when_what_was_no_reason_to_has_become_one() -> None:
    """It was down when it was looked at the last time."""
    w = booted({"a": {}, "b": {"autostart": False}})
    w.start("b")
    w.end("a", 0)
    assert (w.states, w.code()) == ({"a": "exited", "b": "running"}, None)
    w.end("b", 0)
    assert w.code() == 0


def test_oneshot_is_stopped_when_an_update_has_taken_away_its_stop_command() -> None:
    """It was asked to be undone, and there is nothing left to do for that."""
    w = booted({"net": JOB | {"stop_command": HOOK}, "app": {"depends_on": ["net"]}, "b": {}})
    w.end("net", 0)
    w.stop("net", "app")
    updated(w, {"net": JOB, "app": {"depends_on": ["net"]}, "b": {}})
    w.exits("app")
    assert (w.state("net"), w.begun_tasks("net")) == ("stopped", [])


# --- Ends -----------------------------------------------------------------------------------------


def test_grace_of_a_run_is_set_once_when_it_ends_by_itself() -> None:
    """There is no shutdown whose budget it would have a part of."""
    w = booted({"a": {"watchdog": 5, "post_stop": HOOK}, "b": {}})
    w.notify("a", watchdog="trigger")
    assert (w.state("a"), arms(w, "a", "stop")) == ("stopping", 1)
    w.shut_down()
    assert arms(w, "a", "stop") == 2


def test_nothing_is_done_twice_when_init_is_told_to_hurry_again() -> None:
    """Everything was killed, and looked for, the first time."""
    w = booted({"a": {}, "b": {"post_stop": HOOK}, "c": {}}, outcomes=["stubborn"])
    w.stop("b")
    w.exits("b")
    assert w.running_tasks("b") == ["post_stop"]
    w.processes["b"].strays = 1
    w.shut_down(hurry=True)
    assert w.shut_down(hurry=True) == []


def test_those_that_come_after_stop_first_when_both_are_stopped() -> None:
    """And nothing else has to happen for the other to follow."""
    w = booted({"a": {}, "b": {"after": ["a"]}, "c": {}})
    w.stop("a", "b")
    assert w.signalled == ["b"]
    w.exits("b")
    assert w.signalled == ["b", "a"]


@pytest.mark.parametrize("kind", ["simple", "forking"])
def test_stop_waits_for_the_process_when_that_is_in_the_making(kind: str) -> None:
    """Once it is there it gets its signals, even if its program does not run yet."""
    core = Supervisor(world({"a": {"type": kind}, "b": {}}).plan, strict=True)
    core.handle(m.Boot(), 0.0)
    assert core.handle(m.Stop(("a",)), 0.0) == []
    made = core.handle(m.Spawned("a", 1, 7), 0.0)
    assert [a.number for a in made if isinstance(a, m.Signal)] == [15, 18]


def test_init_ends_with_the_code_of_the_one_that_it_cannot_do_without_when_others_failed() -> None:
    """Those were not what it ends for."""
    w = booted({"a": {"restart": "no"}, "b": {"restart": "no", "essential": True}, "c": {}})
    w.end("a", 5)
    w.advance(1)
    w.end("b", 7)
    w.settle()
    assert w.code() == 7


def test_init_ends_with_the_cause_when_that_failed_anew_after_its_dependents() -> None:
    """They failed with the first attempt, and have not been started since."""
    w = booted({"a": {"restart": "no", "type": "notify"}, "b": {"depends_on": ["a"]}, "c": {}})
    w.end("a", 7)
    assert w.state("b") == "failed"
    w.advance(1)
    w.start("a")
    w.end("a", 7)
    w.end("c", 0)
    assert w.code() == 7


def test_code_of_main_is_a_failure_when_it_was_stopped_before_its_program_ran() -> None:
    """It was begun, and has come to nothing."""
    w = booted({"main": {"main": True, "pre_start": HOOK}})
    w.shut_down()
    w.settle()
    w.advance(9)
    assert w.code() == 1


def test_waves_share_the_budget_when_init_has_a_last_hook() -> None:
    """It comes after all of them, and has no part if there is none."""
    chain: dict[str, Table] = {"a": {"stop_timeout": 3}, "b": {"depends_on": ["a"]}}
    for own in (0, 4):
        init: Table = {"post_stop": HOOK | {"timeout": own}} if own else {}
        w = booted(chain, outcomes=["stubborn"] * 2, **init)
        w.shut_down()
        assert w.timer("b", "stop") == pytest.approx(8 * 9 * GRACE / (11 + own))


def test_service_was_never_started_when_it_failed_with_what_it_needs() -> None:
    """It has a state and an instant of that, and no run."""
    w = booted({"a": {"restart": "no", "type": "notify"}, "b": {"depends_on": ["a"]}, "c": {}})
    w.end("a", 1)
    seen = view_service(w["b"], w.plan.services["b"])
    assert (seen.state, seen.since_at, seen.run, seen.started_at) == ("failed", 1000.0, 0, None)
