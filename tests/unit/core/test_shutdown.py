"""The end of everything: waves, one budget, haste, and what no KILL ends."""

from __future__ import annotations

import pytest

from nsinit.core import messages as m
from nsinit.core.supervisor import GRACE, LAST
from tests.unit.core.world import Table, booted

TERM, KILL = 15, 9
CHAIN: dict[str, Table] = {
    "db": {},
    "app": {"depends_on": ["db"]},
    "web": {"depends_on": ["app"]},
}
USABLE = 9 * GRACE  # of the default budget; the rest is for the KILLs to take effect
LAST_RESORT = 1000 + 9 * LAST  # when everything is killed


def test_init_ends_when_everything_has_stopped() -> None:
    """At once, not at the deadline."""
    w = booted({"a": {}, "b": {}})
    w.shut_down()
    assert w.states == {"a": "stopping", "b": "stopping"}
    w.exits("a")
    assert w.code() is None
    w.exits("b")
    assert (w.code(), w.now) == (0, 1000.0)


def test_init_ends_at_once_when_nothing_runs() -> None:
    """What only waits or backs off is stopped on the spot."""
    w = booted({"a": {"type": "oneshot"}, "b": {}, "c": {"depends_on": ["b"]}})
    w.end("b", 1)
    w.end("c", 1)
    w.advance(0.5)
    w.end("b", 1)
    w.end("a", 0)
    w.end("c", 1)
    assert w.states == {"a": "exited", "b": "backoff", "c": "backoff"}
    w.shut_down()
    assert w.states == {"a": "exited", "b": "stopped", "c": "stopped"}
    assert w.code() == 0


def test_services_stop_in_waves_when_they_depend_on_each_other() -> None:
    """Reverse order; each wave after the last of the one before."""
    w = booted(CHAIN | {"log": {}})
    w.shut_down()
    assert set(w.signalled) == {"web", "log"}
    w.exits("log")
    assert w.states["db"] == "running"
    w.exits("web")
    w.exits("app")
    assert w.signalled[-2:] == ["app", "db"]
    w.exits("db")
    assert w.code() == 0


def test_budget_is_shared_when_services_stop_one_after_the_other() -> None:
    """Three times 8 s do not fit into 9 s, so each gets its part of them."""
    w = booted(CHAIN, outcomes=["stubborn"] * 3)
    w.shut_down()
    seen = []
    for name in ("web", "app", "db"):
        seen.append(w.timer(name, "stop"))
        w.advance(w.timer(name, "stop") or 0.0)
        assert w.signals(name) == [(TERM, "group"), (KILL, "all")]
        w.exits(name)
    assert seen == pytest.approx([USABLE / 3] * 3)
    assert w.code() == 0
    assert w.now == pytest.approx(1000 + USABLE)


def test_later_waves_get_more_when_earlier_ones_were_quick() -> None:
    """What is left is shared out anew."""
    w = booted(CHAIN)
    w.shut_down()
    w.exits("web")
    assert w.timer("app", "stop") == pytest.approx(USABLE / 2)
    w.exits("app")
    assert w.timer("db", "stop") == 8.0
    w.exits("db")
    assert w.code() == 0


def test_grace_is_shared_by_its_length_when_services_have_different_ones() -> None:
    """Who was given twice as much, has twice as much of what there is."""
    w = booted({"db": {"stop_timeout": 20}, "app": {"depends_on": ["db"], "stop_timeout": 10}},
               outcomes=["stubborn"] * 2)  # fmt: skip
    w.shut_down()
    assert w.timer("app", "stop") == pytest.approx(USABLE / 3)
    w.advance(USABLE / 3)
    w.exits("app")
    assert w.timer("db", "stop") == pytest.approx(USABLE * 2 / 3)


def test_stop_has_its_full_grace_when_all_fit_into_the_budget() -> None:
    """Nobody is hurried without need."""
    tables = {name: table | {"stop_timeout": 2} for name, table in CHAIN.items()}
    w = booted(tables, outcomes=["stubborn"] * 3)
    w.shut_down()
    assert w.timer("web", "stop") == 2.0


