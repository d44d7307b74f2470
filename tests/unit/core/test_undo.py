"""Oneshots with a stop_command: what they did is undone when they are stopped."""

from __future__ import annotations

import pytest

from nsinit.core import messages as m
from nsinit.core.supervisor import GRACE
from tests.unit.core.world import Table, World, booted

TERM, KILL = 15, 9
NET: Table = {"type": "oneshot", "stop_command": {"command": "down"}}


def done(**table: object) -> World:
    """A oneshot "net" that is done, and a service that needs it."""
    w = booted({"net": NET | table, "app": {"depends_on": ["net"]}})
    w.end("net", 0)
    return w


def test_oneshot_is_undone_when_it_is_stopped() -> None:
    """Only then; to dependents it is done until it is asked to be no more."""
    w = done()
    assert (w.states, w.begun_tasks("net")) == ({"net": "exited", "app": "running"}, [])
    w.stop("net")
    assert (w.state("net"), w.running_tasks("net")) == ("stopping", ["stop_command"])
    w.task_ends("net", "stop_command")
    assert (w.state("net"), w.signals("net"), w["net"].by_hand) == ("stopped", [], True)


def test_oneshot_is_done_again_when_it_is_restarted() -> None:
    """Undone first."""
    w = done()
    w.restart("net")
    w.task_ends("net", "stop_command")
    assert (w.state("net"), w["net"].run) == ("running", 2)


def test_oneshot_is_undone_after_its_dependents_when_all_stop() -> None:
    """In order; also when init shuts down."""
    for verb in ("stop", "shut_down"):
        w = done()
        if verb == "stop":
            w.stop("net", "app")
        else:
            w.shut_down()
        assert (w.states, w.begun_tasks("net")) == ({"net": "exited", "app": "stopping"}, [])
        w.exits("app")
        assert (w.state("net"), w.running_tasks("net")) == ("stopping", ["stop_command"])
        w.task_ends("net", "stop_command")
        assert w.state("net") == "stopped"
        assert w.code() == (None if verb == "stop" else 0)


def test_what_it_needs_stays_up_when_it_is_still_to_be_undone() -> None:
    """The command may need it."""
    w = booted({"db": {}, "net": NET | {"depends_on": ["db"]}})
    w.end("net", 0)
    w.shut_down()
    assert w.states == {"db": "running", "net": "stopping"}
    w.task_ends("net", "stop_command")
    assert w.states == {"db": "stopping", "net": "stopped"}


def test_nothing_is_undone_when_the_oneshot_failed() -> None:
    """It did not come to do anything that one could tell."""
    w = booted({"net": NET, "b": {}})
    w.end("net", 1)
    w.stop("net")
    assert (w.state("net"), w.begun_tasks("net")) == ("failed", [])


def test_nothing_is_undone_when_the_oneshot_has_no_stop_command() -> None:
    """It stays exited."""
    w = booted({"net": {"type": "oneshot"}, "b": {}})
    w.end("net", 0)
    w.stop("net")
    assert w.state("net") == "exited"


def test_command_has_its_part_of_the_budget_when_init_shuts_down() -> None:
    """With those that stop before it."""
    w = booted(
        {"net": NET, "app": {"depends_on": ["net"], "stop_timeout": 4}}, outcomes=["ok", "stubborn"]
    )
    w.end("net", 0)
    w.shut_down()
    # 8 s of command and 8 s of signals, should it leave something; 4 s of the service
    assert w.timer("app", "stop") == pytest.approx(4 * 9 * GRACE / 20)


@pytest.mark.parametrize("hurry", [True, False])
def test_undoing_ends_when_its_time_is_over(hurry: bool) -> None:
    """Its limit, or a second TERM."""
    w = done()
    w.stop("net")
    if hurry:
        w.shut_down(hurry=True)
    else:
        w.advance(8)
        assert w.remarks == [("net", "stop_command took too long")]
    assert (w.state("net"), w.killed_tasks("net")) == ("stopped", ["stop_command"])


def test_nothing_is_undone_when_init_is_in_haste() -> None:
    """A hook that is killed in the same instant is of no use to anybody."""
    w = done()
    w.shut_down(hurry=True)
    w.settle()
    assert (w.code(), w.begun_tasks("net")) == (0, [])


def test_oneshot_stays_done_when_its_stop_is_taken_back() -> None:
    """It had not begun, for the sake of a dependent."""
    w = done()
    w.stop("net", "app")
    w.start("net")
    w.settle()
    assert w.states == {"net": "exited", "app": "stopped"}
    assert (w["net"].run, w["net"].want, w["net"].asked) == (1, True, "")


def test_oneshot_is_still_undone_when_it_is_reset_before_its_turn() -> None:
    """Forgetting a failure is no way out of it."""
    w = done()
    w.stop("net", "app")
    w.reset("net")
    w.exits("app")
    assert w.running_tasks("net") == ["stop_command"]


def test_leftovers_are_ended_when_the_run_had_some_too() -> None:
    """What was done about those of the run does not count for those of the command."""
    w = booted({"net": NET, "b": {}}, outcomes=["strays"])
    w.end("net", 0)
    w.exits("net")
    assert (w.state("net"), w.signals("net")) == ("exited", [(TERM, "all")])
    w.stop("net")
    w.processes["net"].strays = 1
    w.task_ends("net", "stop_command")
    assert w.signals("net") == [(TERM, "all")] * 2
    assert w.timer("net", "stop") == 8.0
    w.exits("net")
    assert w.state("net") == "stopped"


def test_oneshot_that_runs_is_stopped_as_any_service_when_it_has_a_stop_command() -> None:
    """The command first, then the signals."""
    w = booted({"net": NET})
    w.stop("net")
    w.task_ends("net", "stop_command")
    assert w.signals("net") == [(TERM, "group")]
    w.exits("net")
    assert w.state("net") == "stopped"


def test_dependents_wait_when_it_is_about_to_be_undone() -> None:
    """Started meanwhile, they take the stop back."""
    w = done()
    w.processes["app"].stubborn = True
    w.restart("net", "app")
    assert (w.state("net"), w["net"].asked) == ("exited", "restart")
    w.end("app", 0)
    w.task_ends("net", "stop_command")
    assert w.states == {"net": "running", "app": "waiting"}
    w.end("net", 0)
    assert w.states == {"net": "exited", "app": "running"}
    assert [a.service for a in w.actions if isinstance(a, m.Spawn)] == ["net", "app"] * 2
