"""What a service says of itself by sd_notify(3)."""

from __future__ import annotations

import pytest

from tests.unit.core.world import booted


def test_service_runs_when_it_notifies_that_it_is_ready() -> None:
    """Only where that is how it is told."""
    w = booted({"a": {"type": "notify"}, "b": {"min_uptime": 1}})
    w.notify("a", ready=True)
    w.notify("b", ready=True)
    assert w.states == {"a": "running", "b": "starting"}


def test_ready_is_not_believed_when_only_the_pre_start_runs() -> None:
    """A hook speaks for nobody else."""
    w = booted({"a": {"type": "notify", "pre_start": {"command": "h"}},
                "b": {"depends_on": {"a": "started"}}}, outcomes=["late exec"])  # fmt: skip
    w.notify("a", ready=True)
    w.task_ends("a", "pre_start")
    assert w.states == {"a": "starting", "b": "waiting"}


def test_message_is_what_it_last_said_when_it_says_something() -> None:
    """STATUS and ERRNO; a new run has said nothing."""
    w = booted({"a": {"restart_delay": 0}})
    w.notify("a", status="loading")
    assert w["a"].message == "loading"
    w.notify("a", errno=5)
    assert w["a"].message == "loading (errno 5)"
    w.notify("a", status="", errno=2)
    assert w["a"].message == "(errno 2)"
    w.notify("a", watchdog="1")
    assert w["a"].message == "(errno 2)"
    w.end("a", 1)
    assert (w.state("a"), w["a"].message) == ("running", "")


def test_reason_tells_when_the_service_says_that_it_stops() -> None:
    """Its state is what it was until it has ended."""
    w = booted({"a": {}})
    w.notify("a", stopping=True)
    assert (w.state("a"), w["a"].reason) == ("running", "it is about to end")


def test_service_is_reloading_when_it_says_so_until_it_is_ready() -> None:
    """RELOADING=1, then READY=1."""
    w = booted({"a": {"type": "notify"}})
    w.ready("a")
    w.notify("a", reloading=True)
    assert (w.state("a"), w["a"].reloading) == ("running", True)
    w.notify("a", ready=True)
    assert (w.state("a"), w["a"].reloading) == ("running", False)


def test_start_has_more_time_when_the_service_asks_for_it() -> None:
    """At least as much as it says, never less than it had."""
    w = booted({"a": {"type": "notify", "start_timeout": 5}})
    w.advance(4)
    w.notify("a", extend=10.0)
    assert w.timer("a", "start") == 10.0
    w.advance(1)
    w.notify("a", extend=2.0)
    assert w.timer("a", "start") == 9.0
    w.advance(9)
    assert w.state("a") == "stopping"


def test_stop_has_more_time_when_the_service_asks_for_it() -> None:
    """The same."""
    w = booted({"a": {"stop_timeout": 5}}, outcomes=["stubborn"])
    w.stop("a")
    w.advance(4)
    w.notify("a", extend=10.0)
    w.advance(9.9)
    assert w.signals("a") == [(15, "group")]
    w.advance(0.2)
    assert w.signals("a")[-1] == (9, "all")


def test_stop_has_no_more_time_when_init_has_none() -> None:
    """The budget of the shutdown is shared out."""
    w = booted({"a": {"stop_timeout": 20}}, outcomes=["stubborn"])
    w.shut_down()
    before = w.timer("a", "stop")
    w.notify("a", extend=100.0)
    assert w.timer("a", "stop") == before


def test_running_service_has_no_timer_when_it_asks_for_time() -> None:
    """There is nothing to extend."""
    w = booted({"a": {}, "b": {"type": "oneshot", "start_timeout": 5}})
    w.notify("a", extend=10.0)
    w.notify("b", extend=10.0)
    assert (w["a"].timers, w.timer("b", "start")) == ({}, 5.0)


@pytest.mark.parametrize("state", ["stopped", "backoff", "failed", "exited"])
def test_words_mean_nothing_when_the_run_is_over(state: str) -> None:
    """They were on their way."""
    w = booted({"a": {"restart": "on-failure" if state == "backoff" else "no"}, "b": {}})
    if state == "stopped":
        w.stop("a")
        w.exits("a")
    else:
        w.end("a", int(state != "exited"))
    assert w.state("a") == state
    before = w.core.state.encode()
    assert w.notify("a", ready=True, status="x", watchdog="trigger", main_pid=9, extend=5.0) == []
    assert w.core.state.encode() == before


def test_kill_by_the_kernel_is_told_apart_when_memory_was_short() -> None:
    """The result is oom; what init did itself counts more."""
    from nsinit.core import messages as m

    w = booted({"a": {}, "b": {"watchdog": 1}}, outcomes=["ok", "stubborn"])
    w.processes["a"].main = False
    w.post(m.Exited("a", 1, -9, oom=True))
    assert w["a"].result == "oom"
    w.advance(0.5)
    w.advance(0.6)
    w.processes["b"].main = False
    w.post(m.Exited("b", 1, -9, oom=True))
    assert w["b"].result == "watchdog"


def test_pid_means_nothing_when_there_is_no_main_process() -> None:
    """A hook says so before there is one, or what is left says so after its end."""
    w = booted({"a": {"pre_start": {"command": "h"}}, "b": {}}, outcomes=["strays"])
    w.notify("a", main_pid=77)
    assert (w["a"].pid, w.state("a")) == (0, "starting")
    w.end("b", 1)
    assert w.state("b") == "stopping"
    w.notify("b", main_pid=78)
    assert (w["b"].pid, w.state("b")) == (0, "stopping")
    w.exits("b")
    assert w.state("b") == "backoff"