def test_every_step_is_shortened_when_the_sequence_has_several() -> None:
    """In proportion."""
    w = booted({"a": {"stop_signal": ["QUIT", "9s", "TERM", "9s"]}}, outcomes=["stubborn"])
    w.shut_down()
    assert w.timer("a", "stop") == pytest.approx(USABLE / 2)
    w.advance(USABLE / 2)
    assert w.signals("a") == [(3, "group"), (TERM, "group")]
    assert w.timer("a", "stop") == pytest.approx(USABLE / 2)


def test_only_what_is_alive_counts_when_the_budget_is_shared() -> None:
    """A chain through a service that is down leaves more for the rest."""
    w = booted(CHAIN | {"app": {"depends_on": ["db"], "restart": "no"}}, outcomes=["stubborn"] * 3)
    w.end("app", 0)
    w.shut_down()
    assert w.timer("web", "stop") == pytest.approx(USABLE / 2)


def test_stop_under_way_is_shortened_when_init_shuts_down() -> None:
    """It began with the time of the world."""
    w = booted({"a": {"stop_timeout": 60}, "b": {}}, outcomes=["stubborn"])
    w.stop("a")
    assert w.timer("a", "stop") == 60.0
    w.advance(20)
    w.shut_down()
    assert w.timer("a", "stop") == pytest.approx(40 * USABLE / 60)


def test_stop_is_not_lengthened_when_it_is_nearly_over() -> None:
    """Not even by the time that a timer would be late."""
    w = booted({"a": {}, "b": {}}, outcomes=["stubborn"])
    w.stop("a")
    w.advance(7.5)
    w.shut_down()
    assert w.timer("a", "stop") == 0.5


def test_rest_of_a_stop_under_way_is_shortened_when_it_has_several_steps() -> None:
    """Those that are still to come as well."""
    w = booted({"a": {"stop_signal": ["QUIT", "9s", "TERM", "9s"]}, "b": {}}, outcomes=["stubborn"])
    w.stop("a")
    w.shut_down()
    w.advance(w.timer("a", "stop") or 0.0)
    assert w.signals("a") == [(3, "group"), (TERM, "group")]
    assert w.timer("a", "stop") == pytest.approx(USABLE / 2)


def test_kill_is_not_repeated_at_once_when_haste_comes_after_it() -> None:
    """It has its second to take effect."""
    w = booted({"a": {"stop_timeout": 1}}, outcomes=["stubborn"])
    w.shut_down()
    w.advance(1.5)
    w.shut_down(hurry=True)
    assert w.signals("a") == [(TERM, "group"), (KILL, "all")]


def test_everything_is_killed_when_the_deadline_comes() -> None:
    """Also what had not had its turn; a moment later init ends, whatever is left."""
    w = booted(CHAIN, outcomes=["stubborn"] * 3)
    w.shut_down()
    w.advance(USABLE / 3)
    w.pending.clear()  # web cannot even be killed
    assert w.states == {"db": "running", "app": "running", "web": "stopping"}
    w.advance(LAST_RESORT - w.now)
    assert w.signals("db") == w.signals("app") == [(TERM, "group"), (KILL, "all")]
    assert w.code() is None
    w.advance(0.5)
    assert w.code() == 0
    assert w.now == pytest.approx(1009.0, abs=0.1)


def test_init_ends_before_the_deadline_when_the_kills_take_effect() -> None:
    """That is what the reserve is for."""
    w = booted(CHAIN, outcomes=["stubborn"] * 3)
    w.shut_down()
    while w.code() is None:
        w.advance(0.1)
        w.settle()
    assert w.now < 1009


def test_grace_is_skipped_when_a_second_request_hurries() -> None:
    """All at once, dependents or not."""
    w = booted(CHAIN, outcomes=["stubborn"] * 3)
    w.shut_down()
    w.advance(1)
    w.shut_down(hurry=True)
    assert w.signals("web") == [(TERM, "group"), (KILL, "all")]
    assert w.signals("app") == w.signals("db") == [(TERM, "group"), (KILL, "all")]
    w.settle()
    assert (w.code(), w.now) == (0, 1001.0)


def test_grace_is_skipped_when_the_first_request_hurries() -> None:
    """QUIT, or `shutdown --now`."""
    w = booted(CHAIN)
    w.shut_down(hurry=True)
    assert all(w.signals(name)[-1] == (KILL, "all") for name in CHAIN)
    w.settle()
    assert w.code() == 0


