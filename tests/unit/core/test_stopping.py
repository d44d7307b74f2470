"""The stop sequence of one service, and the order among several."""

from __future__ import annotations

import pytest

from nsinit.core import messages as m
from tests.unit.core.world import Table, booted

TERM, INT, QUIT, KILL, CONT = 15, 2, 3, 9, 18
MIXED: Table = {"kill_mode": "mixed"}
PROCESS: Table = {"kill_mode": "process"}


def test_group_gets_term_and_cont_when_a_service_is_stopped() -> None:
    """A stopped process acts on nothing before it is continued."""
    w = booted({"a": {}})
    w.stop("a")
    assert w.signals("a", cont=True) == [(TERM, "group"), (CONT, "group")]
    assert (w.state("a"), w["a"].reason) == ("stopping", "stop")
    assert w.timer("a", "stop") == 8.0
    w.exits("a")
    assert w.state("a") == "stopped"
    assert w.timers == {}


def test_everything_is_killed_when_a_service_ignores_its_stop() -> None:
    """After the stop_timeout, and again each second until it is gone."""
    w = booted({"a": {"stop_timeout": 3}}, outcomes=["stubborn"])
    w.stop("a")
    w.advance(2.9)
    assert w.signals("a") == [(TERM, "group")]
    w.advance(0.2)
    assert w.signals("a", cont=True)[2:] == [(KILL, "all")]
    w.advance(2)
    assert w.signals("a") == [(TERM, "group"), *[(KILL, "all")] * 3]
    w.exits("a")
    assert w.state("a") == "stopped"


def test_signals_come_in_turn_when_the_sequence_has_several() -> None:
    """Each with its own wait; one without takes the stop_timeout."""
    w = booted(
        {"a": {"stop_signal": ["QUIT", "5s", "TERM", "INT", "1s"], "stop_timeout": 2}},
        outcomes=["stubborn"],
    )
    w.stop("a")
    seen = []
    for _ in range(4):
        seen.append((w.signals("a")[-1], w.timer("a", "stop")))
        w.advance(w.timer("a", "stop") or 0.0)
    assert seen == [
        ((QUIT, "group"), 5.0),
        ((TERM, "group"), 2.0),
        ((INT, "group"), 1.0),
        ((KILL, "all"), 1.0),
    ]


def test_strays_get_the_signal_too_when_the_main_process_was_stopped_by_it() -> None:
    """Only the group had it; they have what is left of the wait."""
    w = booted({"a": {}}, outcomes=["strays"])
    w.stop("a")
    w.advance(1)
    w.end("a", -TERM)
    assert w.signals("a") == [(TERM, "group"), (TERM, "all")]
    assert w.timer("a", "stop") == 7.0
    assert w["a"].reason == "2 of its processes left"
    w.exits("a")
    assert w.state("a") == "stopped"


def test_strays_are_killed_when_they_ignore_the_signal() -> None:
    """And are looked for after each KILL."""
    w = booted({"a": {"stop_timeout": 3}}, outcomes=["strays"])
    w.end("a", 0)
    assert w.signals("a") == [(TERM, "all")]
    w.pending.clear()  # nobody hears it
    w.advance(3)
    assert w.signals("a")[1:] == [(KILL, "all")]
    assert m.Sweep("a", 1) in w.actions[-3:]
    w.pending.clear()
    w.advance(1)
    assert w.signals("a")[1:] == [(KILL, "all")] * 2
    w.exits("a")
    assert w.state("a") == "exited"


def test_later_signals_go_to_all_when_strays_are_left_in_the_middle_of_the_sequence() -> None:
    """The group's leader is gone, so the group says nothing any more."""
    w = booted({"a": {"stop_signal": ["TERM", "1s", "INT", "1s"]}}, outcomes=["strays"])
    w.stop("a")
    w.end("a", -TERM)
    w.pending.clear()
    w.advance(1)
    assert w.signals("a") == [(TERM, "group"), (TERM, "all"), (INT, "all")]


def test_strays_are_not_signalled_anew_when_they_were_killed_with_the_main_process() -> None:
    """They have until the next KILL to be gone."""
    w = booted({"a": {"stop_timeout": 1}}, outcomes=["stubborn"])
    w.processes["a"].strays = 2
    w.stop("a")
    w.advance(1)
    w.end("a", -KILL)
    assert w.state("a") == "stopping"
    assert w.signals("a") == [(TERM, "group"), (KILL, "all")]
    w.exits("a")
    assert w.state("a") == "stopped"


