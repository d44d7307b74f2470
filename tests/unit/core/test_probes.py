"""Readiness that nsinit asks for: how often, for how long, and what the answer means."""

from __future__ import annotations

import pytest

from nsinit.core.policy import FIRST_PROBE
from tests.unit.core.world import Table, booted

READY: Table = {"ready": {"exec": "probe"}}


def test_service_runs_when_its_probe_says_that_it_is_ready() -> None:
    """And not before; the probe begins when the program runs."""
    w = booted({"a": READY}, outcomes=["late exec"])
    assert w.running_tasks("a") == []
    w.settle()
    assert (w.state("a"), w.running_tasks("a")) == ("starting", ["ready"])
    assert w.timer("a", "ready") == 3.0
    w.task_ends("a", "ready")
    assert (w.state("a"), w.timers) == ("running", {})


def test_probe_is_repeated_less_and_less_often_when_it_fails() -> None:
    """From a twentieth of a second, doubled up to the interval."""
    w = booted({"a": READY})
    seen = []
    for _ in range(7):
        w.task_ends("a", "ready", 1)
        assert w.running_tasks("a") == []
        seen.append(w.timer("a", "again"))
        w.advance(seen[-1] or 0.0)
        assert w.running_tasks("a") == ["ready"]
    assert seen == [0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
    assert FIRST_PROBE == 0.05
    w.task_ends("a", "ready")
    assert w.state("a") == "running"


def test_probe_is_no_busy_loop_when_its_interval_is_zero() -> None:
    """There is always a pause between two."""
    w = booted({"a": {"ready": {"exec": "probe", "interval": 0}}})
    for _ in range(3):
        w.task_ends("a", "ready", 1)
        assert w.timer("a", "again") == FIRST_PROBE
        w.advance(FIRST_PROBE)


def test_probe_is_repeated_when_it_takes_too_long() -> None:
    """It is killed at its limit; that costs nothing else."""
    w = booted({"a": READY})
    w.advance(3)
    assert (w.state("a"), w.killed_tasks("a"), w.running_tasks("a")) == ("starting", ["ready"], [])
    w.advance(FIRST_PROBE)
    assert w.running_tasks("a") == ["ready"]


def test_reason_says_what_the_probe_said_when_it_fails() -> None:
    """Its own words, or how it ended."""
    w = booted({"a": READY})
    w.task_ends("a", "ready", 1, "connection refused")
    assert w["a"].reason == "connection refused"
    w.advance(1)
    w.task_ends("a", "ready", 2)
    assert w["a"].reason == "failed with code 2"


def test_dependents_wait_on_when_the_first_probes_fail() -> None:
    """Not ready yet is no failure."""
    w = booted({"db": READY, "app": {"depends_on": ["db"]}})
    for _ in range(5):
        w.task_ends("db", "ready", 1)
        w.advance(1)
    assert w.states == {"db": "starting", "app": "waiting"}
    w.task_ends("db", "ready")
    assert w.states == {"db": "running", "app": "running"}


@pytest.mark.parametrize("probing", [True, False])
def test_start_fails_when_no_probe_succeeds_in_time(probing: bool) -> None:
    """While one runs, or between two."""
    w = booted({"a": READY | {"start_timeout": 5, "restart": "no"}, "b": {}})
    w.advance(4.9)
    if not probing:
        while w.running_tasks("a"):
            w.task_ends("a", "ready", 1)
    w.advance(0.2)
    assert (w.state("a"), w.running_tasks("a"), set(w["a"].timers)) == ("stopping", [], {"stop"})
    w.exits("a")
    assert (w.state("a"), w["a"].result) == ("failed", "timeout")


def test_probe_ends_when_the_service_says_itself_that_it_is_ready() -> None:
    """Whichever comes first."""
    w = booted({"a": {"ready": {"exec": "probe", "notify": True}}})
    w.notify("a", ready=True)
    assert (w.state("a"), w.killed_tasks("a"), w.timers) == ("running", ["ready"], {})


def test_probe_is_not_repeated_when_the_service_says_that_it_is_ready_between_two() -> None:
    """Its timer goes with it."""
    w = booted({"a": {"ready": {"exec": "probe", "notify": True}, "post_start": {"command": "h"}}})
    w.task_ends("a", "ready", 1)
    w.notify("a", ready=True)
    w.advance(5)
    assert w.begun_tasks("a") == ["ready", "post_start"]


def test_probe_ends_when_the_service_is_ready_though_its_post_start_runs() -> None:
    """Nobody wants to know any more."""
    w = booted({"a": {"ready": {"exec": "probe", "notify": True}, "post_start": {"command": "h"}}})
    w.notify("a", ready=True)
    assert (w.running_tasks("a"), w.killed_tasks("a")) == (["post_start"], ["ready"])


def test_probing_begins_anew_when_the_service_is_restarted() -> None:
    """With short pauses again."""
    w = booted({"a": READY | {"restart_delay": 0}})
    for _ in range(4):
        w.task_ends("a", "ready", 1)
        w.advance(1)
    w.end("a", 1)
    assert (w["a"].run, w.running_tasks("a")) == (2, ["ready"])
    w.task_ends("a", "ready", 1)
    assert w.timer("a", "again") == FIRST_PROBE
