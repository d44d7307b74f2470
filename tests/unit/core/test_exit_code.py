"""When init ends by itself, and what with."""

from __future__ import annotations

import pytest

from tests.unit.core.world import Table, booted

MAIN: Table = {"main": True}
ESSENTIAL: Table = {"essential": True, "restart": "no"}
ONESHOT: Table = {"type": "oneshot"}
NO: Table = {"restart": "no"}


@pytest.mark.parametrize(
    ("table", "status", "code"),
    [
        ({}, 0, 0),
        ({}, 3, 3),
        ({}, -11, 139),
        ({}, -9, 137),
        ({"type": "oneshot"}, 0, 0),
        ({"success_exit_codes": [3]}, 3, 3),
        ({"success_exit_codes": [3]}, 0, 1),
        ({"restart": "always", "restart_prevent_codes": [4]}, 4, 4),
        ({"restart": "on-failure", "restart_limit": 0}, 5, 5),
    ],
)
def test_init_ends_with_the_code_of_main_when_main_is_through(
    table: Table, status: int, code: int
) -> None:
    """128+n for a signal; a failure is never 0. The rest is shut down first."""
    w = booted({"db": {}, "main": MAIN | table})
    w.end("main", status)
    assert (w.code(), w.state("db")) == (None, "stopping")
    assert w.signals("db") == [(15, "group")]  # with its grace
    w.settle()
    assert w.code() == code


def test_init_goes_on_when_main_is_restarted() -> None:
    """Only its last end counts."""
    w = booted({"main": MAIN | {"restart": "on-failure", "restart_limit": 1}})
    w.end("main", 7)
    assert w.state("main") == "backoff"
    w.advance(1)
    w.end("main", 8)
    assert w.code() == 8


@pytest.mark.parametrize(("outcome", "code"), [("no program", 127), ("no fork", 126)])
def test_init_ends_like_a_shell_when_main_cannot_be_started(outcome: str, code: int) -> None:
    """127 not found; 126 found and not run."""
    w = booted({"main": MAIN}, outcomes=[outcome])
    assert w.code() == code


def test_init_ends_with_the_code_of_the_cause_when_main_fails_with_its_dependency() -> None:
    """Main has no code of its own; that of the service that failed by itself says more than 1."""
    w = booted({"db": NO | {"type": "notify"}, "main": MAIN | {"depends_on": ["db"]}})
    w.end("db", 7)
    w.settle()
    assert w.code() == 7


def test_nothing_starts_when_main_ends_in_that_instant() -> None:
    """Not even what waited for that end."""
    w = booted({"main": MAIN, "after": {"depends_on": {"main": "exited"}}, "x": {}})
    w.end("main", 0)
    assert w.spawned == ["main", "x"]
    assert w.state("after") == "stopped"


def test_init_ends_with_the_code_of_an_essential_service_when_that_fails() -> None:
    """The first such code; others that fail during the shutdown change nothing."""
    w = booted({"db": {}, "a": ESSENTIAL, "b": ESSENTIAL}, outcomes=["ok", "ok", "stubborn"])
    w.end("a", 5)
    assert w.signals("db") == w.signals("b") == [(15, "group")]
    w.end("b", 6)
    w.settle()
    assert w.code() == 5


def test_init_goes_on_when_an_essential_service_exits_with_success() -> None:
    """Only its failure matters."""
    w = booted({"a": ESSENTIAL, "b": {}})
    w.end("a", 0)
    w.advance(100)
    assert w.states == {"a": "exited", "b": "running"}


def test_essential_service_ends_init_with_one_when_its_failure_has_the_code_zero() -> None:
    """A timeout, for example."""
    w = booted({"a": ESSENTIAL | {"type": "notify", "start_timeout": 1}}, outcomes=["stubborn"])
    w.advance(1)
    w.end("a", 0)
    assert w.code() == 1


@pytest.mark.parametrize(("table", "code"), [({}, 143), ({"success_exit_codes": ["TERM"]}, 143)])
def test_init_ends_with_the_code_of_main_when_a_stop_was_requested(table: Table, code: int) -> None:
    """Whatever that counts as."""
    w = booted({"main": MAIN | table, "x": {}})
    w.shut_down()
    w.settle()
    assert w.code() == code


def test_init_ends_with_zero_when_main_handles_the_requested_stop() -> None:
    """It decides."""
    w = booted({"main": MAIN}, outcomes=["stubborn"])
    w.shut_down()
    w.end("main", 0)
    assert w.code() == 0