def test_strays_are_counted_again_when_they_become_fewer() -> None:
    """The reason is told anew, the signal is not."""
    w = booted({"a": {}}, outcomes=["strays"])
    w.end("a", 0)
    sent = w.signals("a")
    w.post(m.Lingering("a", 1, 1))
    assert w["a"].reason == "1 of its processes left"
    assert w.signals("a") == sent


def test_main_process_alone_is_signalled_when_the_kill_mode_is_process() -> None:
    """KILL included; what it leaves behind is nobody's business."""
    w = booted({"a": PROCESS | {"stop_timeout": 1}}, outcomes=["stubborn"])
    w.stop("a")
    w.advance(1)
    assert w.signals("a", cont=True) == [(TERM, "main"), (CONT, "main"), (KILL, "main")]
    w.exits("a")
    assert w.state("a") == "stopped"


def test_strays_are_not_waited_for_when_the_kill_mode_is_process() -> None:
    """They live on beside the next run."""
    w = booted({"a": PROCESS | {"restart_delay": 0}}, outcomes=["strays"])
    w.end("a", 1)
    assert (w.state("a"), w["a"].run) == ("running", 2)
    assert w.signals("a") == []
    assert not any(isinstance(a, m.Sweep) for a in w.actions)


def test_strays_are_killed_at_once_when_the_kill_mode_is_mixed() -> None:
    """The main process alone is asked."""
    w = booted({"a": MIXED}, outcomes=["strays"])
    w.stop("a")
    assert w.signals("a") == [(TERM, "main")]
    w.end("a", -TERM)
    assert w.signals("a") == [(TERM, "main"), (KILL, "all")]
    w.exits("a")
    assert w.state("a") == "stopped"


def test_strays_are_killed_when_a_mixed_service_ends_by_itself() -> None:
    """The same, without a stop."""
    w = booted({"a": MIXED | {"restart": "no"}}, outcomes=["strays"])
    w.end("a", 0)
    assert w.signals("a") == [(KILL, "all")]
    w.exits("a")
    assert w.state("a") == "exited"


def test_run_goes_on_when_nothing_but_its_main_process_is_left() -> None:
    """The end of the others, told before that of the main process, ends nothing."""
    w = booted({"a": {}}, outcomes=["stubborn"])
    w.stop("a")
    w.post(m.Emptied("a", 1))
    assert w.state("a") == "stopping"
    assert not any(isinstance(a, m.Release) for a in w.actions)


def test_run_is_released_once_when_it_is_over() -> None:
    """What was held for it is given back before anything else begins."""
    w = booted({"a": {"restart_delay": 0}})
    w.end("a", 1)
    released = [a for a in w.actions if isinstance(a, m.Release)]
    assert released == [m.Release("a", 1, "exit-code", "")]
    assert w.actions.index(released[0]) < w.actions.index(m.Spawn("a", 2))


def test_start_is_stopped_when_it_has_not_come_to_an_end() -> None:
    """Its timer goes with it."""
    w = booted({"a": {"type": "notify"}})
    w.stop("a")
    assert set(w["a"].timers) == {"stop"}
    w.exits("a")
    assert w.state("a") == "stopped"


def test_stop_waits_for_the_process_when_that_is_being_made() -> None:
    """There is nobody yet to be signalled."""
    w = booted({"a": {"autostart": False}, "b": {}})
    core, now = w.core, w.now
    core.handle(m.Start(("a",)), now)
    assert not any(isinstance(a, m.Signal) for a in core.handle(m.Stop(("a",)), now))
    sent = [a for a in core.handle(m.Spawned("a", 1, 7), now) if isinstance(a, m.Signal)]
    assert sent == [m.Signal("a", 1, TERM, "group"), m.Signal("a", 1, CONT, "group")]


@pytest.mark.parametrize("outcome", ["no fork", "no program"])
def test_service_is_stopped_when_its_start_failed_after_a_stop(outcome: str) -> None:
    """It is not wanted up, so there is no retry and no failure."""
    w = booted({"a": {"autostart": False}, "b": {}})
    core, now = w.core, w.now
    core.handle(m.Start(("a",)), now)
    core.handle(m.Stop(("a",)), now)
    number = {"no fork": 11, "no program": 2}[outcome]
    made = core.handle(m.SpawnFailed("a", 1, "x", number, "cannot x"), now)
    assert [action.new for action in made if isinstance(action, m.Changed)] == [
        "stopping", "stopped",
    ]  # fmt: skip
    assert w["a"].reason == "cannot x"


def test_program_is_given_up_without_a_stop_when_it_cannot_be_started() -> None:
    """Nothing ran, so there is nothing to pass through stopping for."""
    w = booted({"a": {"restart": "no"}, "b": {}}, outcomes=["no program"])
    assert w.path("a") == ["waiting", "starting", "failed"]


