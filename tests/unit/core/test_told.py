"""What is told of a service while it changes: the states in order, the reasons, the remarks."""

from __future__ import annotations

import pytest

from nsinit.core import messages as m
from nsinit.core.supervisor import Supervisor
from nsinit.core.view import view_service
from nsinit.model.plan import Plan, Rules
from tests.unit.core.world import Table, World, booted, world

TERM = 15
HOOK: Table = {"command": "h"}


def reasons(w: World, name: str, new: str) -> list[str]:
    """Why it has entered that state, each time."""
    changes = (a for a in w.actions if isinstance(a, m.Changed) and a.service == name)
    return [a.reason for a in changes if a.new == new and a.kind == "state"]


def kinds(w: World, name: str) -> list[tuple[str, str]]:
    """What else has changed about it."""
    changes = (a for a in w.actions if isinstance(a, m.Changed) and a.service == name)
    return [(a.kind, a.reason) for a in changes if a.kind != "state"]


def test_life_is_told_action_by_action_when_it_is_a_plain_one() -> None:
    """From its start to its end, with the numbers of the run."""
    w = booted({"a": {"type": "notify", "stop_timeout": 2}})
    w.restart("a")
    w.exits("a")
    w.actions.clear()
    w.advance(1)
    w.ready("a")
    w.stop("a")
    w.exits("a")
    changed = [("starting", "running", 1002, ""), ("running", "stopping", 1002, "stop")]
    (up, down) = (m.Changed("a", 2, *states) for states in changed)
    assert w.actions == [
        m.Disarm("a", 2, "start"),
        up,
        down,
        m.Signal("a", 2, TERM, "group"),
        m.Signal("a", 2, 18, "group"),
        m.Arm("a", 2, "stop", 1003.0),
        m.Sweep("a", 2),
        m.Release("a", 2, "signal", ""),
        m.Disarm("a", 2, "stop"),
        m.Changed("a", 2, "stopping", "stopped", 0, ""),
    ]


@pytest.mark.parametrize("stopped", [False, True])
def test_reason_of_a_stop_is_told_when_there_is_no_program_yet(stopped: bool) -> None:
    """What went wrong with its preparation, or what somebody wanted; not both."""
    w = booted({"a": {"pre_start": HOOK, "restart": "no"}, "b": {}})
    if stopped:
        w.stop("a")
        assert (w.state("a"), w["a"].reason, w.remarks) == ("stopped", "", [])
    else:
        w.task_ends("a", "pre_start", 4)
    why = "stop" if stopped else "pre_start failed with code 4"
    assert reasons(w, "a", "stopping") == [why]


@pytest.mark.parametrize("ended", [0, 4])
def test_preparation_is_not_blamed_when_its_service_was_to_stop_after_another(ended: int) -> None:
    """It ended well, and the start went no further since nobody wanted it to."""
    tables: dict[str, Table] = {"a": {"pre_start": HOOK}, "b": {"after": "a"}}
    w = booted(tables, outcomes=["stubborn"])
    w.task_ends("a", "pre_start")
    w.restart("a")
    w.end("a", 0)
    w.stop("a", "b")
    assert w.states == {"a": "starting", "b": "stopping"}
    w.task_ends("a", "pre_start", ended)
    why = "pre_start failed with code 4" if ended else ""
    assert reasons(w, "a", "stopping")[-1] == (why or "stop")
    assert (w.state("a"), w["a"].reason, w.spawned) == ("stopped", why, ["a", "b"])


@pytest.mark.parametrize("way", ["stop", "timeout", "died"])
def test_run_is_told_to_stop_once_when_that_takes_several_steps(way: str) -> None:
    """Neither the end of the process nor that it never ran is another beginning."""
    table: Table = {"type": "notify", "start_timeout": 5, "restart": "no", "pre_start": HOOK}
    w = booted({"a": table, "b": {}}, outcomes=["ok", "late failure" if way == "timeout" else "ok"])
    w.task_ends("a", "pre_start")
    if way == "stop":
        w.stop("a")
    elif way == "timeout":
        w.advance(5)
    w.settle()
    if way == "died":
        w.end("a", 1)
    assert w.path("a")[:3] == ["waiting", "starting", "stopping"]
    assert w.path("a").count("stopping") == 1
    told = {"stop": "stop", "timeout": "timeout", "died": "ended"}
    assert reasons(w, "a", "stopping") == [told[way]]


@pytest.mark.parametrize("asked", [False, True])
def test_reason_is_told_when_the_program_could_not_be_started(asked: bool) -> None:
    """That somebody wants it down tells more than why it would not have come up."""
    w = world({"a": {"pre_start": HOOK, "restart": "no"}, "b": {}})
    core = w.core
    core.handle(m.Boot(), 0.0)
    core.handle(m.TaskEnded("a", 1, "pre_start", 0), 0.0)
    if asked:
        core.handle(m.Stop(("a",)), 0.0)
    made = core.handle(m.SpawnFailed("a", 1, "exec", 2, "cannot exec"), 3.0)
    changed = [a.reason for a in made if isinstance(a, m.Changed)]
    assert changed == ["stop" if asked else "cannot exec"]
    assert w["a"].ended_at == 3.0


