"""What daemons say of themselves before they are found, and starts that end too early."""

from __future__ import annotations

import pytest

from nsinit.core import messages as m
from nsinit.core.supervisor import Supervisor
from nsinit.model.plan import Plan, Rules
from tests.unit.core.world import Table, World, booted

TERM, KILL = 15, 9
HOOK: Table = {"command": "h"}
DAEMON: Table = {"type": "forking"}


def ended(
    daemon: str = "late", *, others: dict[str, Table] | None = None, **table: object
) -> World:
    """A daemon "a" whose parent has ended, and which is not found yet."""
    w = booted({"a": DAEMON | table, **(others or {})})
    w.daemon_outcomes = [daemon]
    w.end("a", 0)
    return w


# --- Ready ----------------------------------------------------------------------------------------


def test_daemon_runs_when_it_was_ready_before_it_was_found() -> None:
    """Its word came after the end of its parent; said twice is said once."""
    w = ended(ready={"notify": True})
    w.notify("a", ready=True)
    w.notify("a", ready=True, status="up")
    assert w.state("a") == "starting"
    w.deliver(0)
    assert (w.state("a"), w["a"].pid) == ("running", 5001)


def test_daemon_is_probed_when_its_own_word_is_not_what_counts() -> None:
    """READY=1 of a service that is asked is no answer."""
    w = booted({"a": DAEMON | {"ready": {"exec": "x"}}})
    w.notify("a", ready=True)
    w.end("a", 0)
    assert (w.state("a"), w.running_tasks("a")) == ("starting", ["ready"])


def test_dependents_start_when_a_daemon_that_is_not_found_says_it_is_ready() -> None:
    """It has begun; that nobody knows its pid changes nothing about that."""
    needs = {"depends_on": {"a": "started"}, "autostart": False}
    w = ended(ready={"notify": True}, others={"b": needs})
    w.notify("a", ready=True)
    w.start("b")
    assert (w.state("a"), w.state("b")) == ("starting", "running")


def test_dependents_start_when_a_daemon_tells_its_pid_before_its_exec_is_known() -> None:
    """Who speaks runs, though it is not ready."""
    tables: dict[str, Table] = {
        "a": DAEMON | {"ready": {"notify": True}},
        "b": {"depends_on": {"a": "started"}},
    }
    w = booted(tables, outcomes=["late exec"])
    assert w.states == {"a": "starting", "b": "waiting"}
    w.adopted("a")
    assert w.states == {"a": "starting", "b": "running"}


def test_post_start_runs_once_when_the_exec_is_known_after_the_daemon() -> None:
    """The pid was told first; the report of the exec is of what has been done already."""
    w = booted({"a": DAEMON | {"post_start": HOOK}}, outcomes=["late exec"])
    w.adopted("a")
    assert w.running_tasks("a") == ["post_start"]
    w.settle()
    assert w.begun_tasks("a") == ["post_start"]


def test_daemon_is_looked_for_no_more_when_it_has_told_its_pid() -> None:
    """Though it is not ready yet."""
    w = ended("missing", ready={"notify": True})
    assert w.timer("a", "find") == 0.1
    w.adopted("a")
    assert (w.state("a"), w.timer("a", "find")) == ("starting", None)


# --- The end of a daemon that is not found --------------------------------------------------------


def test_stop_is_a_success_when_the_parent_had_ended_well() -> None:
    """There is no other status to go by."""
    w = ended("missing")
    w.stop("a")
    w.exits("a")
    assert (w.state("a"), w["a"].result, w["a"].last_status) == ("stopped", "success", 0)


def test_hook_is_told_that_the_daemon_lives_when_it_is_found_during_the_stop() -> None:
    """The status of its parent is not its own."""
    w = ended(pre_stop=HOOK)
    core, now = w.core, w.now
    core.handle(m.Stop(("a",)), now)
    made = core.handle(m.MainFound("a", 1, 7), now)
    assert m.RunTask("a", 1, "pre_stop", 7, None, "exit-code") in made


def test_strays_may_stay_when_the_daemon_was_found_during_the_stop() -> None:
    """With kill_mode "process" only the main process is init's business, and it is one now."""
    w = ended(kill_mode="process")
    w.processes["a"].strays = 2
    w.stop("a")
    w.deliver(0)
    assert (w.state("a"), w["a"].pid) == ("stopping", 5001)
    w.end("a", 0)
    assert (w.state("a"), w.processes["a"].strays) == ("stopped", 1)


def test_second_answer_changes_nothing_when_the_daemon_is_being_stopped() -> None:
    """It was found, and then told its pid; it has had its signal."""
    w = ended(kill_mode="mixed")
    w.stop("a")
    w.deliver(0)
    sent = w.signals("a")
    assert w.post(m.MainFound("a", 1, 5001)) == []
    assert w.signals("a") == sent


