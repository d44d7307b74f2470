"""What follows a run, in the words and numbers that somebody sees, and where two ends meet."""

from __future__ import annotations

from typing import Any, Final

import pytest

from nsinit.core import messages as m
from nsinit.core.supervisor import Supervisor
from nsinit.model.plan import make_plan
from nsinit.model.spec import Config
from tests.unit.core.world import Table, World, booted, spec, world

HOOK: Final[Table] = {"command": "h"}
JOB: Final[Table] = {"type": "oneshot"}
SCHEDULE: Final[dict[str, Any]] = {"trigger": "schedule"}
SOCKET: Final[dict[str, Any]] = {"trigger": "socket"}
KILLED: Final = "the kernel killed 2 of its processes"


def changes(w: World, name: str) -> list[tuple[str, str]]:
    """The states that a service came to, and why."""
    seen = [a for a in w.actions if isinstance(a, m.Changed) and a.service == name]
    return [(change.new, change.reason) for change in seen]


def ends_with_text(w: World, status: int) -> None:
    """The run of "a" ends, and the kernel has something to say of it."""
    w.processes["a"].main = False
    w.post(m.Exited("a", w["a"].run, status, text=KILLED))


@pytest.mark.parametrize(
    ("restart", "status", "state"),
    [("no", 0, "exited"), ("no", 1, "failed"), ("always", 1, "backoff")],
)
def test_reason_is_kept_when_a_run_ends_with_one(restart: str, status: int, state: str) -> None:
    """It is told with the state that follows, and with what is released."""
    w = booted({"a": {"restart": restart}, "b": {}})
    ends_with_text(w, status)
    assert changes(w, "a")[-1] == (state, KILLED)
    released = [a for a in w.actions if isinstance(a, m.Release)]
    assert released == [m.Release("a", 1, "exit-code" if status else "success", KILLED)]


def test_reason_is_kept_when_a_run_of_a_schedule_ends_well() -> None:
    """What it waits for is told next."""
    w = booted({"a": JOB, "b": {}}, rules={"a": SCHEDULE})
    w.trigger("a")
    ends_with_text(w, 0)
    assert changes(w, "a")[-1] == ("waiting", KILLED)
    assert w["a"].reason == "for its schedule"


def test_scheduled_service_waits_for_its_next_time_when_init_has_ended_its_run() -> None:
    """That is a failure as any other: here its preparation took too long."""
    w = booted({"a": JOB | {"pre_start": HOOK | {"timeout": 3}}, "b": {}}, rules={"a": SCHEDULE})
    w.trigger("a")
    w.advance(3)
    assert (w.state("a"), w["a"].result) == ("waiting", "timeout")


@pytest.mark.parametrize("verb", ["stop", "restart"])
def test_reason_is_kept_when_a_run_ends_that_was_asked_to(verb: str) -> None:
    """Though it is no failure."""
    w = booted({"a": {}, "b": {}})
    getattr(w, verb)("a")
    w.pending.clear()
    ends_with_text(w, -9)
    told = dict(changes(w, "a"))
    assert told["stopped" if verb == "stop" else "waiting"] == KILLED


def test_stop_is_told_once_when_post_stop_follows_it() -> None:
    """The hook is part of it."""
    w = booted({"a": {"post_stop": HOOK}, "b": {}})
    w.advance(3)
    w.stop("a")
    w.advance(2)
    w.exits("a")
    assert w.path("a") == ["waiting", "starting", "running", "stopping"]
    assert w["a"].since_at == 1003.0
    w.task_ends("a", "post_stop")
    assert (w.path("a")[-1], w.remarks) == ("stopped", [])


def test_reason_of_the_stop_is_that_of_the_failure_when_nothing_ran() -> None:
    """The program was not there, and post_stop cleans up."""
    w = booted({"a": {"post_stop": HOOK, "restart": "no"}, "b": {}}, outcomes=["no program"])
    assert changes(w, "a")[-1] == ("stopping", "cannot exec")


def test_reason_of_a_run_is_kept_when_its_post_stop_forbids_the_next() -> None:
    """The hook tells only what is not known otherwise."""
    for text, reason in ((KILLED, KILLED), ("", "post_stop forbids a restart")):
        w = booted({"a": {"post_stop": HOOK}, "b": {}})
        w.processes["a"].main = False
        w.post(m.Exited("a", 1, 1, text=text))
        w.task_ends("a", "post_stop", 125)
        assert (w.state("a"), w["a"].reason) == ("failed", reason)
        assert all("post_stop" not in told for _, told in w.remarks)