def test_reason_is_told_when_there_is_no_daemon() -> None:
    """From the first change on."""
    w = booted({"a": {"type": "forking", "restart": "no"}, "b": {}})
    w.daemon_outcomes = ["hopeless"]
    w.end("a", 0)
    assert reasons(w, "a", "stopping") == ["there is none"]


def test_end_is_told_when_a_oneshot_was_done_before_its_post_start() -> None:
    """It passes through stopping as any end does."""
    w = booted({"a": {"type": "oneshot", "post_start": HOOK}, "b": {}})
    w.end("a", 0)
    w.task_ends("a", "post_start")
    assert (w.state("a"), reasons(w, "a", "stopping")) == ("exited", ["ended"])


def test_what_init_saw_is_the_reason_when_the_kernel_tells_more() -> None:
    """It is why the run was ended; the kernel's words are told beside it."""
    w = booted({"a": {"health": {"exec": "x", "retries": 1}, "restart": "no"}, "b": {}})
    w.advance(10)
    w.task_ends("a", "health", 1, "no answer")
    w.processes["a"].main = False
    w.post(m.Exited("a", 1, -9, text="the kernel killed 1 of its processes"))
    w.settle()
    assert (w.state("a"), w["a"].reason) == ("failed", "unhealthy: no answer")
    assert w.remarks == [("a", "the kernel killed 1 of its processes")]


def test_nothing_is_remarked_when_the_stop_hooks_end_well() -> None:
    """Only what went wrong is worth a word, a code of 1 too."""
    w = booted({"a": {"pre_stop": HOOK, "stop_command": HOOK}})
    w.stop("a")
    w.task_ends("a", "pre_stop")
    assert w.remarks == []
    w.task_ends("a", "stop_command", 1)
    assert w.remarks == [("a", "stop_command failed with code 1")]


def test_checks_are_told_and_counted_when_they_fail_and_when_they_do_not() -> None:
    """Each change once; failures of both kinds of probes in one number, for ever."""
    probes: Table = {
        "ready": {"exec": "x"},
        "health": {"exec": "x", "interval": 1, "retries": 1, "action": "none"},
    }
    w = booted({"a": probes | {"restart_delay": 0}})
    for status in (1, 2, 0):
        w.task_ends("a", "ready", status)
        w.advance(0.1)
    for status in (0, 7, 7, 0):
        w.advance(1)
        w.task_ends("a", "health", status)
    told = "healthy", "unhealthy: failed with code 7", "healthy"
    assert kinds(w, "a") == [("health", words) for words in told]
    w.end("a", 1)
    assert w["a"].run == 2
    assert view_service(w["a"], w.plan.services["a"]).probe_failures == 4


def test_pause_is_told_when_it_begins_and_ends() -> None:
    """As something else than a change of the state."""
    w = booted({"a": {}})
    w.pause("a")
    w.pause("a", on=False)
    assert kinds(w, "a") == [("pause", "paused"), ("pause", "unpaused")]


@pytest.mark.parametrize("by_command", [False, True])
def test_reload_is_told_once_when_it_is_over(by_command: bool) -> None:
    """Not that of the first of two, which has to be done again."""
    w = booted({"a": {"reload_command": HOOK} if by_command else {}})
    if by_command:
        w.reload("a")
        w.reload("a")
        w.task_ends("a", "reload")
        assert kinds(w, "a") == []
        w.task_ends("a", "reload")
    else:
        w.notify("a", reloading=True, reloading_at=900.0)
        w.notify("a", ready=True)
    assert kinds(w, "a") == [("reload", "reloaded")]


def test_reason_stays_when_the_service_says_something_else() -> None:
    """That it is about to end is told of what says so."""
    w = booted({"a": {}})
    w.notify("a", status="busy")
    assert (w["a"].message, w["a"].reason) == ("busy", "")


def test_state_is_told_once_when_a_waiting_service_is_started_again() -> None:
    """It waits already, with what it has failed so far."""
    w = booted({"db": {"type": "notify"}, "app": {"depends_on": ["db"]}})
    w.start("app")
    assert w.path("app") == ["waiting"]
    assert w["app"].reason == "for db to be ready (starting)"


def test_service_is_not_up_when_it_says_so_before_there_is_a_process() -> None:
    """Nothing runs without one."""
    plan = Plan(services={"a": Rules(name="a", waits_for_ready=True, says_ready=True)})
    core = Supervisor(plan, strict=True)
    core.handle(m.Boot(), 0.0)
    assert core.handle(m.Notified("a", 1, ready=True), 0.0) == []
    core.handle(m.Spawned("a", 1, 7), 0.0)
    assert core.state.services["a"].state == "starting"
    core.handle(m.Notified("a", 1, ready=True), 0.0)
    assert core.state.services["a"].state == "running"