# --- Several services -----------------------------------------------------------------------------

CHAIN: dict[str, Table] = {
    "db": {},
    "app": {"depends_on": ["db"]},
    "web": {"depends_on": ["app"]},
    "log": {},
}


def test_dependents_stop_first_when_all_are_stopped() -> None:
    """In reverse order; what is independent stops in parallel."""
    w = booted(CHAIN)
    w.stop("db", "app", "web", "log")
    assert sorted(w.signalled) == ["log", "web"]
    assert w.states == {"db": "running", "app": "running", "web": "stopping", "log": "stopping"}
    w.exits("web")
    assert w.states["app"] == "stopping"
    assert w.states["db"] == "running"
    w.exits("app")
    assert w.states["db"] == "stopping"
    w.exits("db")
    assert w.signalled[-2:] == ["app", "db"]


@pytest.mark.parametrize("key", ["after", "wants"])
def test_followers_stop_first_when_they_are_only_ordered(key: str) -> None:
    """Order counts both ways."""
    w = booted({"a": {}, "b": {key: "a"}})
    w.stop("a", "b")
    assert w.states == {"a": "running", "b": "stopping"}


def test_service_waits_for_strays_of_its_dependent_when_both_stop() -> None:
    """The dependent is gone when nothing of it is left."""
    w = booted({"db": {}, "app": {"depends_on": ["db"]}}, outcomes=["ok", "strays"])
    w.stop("db", "app")
    w.end("app", -TERM)
    assert w.states == {"db": "running", "app": "stopping"}
    w.exits("app")
    assert w.states == {"db": "stopping", "app": "stopped"}


def test_service_stops_at_once_when_its_dependent_is_to_stay() -> None:
    """It was asked for by name."""
    w = booted({"db": {}, "app": {"depends_on": ["db"]}})
    w.stop("db")
    assert w.states == {"db": "stopping", "app": "running"}


def test_stop_begins_when_the_dependent_is_gone_by_itself() -> None:
    """However that came."""
    w = booted({"db": {}, "app": {"depends_on": ["db"]}}, outcomes=["ok", "stubborn"])
    w.stop("db", "app")
    w.end("app", 1)
    assert w.states == {"db": "stopping", "app": "stopped"}


def test_service_is_stopped_when_it_ends_before_its_turn() -> None:
    """Nobody wants it up any more."""
    w = booted({"db": {}, "app": {"depends_on": ["db"]}}, outcomes=["ok", "stubborn"])
    w.stop("db", "app")
    w.end("db", 1)
    assert w.states == {"db": "stopped", "app": "stopping"}
    assert w.signals("db") == []


def test_services_restart_in_order_when_both_are_restarted() -> None:
    """Down in reverse, then up again; nobody starts on what is about to go."""
    w = booted({"db": {}, "app": {"depends_on": ["db"]}})
    w.restart("app", "db")
    assert w.states == {"db": "running", "app": "stopping"}
    assert w["app"].reason == "restart"
    w.exits("app")
    assert w.states == {"db": "stopping", "app": "waiting"}
    w.exits("db")
    assert w.states == {"db": "running", "app": "running"}
    assert w.spawned == ["db", "app", "db", "app"]
    assert w.signalled == ["app", "db"]
    assert (w["db"].restarts, w["app"].restarts) == (1, 1)


@pytest.mark.parametrize("how", ["ready", "started"])
def test_service_does_not_start_when_what_it_needs_is_about_to_stop(how: str) -> None:
    """It runs still, but only until another has stopped."""
    w = booted(
        {"db": {}, "app": {"depends_on": {"db": how}}, "web": {"depends_on": ["db"]}},
        outcomes=["ok", "ok", "stubborn"],
    )
    w.end("app", 1)
    w.stop("db", "web")
    w.advance(1)
    assert w.states == {"db": "running", "app": "waiting", "web": "stopping"}
    assert w.spawned == ["db", "app", "web"]


def test_run_is_told_apart_when_the_kernel_says_more_of_its_end() -> None:
    """It counts what it killed for the lack of memory, also when that was not the main process."""
    w = booted({"a": {"restart": "no"}, "b": {}})
    w.processes["a"].main = False
    w.post(m.Exited("a", 1, 1, text="the kernel killed 2 of its processes"))
    w.settle()
    assert (w.state("a"), w["a"].reason) == ("failed", "the kernel killed 2 of its processes")
    assert w.remarks == [("a", "the kernel killed 2 of its processes")]
    w.processes["b"].main = False
    w.post(m.Exited("b", 1, -9, oom=True, text="memory"))
    assert w.remarks[1:] == []
