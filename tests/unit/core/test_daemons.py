"""Services whose first process ends when the daemon runs (type "forking")."""

from __future__ import annotations

import pytest

from nsinit.core import messages as m
from nsinit.core.policy import FIND_AGAIN
from tests.unit.core.world import Table, World, booted

TERM, KILL = 15, 9
DAEMON: Table = {"type": "forking"}


def forking(daemons: list[str] | None = None, **table: object) -> World:
    """A forking service "a" whose parent still runs."""
    w = booted({"a": DAEMON | table, "b": {}})
    w.daemon_outcomes = daemons or []
    return w


def test_service_runs_when_its_daemon_was_found() -> None:
    """After the parent has ended well; the daemon is the main process."""
    w = forking()
    assert (w.state("a"), w["a"].pid) == ("starting", 1001)
    w.end("a", 0)
    assert (w.state("a"), w["a"].pid, w["a"].status) == ("running", 5001, None)
    assert w.path("a") == ["waiting", "starting", "running"]
    w.end("a", 3)
    assert (w.state("a"), w["a"].last_status) == ("backoff", 3)


@pytest.mark.parametrize("status", [1, -9, 3])
def test_start_has_failed_when_the_parent_fails(status: int) -> None:
    """Also with a code that would be a success of the daemon."""
    w = forking(restart="no", success_exit_codes=[0, 3])
    w.end("a", status)
    assert w["a"].run == 1
    assert w.state("a") == ("exited" if status == 3 else "failed")
    assert not any(isinstance(a, m.FindMain) for a in w.actions)


def test_daemon_is_looked_for_again_when_it_cannot_be_told_yet() -> None:
    """Ten times a second; the reason says why."""
    w = forking(["missing", "missing", "found"])
    w.end("a", 0)
    assert (w.state("a"), w["a"].reason) == ("starting", "no pid file yet")
    assert w.timer("a", "find") == FIND_AGAIN
    w.advance(FIND_AGAIN)
    assert w.state("a") == "starting"
    w.advance(FIND_AGAIN)
    assert (w.state("a"), w["a"].pid) == ("running", 5001)


def test_start_fails_when_the_daemon_is_not_found_in_time() -> None:
    """What the parent left is ended."""
    w = forking(["missing"] * 1000, start_timeout=2, restart="no")
    w.end("a", 0)
    w.advance(2)
    assert (w.state("a"), w.signals("a")) == ("stopping", [(TERM, "all")])
    w.exits("a")
    assert (w.state("a"), w["a"].result) == ("failed", "timeout")


def test_start_has_failed_when_there_is_no_daemon() -> None:
    """It is not waited for in vain."""
    w = forking(["hopeless"], restart="no")
    w.end("a", 0)
    w.exits("a")
    assert (w.state("a"), w["a"].result, w["a"].reason) == ("failed", "exit-code", "there is none")


@pytest.mark.parametrize("kill_mode", ["group", "mixed", "process"])
def test_daemon_is_stopped_when_it_is_not_found_yet(kill_mode: str) -> None:
    """Also where strays may stay: it is none, and the next run would be a second one."""
    w = forking(["missing"] * 100, kill_mode=kill_mode)
    w.end("a", 0)
    w.stop("a")
    assert w.signals("a") == [(KILL if kill_mode == "mixed" else TERM, "all")]
    w.exits("a")
    assert (w.state("a"), w.processes["a"].alive) == ("stopped", False)


@pytest.mark.parametrize("told", [True, False])
def test_daemon_is_waited_for_when_it_is_found_while_the_service_is_being_stopped(
    told: bool,
) -> None:
    """By the answer that was on its way, or by its own word; it has had its signal."""
    w = forking(["late"])
    w.end("a", 0)
    w.stop("a")
    if told:
        w.pending.remove(m.MainFound("a", 1, 5001))
        w.adopted("a")
    else:
        w.deliver(0)
    assert (w.state("a"), w["a"].pid) == ("stopping", 7001 if told else 5001)
    assert w.signals("a") == [(TERM, "all")]
    w.post(m.Emptied("a", 1))  # nothing but the daemon
    assert w.state("a") == "stopping"
    w.end("a", -TERM)
    assert w.state("a") == "stopped"