def test_post_stop_runs_again_when_a_done_oneshot_is_undone() -> None:
    """It cleans up after each of the two."""
    w = booted({"a": JOB | {"stop_command": HOOK, "post_stop": HOOK}, "b": {}})
    w.end("a", 0)
    w.task_ends("a", "post_stop")
    w.stop("a")
    w.task_ends("a", "stop_command")
    w.task_ends("a", "post_stop")
    assert w.begun_tasks("a") == ["post_stop", "stop_command", "post_stop"]
    assert (w.state("a"), w.remarks) == ("stopped", [])


@pytest.mark.parametrize("status", [0, 4])
def test_operator_hears_of_on_fail_when_it_does_not_go_well(status: int) -> None:
    """And only then."""
    w = booted({"a": {"restart": "no", "on_fail": HOOK}, "b": {}})
    w.end("a", 1)
    w.task_ends("a", "on_fail", status)
    assert w.remarks == ([("a", "on_fail failed with code 4")] if status else [])


def test_scheduled_service_stays_failed_when_it_is_stopped_during_its_on_fail() -> None:
    """Nobody wants the next time any more; else the reason for waiting is told with it."""
    for stopped, state in ((True, "failed"), (False, "waiting")):
        w = booted({"a": JOB | {"on_fail": HOOK}, "b": {}}, rules={"a": SCHEDULE})
        w.trigger("a")
        ends_with_text(w, 1)
        if stopped:
            w.stop("a")
        w.task_ends("a", "on_fail")
        assert changes(w, "a")[-1] == (state, KILLED)


def test_init_ends_when_the_health_of_a_scheduled_service_means_that() -> None:
    """It does not wait for its next time, whatever its schedule says."""
    check = {"exec": "x", "interval": 1, "retries": 1, "action": "shutdown"}
    w = booted({"a": {"health": check}, "b": {}}, rules={"a": SCHEDULE})
    w.trigger("a")
    w.advance(1)
    w.task_ends("a", "health", 1)
    w.settle()
    assert (w.state("a"), w.code()) == ("failed", 143)


@pytest.mark.parametrize(("up", "fails"), [(29.0, 1), (30.0, 0)])
def test_socket_service_has_all_its_restarts_when_its_last_run_was_long(
    up: float, fails: int
) -> None:
    """One that fails, and then leaves its connections at once, must come to its limit."""
    w = booted({"a": {"restart_delay": 0}, "b": {}}, rules={"a": SOCKET})
    w.trigger("a")
    w.end("a", 1)
    assert (w.state("a"), w["a"].fails) == ("running", 1)
    w.advance(up)
    w.end("a", 0)
    assert (w.state("a"), w["a"].fails) == ("waiting", fails)


def test_restarts_in_a_row_are_told_when_they_were_not_enough() -> None:
    """Not those that an operator asked for, or that were long ago."""
    w = booted({"a": {"restart_limit": 2, "restart_delay": 0}, "b": {}})
    for _ in range(3):
        w.restart("a")
        w.exits("a")
    for _ in range(3):
        w.end("a", 1)
    assert (w.state("a"), w["a"].restarts) == ("failed", 5)
    assert w["a"].reason == "2 restarts in a row were not enough"


def test_next_attempt_comes_after_a_pause_when_a_service_lied_that_it_is_ready() -> None:
    """It said so before its program turned out not to run; that takes no time at all."""
    core = Supervisor(world({"a": {"type": "notify", "restart_delay": 0}}).plan, strict=True)
    core.handle(m.Boot(), 0.0)
    core.handle(m.Spawned("a", 1, 7), 0.0)
    core.handle(m.Notified("a", 1, ready=True), 0.0)
    made = core.handle(m.SpawnFailed("a", 1, "execute", 11, "busy"), 0.0)
    assert m.Arm("a", 1, "backoff", 0.2) in made


@pytest.mark.parametrize(("up", "state"), [(29.0, "backoff"), (30.0, "starting")])
def test_run_without_a_main_process_has_lasted_to_its_end_when_it_is_restarted(
    up: float, state: str
) -> None:
    """A process per connection, and health checks that fail: nobody has seen it exit."""
    keys: Table = {
        "sockets": [{"listen": "tcp:80", "accept": True}],
        "health": {"exec": "x", "interval": up, "retries": 1},
    }
    core = Supervisor(make_plan(Config(services={"a": spec(keys)})), strict=True)
    core.handle(m.Boot(), 0.0)
    core.handle(m.Spawned("a", 1, 0), 0.0)
    core.handle(m.Execed("a", 1), 0.0)
    core.handle(m.Fired("a", 1, "check", up), up)
    assert m.Sweep("a", 1) in core.handle(m.TaskEnded("a", 1, "health", 1), up)
    core.handle(m.Emptied("a", 1), up)
    assert core.state.services["a"].state == state
