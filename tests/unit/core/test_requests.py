"""What operators ask for: the last request wins, and nothing that is over comes back."""

from __future__ import annotations

import pytest

from nsinit.core import messages as m
from nsinit.core.state import CoreState
from nsinit.core.supervisor import ImpossibleError, Supervisor
from tests.unit.core.world import World, booted


def test_nothing_happens_when_a_request_is_met_already() -> None:
    """Start of running and stop of stopped."""
    w = booted({"a": {}, "b": {"autostart": False}})
    assert w.start("a") == []
    assert w.stop("b") == []
    assert w.states == {"a": "running", "b": "stopped"}


def test_unknown_names_are_passed_over_when_asked_for() -> None:
    """The control socket has refused them before."""
    w = booted({"a": {}})
    for request in (m.Start(("x",)), m.Stop(("x",)), m.Restart(("x",))):
        assert w.post(request) == []


def test_service_stays_down_when_an_operator_stopped_it() -> None:
    """Whatever its policy; until somebody starts it."""
    w = booted({"a": {"restart": "always"}})
    w.stop("a")
    w.settle()
    w.advance(1000)
    assert (w.state("a"), w["a"].want, w["a"].by_hand) == ("stopped", False, True)
    w.start("a")
    assert (w.state("a"), w["a"].want, w["a"].by_hand) == ("running", True, False)


def test_backoff_ends_when_the_service_is_stopped() -> None:
    """There is nothing to be signalled."""
    w = booted({"a": {}})
    w.end("a", 1)
    w.stop("a")
    assert (w.state("a"), w.timers) == ("stopped", {})
    w.advance(10)
    assert w["a"].run == 1


def test_waiting_ends_when_the_service_is_stopped() -> None:
    """It does not start when its turn comes."""
    w = booted({"db": {"type": "notify"}, "app": {"depends_on": ["db"]}})
    w.stop("app")
    w.ready("db")
    assert w.states == {"db": "running", "app": "stopped"}


def test_service_starts_again_when_it_is_started_while_it_stops() -> None:
    """The stop goes on to its end; then comes a new run."""
    w = booted({"a": {}}, outcomes=["stubborn"])
    w.stop("a")
    w.start("a")
    assert w.state("a") == "stopping"
    w.end("a", 0)
    assert (w.state("a"), w["a"].run) == ("running", 2)


def test_service_starts_again_when_it_is_started_while_it_ends() -> None:
    """Even one that is not restarted by itself."""
    w = booted({"a": {"restart": "no"}}, outcomes=["strays"])
    w.end("a", 0)
    w.start("a")
    w.exits("a")
    assert (w.state("a"), w["a"].run) == ("running", 2)


def test_stop_wins_when_it_comes_last() -> None:
    """Over a start and a restart that are not done."""
    w = booted({"a": {}}, outcomes=["stubborn"])
    w.restart("a")
    w.start("a")
    w.stop("a")
    w.end("a", 0)
    assert (w.state("a"), w["a"].want) == ("stopped", False)


def test_restart_wins_when_it_comes_last() -> None:
    """Over a stop that is not done."""
    w = booted({"a": {}}, outcomes=["stubborn"])
    w.stop("a")
    w.restart("a")
    w.end("a", 0)
    assert (w.state("a"), w["a"].run, w["a"].by_hand) == ("running", 2, False)


def test_stop_is_taken_back_when_it_has_not_begun() -> None:
    """It waited for a dependent; nobody was signalled."""
    w = booted({"db": {}, "app": {"depends_on": ["db"]}}, outcomes=["ok", "stubborn"])
    w.stop("db", "app")
    w.start("db")
    w.end("app", 0)
    assert w.states == {"db": "running", "app": "stopped"}
    assert (w.signals("db"), w["db"].run) == ([], 1)


def test_dependents_start_when_a_stop_is_taken_back() -> None:
    """What they wait for is to stay, now."""
    w = booted(
        {"db": {}, "app": {"depends_on": ["db"]}, "web": {"depends_on": ["db"]}},
        outcomes=["ok", "ok", "stubborn"],
    )
    w.end("app", 1)
    w.stop("db", "web")
    w.advance(1)
    assert w.state("app") == "waiting"
    w.start("db")
    assert w.states == {"db": "running", "app": "running", "web": "stopping"}


def test_service_starts_when_it_is_restarted_at_rest() -> None:
    """Restart is start, where there is nothing to stop."""
    w = booted({"a": {"restart": "no"}, "b": {"autostart": False}, "c": {}})
    w.end("a", 1)
    w.restart("a", "b")
    assert w.states == {"a": "running", "b": "running", "c": "running"}


def test_service_starts_at_once_when_it_is_restarted_in_backoff() -> None:
    """As after a start."""
    w = booted({"a": {}})
    w.end("a", 1)
    w.restart("a")
    assert w.state("a") == "running"


def test_needs_are_pulled_in_when_a_stopped_service_is_restarted() -> None:
    """As when it is started; else it waits for ever for what nobody starts."""
    off = {"autostart": False}
    w = booted({"db": off, "app": {"depends_on": ["db"]} | off, "x": {}})
    w.restart("app")
    assert w.states == {"db": "running", "app": "running", "x": "running"}