def test_nothing_is_hurried_when_a_second_request_does_not_say_so() -> None:
    """It is the same shutdown, with the same deadline."""
    w = booted({"a": {}}, outcomes=["stubborn"])
    w.shut_down()
    w.advance(3)
    assert w.shut_down() == []
    assert w.signals("a") == [(TERM, "group")]
    assert w.timers["", "shutdown"].at == pytest.approx(LAST_RESORT)


def test_init_ends_at_the_deadline_when_haste_did_not_help() -> None:
    """KILL was sent long ago; there is nothing else to be done."""
    w = booted({"a": {}}, outcomes=["stubborn"])
    w.shut_down(hurry=True)
    w.pending.clear()
    w.advance(8.9)
    assert w.code() is None
    w.advance(0.2)
    assert (w.code(), w.state("a")) == (0, "stopping")


def test_service_in_the_making_is_killed_when_init_is_in_haste() -> None:
    """As soon as it has a pid."""
    w = booted({"a": {}, "b": {"autostart": False}})
    core, now = w.core, w.now
    core.handle(m.Start(("b",)), now)
    core.handle(m.Shutdown(hurry=True), now)
    sent = [a for a in core.handle(m.Spawned("b", 1, 7), now) if isinstance(a, m.Signal)]
    assert (sent[-1].number, sent[-1].scope) == (KILL, "all")


def test_nothing_starts_when_init_is_shutting_down() -> None:
    """Neither by request, nor by policy, nor because its turn has come."""
    w = booted(
        {"a": {"restart": "always", "restart_delay": 0}, "b": {"depends_on": {"a": "exited"}},
         "c": {"autostart": False}, "d": {}},
        outcomes=["stubborn"] * 2,
    )  # fmt: skip
    w.shut_down()
    spawned = list(w.spawned)
    w.start("b", "c")
    w.restart("a", "c")
    w.end("a", 0)
    w.advance(1)
    assert w.states == {"a": "stopped", "b": "stopped", "c": "stopped", "d": "stopping"}
    assert w.spawned == spawned


def test_restart_becomes_a_stop_when_init_shuts_down() -> None:
    """What was asked for before does not matter any more."""
    w = booted({"a": {}}, outcomes=["stubborn"])
    w.restart("a")
    w.shut_down()
    w.end("a", 0)
    assert (w.state("a"), w.code()) == ("stopped", 0)


def test_stale_deadline_means_nothing_when_it_is_not_the_armed_one() -> None:
    """Before any shutdown, and after the last resort was armed."""
    w = booted({"a": {}}, outcomes=["stubborn"])
    assert w.core.handle(m.Fired("", 0, "shutdown", 5.0), w.now) == []
    w.shut_down()
    armed = w.timers["", "shutdown"].at
    w.advance(armed - w.now)
    w.pending.clear()
    assert w.core.handle(m.Fired("", 0, "shutdown", armed), w.now) == []
    assert w.code() is None


def test_init_ends_once_when_it_has_ended() -> None:
    """Whatever still comes in."""
    w = booted({"a": {}})
    w.shut_down()
    w.settle()
    assert w.code() == 0
    assert w.shut_down(7, hurry=True) == []
    assert w.start("a") == []
    w.advance(20)  # past the deadline, which nobody disarmed
    assert w.core.state.phase == "done"
    assert [a for a in w.actions if isinstance(a, m.Finish)] == [m.Finish(0)]


def test_init_ends_when_something_was_stopped_by_hand_before() -> None:
    """That kept it up; the shutdown does not."""
    w = booted({"a": {}, "b": {}})
    w.stop("a")
    w.settle()
    w.shut_down()
    w.settle()
    assert w.code() == 0


def test_strays_have_their_part_of_the_budget_when_a_service_ends_before_its_turn() -> None:
    """Else they use up the time of those that stop after them, who then get no TERM at all."""
    w = booted(
        {"base": {}, "db": {"depends_on": ["base"]}, "app": {"depends_on": ["db"]}},
        outcomes=["ok", "strays", "stubborn"],
    )
    w.shut_down()
    w.end("db", 0)
    assert w.signals("db") == [(TERM, "all")]
    assert w.timer("db", "stop") == pytest.approx(USABLE / 2)