def test_nobody_is_aborted_when_a_daemon_that_is_not_found_says_that_it_hangs() -> None:
    """A signal would have no aim; the start has its limit."""
    w = ended("missing", ready={"notify": True})
    w.notify("a", watchdog="trigger")
    assert (w.state("a"), w.signals("a")) == ("starting", [])


def test_pid_is_another_when_the_service_says_so_while_it_is_stopped() -> None:
    """The end of that one is the end of the run."""
    w = booted({"a": {}}, outcomes=["stubborn"])
    w.stop("a")
    w.notify("a", main_pid=7001)
    assert (w.state("a"), w["a"].pid) == ("stopping", 7001)


# --- Starts that are not done ---------------------------------------------------------------------


@pytest.mark.parametrize("forking", [False, True])
def test_start_is_not_given_up_when_the_process_is_being_made(forking: bool) -> None:
    """There is nobody to be stopped yet: a tenth of a second later there is."""
    rules = Rules(name="a", forking=forking, waits_for_ready=True, start_timeout=0.0)
    core = Supervisor(Plan(services={"a": rules}), strict=True)
    core.handle(m.Boot(), 5.0)
    assert core.handle(m.Fired("a", 1, "start", 5.0), 5.0) == [m.Arm("a", 1, "start", 5.1)]
    assert core.state.services["a"].state == "starting"


def test_service_is_asked_nothing_when_it_was_ready_before_its_exec_was_known() -> None:
    """The report comes late: what follows on being ready is under way."""
    ready = {"exec": "x", "notify": True}
    w = booted({"a": {"ready": ready, "post_start": HOOK}}, outcomes=["late exec"])
    w.notify("a", ready=True)
    w.settle()
    assert w.begun_tasks("a") == ["post_start"]


def test_post_start_runs_once_when_the_service_says_twice_that_it_is_ready() -> None:
    """The second time it is told nothing new."""
    w = booted({"a": {"type": "notify", "post_start": HOOK}})
    w.notify("a", ready=True)
    w.notify("a", ready=True, status="up")
    assert (w.state("a"), w.begun_tasks("a")) == ("starting", ["post_start"])


def test_service_has_ended_when_it_exits_well_during_its_post_start() -> None:
    """Only a oneshot may be done before that is."""
    w = booted({"a": {"post_start": HOOK, "restart": "no"}, "b": {}})
    w.end("a", 0)
    assert (w.state("a"), w.killed_tasks("a")) == ("exited", ["post_start"])


def test_oneshot_runs_again_when_it_was_done_before_its_post_start() -> None:
    """Whether it has lasted counts up to its end, as of any run."""
    w = booted({"a": {"type": "oneshot", "post_start": HOOK, "restart": "always"}})
    for status, delay in ((0, 0.5), (0, 1.0)):
        w.end("a", status)
        w.advance(40)
        w.task_ends("a", "post_start")
        assert (w.state("a"), w.timer("a", "backoff")) == ("backoff", delay)
        w.advance(delay)


@pytest.mark.parametrize("during", ["pre_start", "post_start"])
def test_connections_are_only_waited_for_when_there_were_any(during: str) -> None:
    """A service without a process of its own is nothing before its preparation is done."""
    plan = Plan(
        services={
            "a": Rules(name="a", accepts=True, tasks=dict.fromkeys((during, "pre_stop"), 5.0))
        }
    )
    core = Supervisor(plan, strict=True)
    core.handle(m.Boot(), 0.0)
    if during == "post_start":
        core.handle(m.Spawned("a", 1, 0), 0.0)
        core.handle(m.Execed("a", 1), 0.0)
    made = core.handle(m.Stop(("a",)), 0.0)
    begun = [a.task for a in made if isinstance(a, m.RunTask)]
    assert begun == (["pre_stop"] if during == "post_start" else [])
    assert (m.Sweep("a", 1) in made) == (during == "pre_start")


def test_nothing_is_signalled_when_a_service_without_a_process_is_reloaded() -> None:
    """Nor can it be frozen: each of its connections has a process of its own."""
    plan = Plan(services={"a": Rules(name="a", accepts=True, reload_signal=1)})
    core = Supervisor(plan, strict=True)
    for event in (m.Boot(), m.Spawned("a", 1, 0), m.Execed("a", 1)):
        core.handle(event, 0.0)
    assert core.state.services["a"].state == "running"
    assert core.handle(m.Reload(("a",)), 0.0) == []
    assert core.handle(m.Pause(("a",), on=True), 0.0) == []


def test_nothing_is_frozen_when_there_is_no_process_yet() -> None:
    """Its preparation goes on."""
    w = booted({"a": {"pre_start": HOOK}})
    assert (w.pause("a"), w["a"].paused) == ([], False)
