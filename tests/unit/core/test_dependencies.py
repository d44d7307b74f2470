"""Who waits for whom, for what, and what happens when it does not come."""

from __future__ import annotations

import pytest

from nsinit.core import messages as m
from nsinit.core.state import State
from tests.unit.core.world import Table, booted, world

NOTIFY: Table = {"type": "notify"}
ONESHOT: Table = {"type": "oneshot"}


def needs(how: str) -> Table:
    """A service that needs "db" in some way."""
    return {"depends_on": {"db": how}}


def test_service_waits_when_its_dependency_is_not_ready() -> None:
    """The reason says for what, and in which state that is."""
    w = booted({"app": {"depends_on": ["db"]}, "db": NOTIFY})
    assert w.states == {"app": "waiting", "db": "starting"}
    assert w["app"].reason == "for db to be ready (starting)"
    w.ready("db")
    assert w.states == {"app": "running", "db": "running"}
    assert w["app"].reason == ""


def test_service_starts_when_its_dependency_has_started() -> None:
    """The program was exec'ed; readiness is not waited for."""
    w = booted({"app": needs("started"), "db": NOTIFY}, outcomes=["late exec"])
    assert w.states == {"app": "waiting", "db": "starting"}
    w.settle()
    assert w.states == {"app": "running", "db": "starting"}


def test_service_starts_when_its_dependency_has_started_long_ago() -> None:
    """Running is more than started."""
    w = booted({"app": needs("started") | {"autostart": False}, "db": {}})
    w.start("app")
    assert w.states == {"app": "running", "db": "running"}


def test_service_waits_when_its_dependency_had_started_and_crashed() -> None:
    """What the last run had reached does not count."""
    w = booted({"app": needs("started"), "db": NOTIFY}, outcomes=["late exec"])
    w.settle()
    w.end("app", 1)
    w.end("db", 1)
    assert w.states == {"app": "backoff", "db": "backoff"}
    w.start("app")
    assert w.states == {"app": "running", "db": "starting"}
    w.end("db", 1)
    w.restart("app")
    w.settle()
    assert (w.state("app"), w["app"].reason) == ("waiting", "for db to be started (backoff)")


def test_service_starts_when_its_dependency_is_through_its_min_uptime() -> None:
    """That is ready, where no readiness is declared."""
    w = booted({"app": {"depends_on": ["db"]}, "db": {"min_uptime": 1}})
    assert w.state("app") == "waiting"
    w.advance(1)
    assert w.state("app") == "running"


@pytest.mark.parametrize("how", ["completed", ""])
def test_service_starts_when_its_oneshot_is_completed(how: str) -> None:
    """The default for a oneshot."""
    w = booted({"app": needs(how), "db": ONESHOT})
    assert w.states == {"app": "waiting", "db": "running"}
    w.end("db", 0)
    assert w.states == {"app": "running", "db": "exited"}


def test_service_waits_when_its_oneshot_has_ended_and_left_strays() -> None:
    """Completed is when nothing of it is left."""
    w = booted({"app": {"depends_on": ["db"]}, "db": ONESHOT}, outcomes=["strays"])
    w.end("db", 0)
    assert w.states == {"app": "waiting", "db": "stopping"}
    w.settle()
    assert w.states == {"app": "running", "db": "exited"}


def test_oneshot_is_still_completed_when_its_dependent_looks_later() -> None:
    """It is not run again for that."""
    w = booted({"app": {"depends_on": ["db"], "autostart": False}, "db": ONESHOT, "x": {}})
    w.end("db", 0)
    w.advance(1000)
    w.start("app")
    assert (w.state("app"), w["db"].run) == ("running", 1)


@pytest.mark.parametrize(("status", "state"), [(0, "exited"), (1, "failed")])
def test_service_starts_when_what_it_waits_the_end_of_has_ended(status: int, state: str) -> None:
    """The condition exited is met by exited and by failed."""
    w = booted({"app": needs("exited"), "db": {"restart": "no"}})
    assert w.state("app") == "waiting"
    w.end("db", status)
    assert w.states == {"app": "running", "db": state}


