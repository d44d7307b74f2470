"""Services that a schedule starts: they wait, run when told, and wait again."""

from __future__ import annotations

from typing import Any

import pytest

from nsinit.core import messages as m
from nsinit.core.view import view_service
from tests.unit.core.world import World, booted

JOB: dict[str, Any] = {"type": "oneshot", "schedule": {"cron": "* * * * *"}}


def job(overlap: str = "skip", **more: Any) -> World:
    """One service with a schedule."""
    table = JOB | {"schedule": {"cron": "* * * * *", "overlap": overlap}} | more
    return booted({"job": table})


def due(w: World) -> None:
    """Its time has come."""
    w.post(m.Trigger(("job",)))


@pytest.mark.parametrize("status", [0, 3])
def test_service_waits_again_when_its_run_has_ended(status: int) -> None:
    """Whatever came of it, and init stays for its sake."""
    w = job()
    assert (w.state("job"), w["job"].reason) == ("waiting", "for its schedule")
    due(w)
    assert w.state("job") == "running"
    w.end("job", status)
    assert (w.state("job"), w["job"].reason) == ("waiting", "for its schedule")
    assert w.code() is None
    due(w)
    assert w["job"].run == 2


def test_run_is_left_out_when_the_last_one_is_not_over() -> None:
    """Which is the default."""
    w = job()
    due(w)
    due(w)
    w.end("job")
    assert (w.state("job"), w["job"].run) == ("waiting", 1)


def test_run_follows_when_it_is_to_queue() -> None:
    """One, however often its time came meanwhile."""
    w = job("queue")
    for _ in range(3):
        due(w)
    w.end("job")
    assert (w.state("job"), w["job"].run) == ("running", 2)
    w.end("job")
    assert (w.state("job"), w["job"].run) == ("waiting", 2)


def test_run_replaces_the_last_one_when_it_is_to_kill() -> None:
    """By its stop sequence."""
    w = job("kill")
    due(w)
    due(w)
    assert w.signals("job") == [(15, "group")]
    w.exits("job")
    assert (w.state("job"), w["job"].run) == ("running", 2)


@pytest.mark.parametrize("ask", [m.Start, m.Restart])
def test_service_runs_now_when_it_is_asked_for(ask: Any) -> None:
    """An operator need not wait for the hour."""
    w = job()
    w.post(ask(("job",)))
    assert (w.state("job"), w["job"].run) == ("running", 1)


def test_service_runs_again_when_it_is_restarted_in_a_run() -> None:
    """A restart does not mean to wait for the next time."""
    w = job()
    due(w)
    w.restart("job")
    w.exits("job")
    assert (w.state("job"), w["job"].run) == ("running", 2)


def test_schedule_is_not_heeded_when_the_service_was_stopped() -> None:
    """Until somebody starts it; that alone makes it wait for its next time."""
    w = job()
    w.stop("job")
    due(w)
    assert w.state("job") == "stopped"
    w.start("job")
    assert w.state("job") == "waiting"
    due(w)
    assert w.state("job") == "running"


def test_run_has_all_its_restarts_when_the_last_one_used_them_up() -> None:
    """A schedule does not give up."""
    w = job(restart="on-failure", restart_limit=1, restart_delay=1)
    for number in (1, 2):
        due(w)
        w.end("job", 1)
        assert w.state("job") == "backoff"
        w.advance(1)
        w.end("job", 1)
        assert (w.state("job"), w["job"].result) == ("waiting", "start-limit")
        assert w["job"].run == 2 * number


def test_view_says_what_a_service_waits_for_when_it_is_looked_at() -> None:
    """For its schedule alone, or still for something else."""
    w = job()
    assert view_service(w["job"], w.plan.services["job"]).awaits_trigger
    w["job"].triggered = True
    assert not view_service(w["job"], w.plan.services["job"]).awaits_trigger
    plain = booted({"a": {}})
    assert not view_service(plain["a"], plain.plan.services["a"]).awaits_trigger


def test_somebody_is_told_when_a_run_has_failed() -> None:
    """By on_fail, of each run that fails; then it waits for the next time."""
    w = job(on_fail={"command": "tell"})
    for number in (1, 2):
        due(w)
        w.end("job", 3)
        assert w.state("job") == "failed"
        told = [a for a in w.actions if isinstance(a, m.RunTask)]
        assert [(a.task, a.run, a.status, a.result) for a in told][number - 1 :] == [
            ("on_fail", number, 3, "exit-code")
        ]
        w.post(m.TaskEnded("job", number, "on_fail", 0))
        assert (w.state("job"), w["job"].reason) == ("waiting", "for its schedule")
    due(w)
    w.end("job")
    assert w.state("job") == "waiting"
    assert len([a for a in w.actions if isinstance(a, m.RunTask)]) == 2


@pytest.mark.parametrize("key", [{"essential": True}, {"on_failure": "shutdown"}])
def test_init_ends_when_a_failed_run_means_that(key: dict[str, Any]) -> None:
    """With its code; a good run means nothing of the kind."""
    w = job(**key)
    due(w)
    w.end("job")
    assert w.state("job") == "waiting"
    due(w)
    w.end("job", 7)
    w.settle()
    assert (w.state("job"), w.code()) == ("failed", 7)


def test_service_fails_for_good_when_what_it_needs_has() -> None:
    """As any other would."""
    w = booted({"db": {"restart": "no"}, "job": JOB | {"depends_on": {"db": "ready"}}})
    assert w.state("job") == "waiting"
    w.end("db", 1)
    assert (w.state("job"), w["job"].result) == ("failed", "dependency")