@pytest.mark.parametrize("hurry", [True, False])
def test_daemon_is_stopped_when_it_is_found_in_the_moment_of_the_stop(hurry: bool) -> None:
    """Before what is left of the run was looked for: it is none of that any more."""
    w = forking(pre_stop={"command": "h"})
    core, now = w.core, w.now
    core.handle(m.Exited("a", 1, 0), now)
    core.handle(m.Shutdown(hurry=hurry), now)
    made = core.handle(m.MainFound("a", 1, 7), now)
    if hurry:
        assert m.Signal("a", 1, KILL, "all") in made
    else:
        assert [a.task for a in made if isinstance(a, m.RunTask)] == ["pre_stop"]
    assert core.handle(m.Emptied("a", 1), now) == []
    assert w.state("a") == "stopping"


@pytest.mark.parametrize("parent", ["alive", "ended"])
def test_daemon_need_not_be_found_when_it_tells_its_pid(parent: str) -> None:
    """MAINPID, before or after the end of the parent; a later answer changes nothing."""
    w = forking(["late"])
    if parent == "ended":
        w.end("a", 0)
    w.adopted("a")
    assert (w.state("a"), w["a"].pid) == ("running", 7001)
    w.post(m.MainMissing("a", 1, "no pid file yet"))
    w.post(m.MainFound("a", 1, 5001))
    assert (w.state("a"), w["a"].pid) == ("running", 7001)
    assert w.timers == {}


@pytest.mark.parametrize("late", [m.MainFound("a", 1, 5001), m.MainMissing("a", 1, "x")])
def test_answer_means_nothing_when_the_daemon_has_told_its_pid(late: m.Event) -> None:
    """Though the service is not ready yet."""
    w = forking(["late"], ready={"exec": "probe"})
    w.end("a", 0)
    w.adopted("a")
    w.post(late)
    assert (w["a"].pid, w.begun_tasks("a")) == (7001, ["ready"])
    assert set(w["a"].timers) == {"start", "ready"}


def test_daemon_is_probed_when_it_was_found() -> None:
    """Not its parent."""
    w = forking(ready={"exec": "probe"})
    assert w.begun_tasks("a") == []
    w.end("a", 0)
    assert (w.state("a"), w.running_tasks("a")) == ("starting", ["ready"])
    w.task_ends("a", "ready")
    assert w.state("a") == "running"


@pytest.mark.parametrize("early", [True, False])
def test_daemon_is_ready_when_it_says_so(early: bool) -> None:
    """Its word counts as soon as it is found, though it came before."""
    w = forking(ready={"notify": True})
    if early:
        w.notify("a", ready=True)
        assert w.state("a") == "starting"
    w.end("a", 0)
    assert w.state("a") == ("running" if early else "starting")
    w.notify("a", ready=True)
    assert (w.state("a"), w["a"].pid) == ("running", 5001)


def test_next_daemon_has_to_say_so_itself_when_the_last_one_was_ready() -> None:
    """A new run knows nothing of the old."""
    w = forking(ready={"notify": True}, restart_delay=0)
    w.notify("a", ready=True)
    w.end("a", 0)
    w.end("a", 1)
    w.end("a", 0)
    assert (w.state("a"), w["a"].run) == ("starting", 2)


def test_post_start_runs_when_the_daemon_was_found() -> None:
    """And the pid is its own."""
    w = forking(post_start={"command": "h"})
    w.end("a", 0)
    assert w.told_of("a", "post_start").pid == 5001


def test_dependents_go_on_when_they_need_a_daemon_only_started() -> None:
    """From the exec of its parent."""
    w = booted({"a": DAEMON, "b": {"depends_on": {"a": "started"}}, "c": {"depends_on": ["a"]}})
    assert w.states == {"a": "starting", "b": "running", "c": "waiting"}
    w.end("a", 0)
    assert w.states == {"a": "running", "b": "running", "c": "running"}


def test_stop_waits_when_it_was_asked_while_the_parent_ran() -> None:
    """For a dependent; meanwhile the daemon is taken over."""
    w = booted({"a": DAEMON, "b": {"after": ["a"]}}, outcomes=["ok", "stubborn"])
    w.end("a", 0)
    w.restart("a")
    w.exits("a")
    w.stop("b", "a")
    w.end("a", 0)
    assert (w["a"].pid, w.state("b")) == (5002, "stopping")
    w.end("b", 0)
    assert w.signals("a")[-1] == (TERM, "group")


def test_process_that_was_told_is_the_main_one_when_the_service_is_no_daemon() -> None:
    """A wrapper that stays."""
    w = booted({"a": {}})
    w.adopted("a")
    assert (w.state("a"), w["a"].pid) == ("running", 7001)