def test_oneshot_that_succeeded_counts_as_started_and_ready_when_asked_for() -> None:
    """It did all that it was there for."""
    w = booted({"a": needs("started"), "b": needs("ready"), "db": ONESHOT}, outcomes=["late exec"])
    assert w.states == {"a": "waiting", "b": "waiting", "db": "starting"}
    w.end("db", 0)
    assert w.states == {"a": "running", "b": "running", "db": "exited"}


@pytest.mark.parametrize("how", ["ready", "completed", "started"])
def test_dependents_fail_when_their_dependency_failed_for_good(how: str) -> None:
    """With the result dependency, and the name of it; theirs in turn."""
    w = booted(
        {"db": NOTIFY | {"restart": "no"}, "app": needs(how), "web": {"depends_on": ["app"]},
         "x": {}},
        outcomes=["late exec"],
    )  # fmt: skip
    w.end("db", 1)
    assert w.states == {"db": "failed", "app": "failed", "web": "failed", "x": "running"}
    assert (w["app"].result, w["app"].reason) == ("dependency", "db failed")
    assert (w["web"].result, w["web"].reason) == ("dependency", "app failed")
    assert (w["app"].run, w["app"].last_status) == (0, None)


def test_oneshot_that_failed_is_not_completed_when_somebody_waits_for_it() -> None:
    """The end alone is not enough."""
    w = booted({"db": ONESHOT, "app": needs("completed"), "x": {}})
    w.end("db", 1)
    assert w.states == {"db": "failed", "app": "failed", "x": "running"}
    assert w.spawned == ["db", "x"]


@pytest.mark.parametrize("how", ["ready", "started"])
def test_dependents_fail_when_their_dependency_has_exited_and_will_not_be_back(how: str) -> None:
    """A success of the wrong kind: only a oneshot's is as good as running."""
    w = booted(
        {"db": NOTIFY | {"restart": "no"}, "app": needs(how), "x": {}}, outcomes=["late exec"]
    )
    w.end("db", 0)
    assert w.states == {"db": "exited", "app": "failed", "x": "running"}
    assert w["app"].reason == f"db has exited and will not be {how}"


def test_dependents_keep_waiting_when_their_dependency_is_in_backoff() -> None:
    """A failing first attempt is survived."""
    w = booted({"db": NOTIFY, "app": {"depends_on": ["db"]}})
    for _ in range(5):
        w.end("db", 1)
        assert (w.state("db"), w.state("app")) == ("backoff", "waiting")
        assert w["app"].reason == "for db to be ready (backoff)"
        w.advance(w.timer("db", "backoff") or 0)
        assert w.state("app") == "waiting"
    w.ready("db")
    assert w.states == {"db": "running", "app": "running"}


def test_dependents_run_on_when_their_dependency_crashes_later() -> None:
    """They have started; it will be back."""
    w = booted({"db": {}, "app": {"depends_on": ["db"]}})
    w.end("db", 1)
    assert w.states == {"db": "backoff", "app": "running"}


def test_backoff_ends_in_waiting_when_a_dependency_went_down_meanwhile() -> None:
    """And then in a new run, when that is back."""
    w = booted({"db": {"restart_delay": 5}, "app": {"depends_on": ["db"]}})
    w.end("app", 1)
    w.end("db", 1)
    assert w.states == {"db": "backoff", "app": "backoff"}
    w.advance(1)
    assert (w.state("app"), w["app"].reason) == ("waiting", "for db to be ready (backoff)")
    w.advance(4)
    assert w.states == {"db": "running", "app": "running"}


def test_dependents_wait_when_their_dependency_is_stopped_by_hand() -> None:
    """Nobody knows for how long."""
    w = booted({"db": NOTIFY, "app": {"depends_on": ["db"]}})
    w.stop("db")
    w.settle()
    assert w.states == {"db": "stopped", "app": "waiting"}
    w.start("db")
    w.ready("db")
    assert w.state("app") == "running"


def test_all_dependencies_are_waited_for_when_there_are_several() -> None:
    """The reason names the first that is missing."""
    w = booted({"a": NOTIFY, "b": ONESHOT, "app": {"depends_on": ["a", "b"]}})
    w.end("b", 0)
    assert w["app"].reason == "for a to be ready (starting)"
    w.ready("a")
    assert w.state("app") == "running"