def test_needs_start_again_when_a_service_is_started_that_failed_with_them() -> None:
    """What does not hold is pulled in, at rest or not."""
    w = booted({"db": {"restart": "no", "type": "notify"}, "app": {"depends_on": ["db"]}, "x": {}})
    w.end("db", 1)
    assert w.states == {"db": "failed", "app": "failed", "x": "running"}
    w.start("app")
    w.ready("db")
    assert w.states == {"db": "running", "app": "running", "x": "running"}


def test_needs_are_left_alone_when_they_hold() -> None:
    """A completed oneshot is not run again."""
    w = booted({"job": {"type": "oneshot"}, "db": {}, "app": {"depends_on": ["job", "db"]}})
    w.end("job", 0)
    w.stop("app")
    w.settle()
    w.start("app")
    assert (w["job"].run, w["db"].run, w["app"].run) == (1, 1, 2)


def test_oneshot_is_not_run_twice_when_its_dependent_is_started_as_it_ends() -> None:
    """It is about to be completed; only its strays are waited for."""
    w = booted(
        {"job": {"type": "oneshot"}, "app": {"depends_on": ["job"], "autostart": False}, "x": {}},
        outcomes=["strays"],
    )
    w.end("job", 0)
    w.start("app")
    w.settle()
    assert (w["job"].run, w.state("app")) == (1, "running")


def test_named_service_is_run_again_when_it_is_a_oneshot_that_is_done() -> None:
    """It was asked for by name."""
    w = booted({"job": {"type": "oneshot"}, "x": {}})
    w.end("job", 0)
    w.start("job")
    assert (w.state("job"), w["job"].run) == ("running", 2)


def test_every_service_is_stopped_when_all_are_named() -> None:
    """And started, each once."""
    w = booted({"a": {}, "b": {"depends_on": ["a"]}})
    w.stop("a", "b", "a")
    w.settle()
    w.start("b", "a", "b")
    assert w.spawned == ["a", "b", "a", "b"]


# --- What comes too late --------------------------------------------------------------------------

STALE: list[m.Event] = [
    m.Spawned("a", 1, 99),
    m.Execed("a", 1),
    m.SpawnFailed("a", 1, "exec", 2, "x"),
    m.Ready("a", 1),
    m.Exited("a", 1, 1),
    m.Emptied("a", 1),
    m.Lingering("a", 1, 3),
    m.Fired("a", 1, "stop", 1000.0),
    m.Fired("a", 2, "stop", 1000.0),
    m.Fired("a", 2, "backoff", 1000.5),
    m.Exited("nobody", 1, 0),
    m.Fired("", 0, "shutdown", 1009.0),
]


def _second_run() -> World:
    w = booted({"a": {"restart_delay": "500ms"}})
    w.end("a", 1)
    w.advance(0.5)
    assert w["a"].run == 2
    return w


@pytest.mark.parametrize("event", STALE, ids=str)
def test_nothing_changes_when_an_event_is_stale(event: m.Event) -> None:
    """Of an earlier run, of a timer that is not armed, of a service that is no more."""
    w = _second_run()
    before = w.core.state.encode()
    assert w.core.handle(event, w.now) == []
    assert w.core.state.encode() == before


def test_timer_means_nothing_when_it_was_armed_anew() -> None:
    """The instant tells one from the other."""
    w = booted({"a": {"stop_signal": ["TERM", "1s", "INT", "1s"]}}, outcomes=["stubborn"])
    w.stop("a")
    w.advance(1)
    assert w.core.handle(m.Fired("a", 1, "stop", 1001.0), w.now) == []
    assert w.signals("a")[-1] == (2, "group")


@pytest.mark.parametrize("event", [m.Ready("a", 1), m.Emptied("a", 1), m.Lingering("a", 1, 2)])
def test_nothing_changes_when_the_world_speaks_of_a_run_that_is_over(event: m.Event) -> None:
    """It may; nobody told it that the run is over."""
    w = booted({"a": {}, "b": {}})
    w.stop("a")
    w.settle()
    before = w.core.state.encode()
    assert w.core.handle(event, w.now) == []
    assert w.core.state.encode() == before


IMPOSSIBLE: list[m.Event] = [m.Exited("a", 1, 0), m.Spawned("a", 1, 7), m.SpawnFailed("a", 1, "x",
    2, "x")]  # fmt: skip


@pytest.mark.parametrize("event", IMPOSSIBLE, ids=str)
def test_impossible_event_is_noted_when_init_must_go_on(event: m.Event) -> None:
    """In tests it raises; in PID 1 it changes nothing."""
    w = booted({"a": {}, "b": {}})
    w.stop("a")
    w.settle()
    with pytest.raises(ImpossibleError, match=r"a: \w+ in state stopped"):
        w.core.handle(event, w.now)
    patient = Supervisor(w.plan, CoreState.decode(w.core.state.encode()))
    (noted,) = patient.handle(event, w.now)
    assert isinstance(noted, m.Noted)
    assert (noted.service, noted.text) == ("a", f"{type(event).__name__} in state stopped")
    assert patient.state == w.core.state