def test_init_ends_with_zero_when_a_stop_was_requested_and_nobody_is_main() -> None:
    """Failures before it do not count, nor a main that never ran."""
    w = booted({"a": NO, "b": {}})
    w.end("a", 5)
    w.shut_down()
    w.settle()
    assert w.code() == 0
    w = booted({"main": MAIN | {"depends_on": ["db"]}, "db": {"type": "notify"}})
    w.shut_down()
    w.settle()
    assert w.code() == 0


def test_asked_code_counts_when_a_stop_was_requested_with_one() -> None:
    """The first that was given, also if that is 0."""
    w = booted({"main": MAIN})
    w.shut_down()
    w.shut_down(0)
    w.shut_down(7)
    w.settle()
    assert w.code() == 0


def test_main_decides_when_it_ends_after_a_requested_stop() -> None:
    """As long as nobody asked for a code."""
    w = booted({"main": MAIN}, outcomes=["stubborn"])
    w.shut_down()
    w.end("main", 9)
    assert w.code() == 9


# --- Nothing left ---------------------------------------------------------------------------------


def test_init_ends_with_the_code_of_the_first_failure_when_nothing_is_left() -> None:
    """In time, not in the order of the file."""
    w = booted({"a": NO, "b": NO, "c": ONESHOT})
    w.end("c", 0)
    w.end("b", 6)
    w.advance(1)
    assert w.code() is None
    w.end("a", 5)
    assert w.code() == 6


def test_init_ends_with_the_cause_when_dependents_failed_with_it() -> None:
    """They failed in the same instant, after it."""
    w = booted({"app": {"depends_on": ["db"]}, "db": NO | {"type": "notify"}})
    w.end("db", 7)
    assert w.code() == 7


def test_init_ends_with_zero_when_nothing_is_left_and_nothing_failed() -> None:
    """The work is done."""
    w = booted({"a": ONESHOT, "b": {}, "c": {"autostart": False}})
    w.end("a", 0)
    assert w.code() is None
    w.end("b", 0)
    assert w.code() == 0


def test_init_ends_with_one_when_a_service_failed_without_a_code() -> None:
    """Never 0."""
    w = booted({"a": {"success_exit_codes": [3], "restart": "no"}})
    w.end("a", 0)
    assert w.code() == 1


def test_init_ends_at_once_when_nothing_starts_by_itself() -> None:
    """There would never be a reason to go on."""
    assert booted({"a": {"autostart": False}}).finished == 0


@pytest.mark.parametrize("state", ["backoff", "waiting", "starting"])
def test_init_goes_on_when_something_could_still_run_by_itself(state: str) -> None:
    """Running is not the only reason."""
    w = booted({"a": NO, "b": {"type": "notify"}, "c": {"depends_on": ["b"]}})
    w.end("a", 1)
    if state == "backoff":
        w.stop("c")
        w["c"].by_hand = False
        w.end("b", 1)
    elif state == "starting":
        w.stop("c")
        w["c"].by_hand = False
    assert state in w.states.values()
    assert w.code() is None


def test_init_stays_up_when_it_is_told_to_keep_running() -> None:
    """Until a shutdown; a main that ends is one all the same."""
    w = booted({"a": ONESHOT}, keep_running=True)
    w.end("a", 1)
    w.advance(1000)
    assert w.code() is None
    w.start("a")
    assert w.state("a") == "running"
    w.end("a", 0)
    w.shut_down()
    assert w.code() == 0
    w = booted({"a": MAIN}, keep_running=True)
    w.end("a", 4)
    assert w.code() == 4


def test_init_stays_up_when_an_operator_stopped_something_by_hand() -> None:
    """He has something in mind; once it has run again and ended, that is over."""
    w = booted({"a": {}, "b": NO})
    w.stop("a")
    w.settle()
    w.end("b", 5)
    w.advance(1000)
    assert w.code() is None
    w.start("a")
    w.end("a", 0)
    assert w.code() == 5


@pytest.mark.parametrize("doing", ["waiting", "backoff"])
def test_init_stays_up_when_what_was_stopped_by_hand_did_not_run(doing: str) -> None:
    """It would have."""
    w = booted({"db": {"type": "notify"}, "a": {"depends_on": ["db"]}})
    if doing == "backoff":
        w.ready("db")
        w.end("a", 1)
    assert w.state("a") == doing
    w.stop("a")
    w.end("db", 0)
    assert w.states == {"db": "exited", "a": "stopped"}
    assert w.code() is None


def test_init_stays_up_when_main_is_stopped_by_hand() -> None:
    """That is no end of main."""
    w = booted({"main": MAIN})
    w.stop("main")
    w.settle()
    assert (w.state("main"), w.code()) == ("stopped", None)