def test_services_start_in_order_when_they_wait_for_each_other() -> None:
    """Whatever order they were written in."""
    w = booted(
        {"web": {"depends_on": ["app"]}, "app": {"depends_on": ["db"]}, "db": {}, "log": {}},
    )
    assert w.spawned == ["db", "log", "app", "web"]


def test_nothing_recurses_when_a_long_chain_fails() -> None:
    """Two thousand services deep, in one event."""
    tables: dict[str, Table] = {"s0": {"restart": "no"}}
    tables |= {f"s{n}": {"depends_on": [f"s{n - 1}"]} for n in range(1, 2000)}
    core = world(tables).core
    assert m.Spawn("s0", 1) in core.handle(m.Boot(), 0.0)
    core.handle(m.SpawnFailed("s0", 1, "execute", 2, "cannot execute"), 0.0)
    assert {s.state for s in core.state.services.values()} == {State.FAILED}


# --- wants, after, before -------------------------------------------------------------------------


def test_wanted_service_is_pulled_in_and_first_when_it_would_not_start_by_itself() -> None:
    """One that nobody wants stays down."""
    w = booted({"app": {"wants": "mq"}, "mq": NOTIFY | {"autostart": False}, "x": {
        "autostart": False}})  # fmt: skip
    assert w.states == {"app": "waiting", "mq": "starting", "x": "stopped"}
    assert w["app"].reason == "for mq to start first (starting)"
    w.ready("mq")
    assert w.state("app") == "running"


def test_needed_services_are_pulled_in_when_they_would_not_start_by_themselves() -> None:
    """And what those need."""
    off = {"autostart": False}
    w = booted({"db": off, "app": {"depends_on": ["db"]} | off, "web": {"depends_on": ["app"]}})
    assert set(w.states.values()) == {"running"}


@pytest.mark.parametrize("key", ["wants", "after"])
@pytest.mark.parametrize(
    ("outcome", "status"), [("no program", None), ("ok", 1), ("ok", 0), ("no fork", None)]
)
def test_service_starts_all_the_same_when_what_it_only_follows_fails(
    key: str, outcome: str, status: int | None
) -> None:
    """The first attempt is waited for, however it goes."""
    w = booted(
        {"mq": NOTIFY | {"restart_limit": 1}, "app": {key: ["mq"]}},
        outcomes=["late exec" if status is not None else outcome],
    )
    if status is not None:
        assert w.state("app") == "waiting"
        w.end("mq", status)
    assert w.state("app") == "running"


def test_oneshot_is_through_before_its_followers_when_only_ordered() -> None:
    """Its start is its whole run."""
    w = booted({"job": ONESHOT, "app": {"after": "job"}})
    assert w.states == {"job": "running", "app": "waiting"}
    w.end("job", 1)
    assert w.states == {"job": "failed", "app": "running"}


def test_oneshot_had_its_attempt_when_it_is_in_backoff() -> None:
    """Only a need would wait for its success."""
    w = booted({"job": ONESHOT | {"restart": "on-failure"}, "app": {"after": "job"}})
    w.end("job", 1)
    assert w.states == {"job": "backoff", "app": "running"}


@pytest.mark.parametrize("table", [{"autostart": False}, ONESHOT | {"autostart": False}])
def test_service_does_not_wait_when_what_it_follows_is_not_wanted(table: Table) -> None:
    """Order alone pulls nothing in."""
    w = booted({"x": table, "app": {"after": "x"}})
    assert w.states == {"x": "stopped", "app": "running"}


def test_service_goes_first_when_it_is_before_another() -> None:
    """The same as that one's after."""
    w = booted({"app": {}, "setup": ONESHOT | {"before": "app"}})
    assert w.states == {"app": "waiting", "setup": "running"}
    w.end("setup", 0)
    assert w.state("app") == "running"


def test_nothing_starts_when_init_has_not_booted() -> None:
    """A request that comes too early is none."""
    w = world({"a": {}})
    assert w.start("a") == []
    assert w.restart("a") == []
    assert w.state("a") == "stopped"
