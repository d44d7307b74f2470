"""What a configuration means once every default is decided."""

from __future__ import annotations

import tomllib
from typing import Any

import msgspec
import pytest

from nsinit.core.order import chains
from nsinit.core.state import CoreState, ServiceState, State
from nsinit.model.decode import decode
from nsinit.model.plan import Plan, Rules, allows_restart, condition, make_plan
from nsinit.model.report import Report, Source
from nsinit.model.spec import Config, Init, Service
from nsinit.model.types import decode_hook, encode_hook


def plan(text: str) -> Plan:
    """The plan of a configuration in TOML, each service with its command."""
    data = tomllib.loads(text)
    report = Report([Source("n.toml", text, data)])
    services = {
        name: decode({"command": "x"} | table, Service, ("services", name), report)
        for name, table in data.get("services", {}).items()
    }
    init = decode(data.get("init", {}), Init, ("init",), report)
    report.raise_if_wrong()
    return make_plan(Config(init=init, services=services))


def rules(text: str) -> Rules:
    """What is decided of the service "a"."""
    return plan(f"[services.a]\n{text}").services["a"]


def test_simple_service_has_the_defaults_of_the_contract_when_nothing_is_set() -> None:
    """All numbers of it."""
    assert rules("") == Rules(
        name="a",
        type="simple",
        autostart=True,
        waits_for_ready=False,
        start_timeout=None,
        min_uptime=1.0,
        restart="on-failure",
        restart_delay=0.5,
        restart_max_delay=30.0,
        restart_limit=10,
        reset_after=30.0,
        success=frozenset({0}),
        prevent=frozenset(),
        stop_steps=((15, 8.0),),
        kill_mode="group",
    )
    assert not rules("").oneshot


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("type = 'oneshot'", {"restart": "no", "min_uptime": 0.0, "start_timeout": None}),
        ("type = 'oneshot'\nready = {notify = true}", {"start_timeout": None}),
        ("type = 'oneshot'\nstart_timeout = 5", {"start_timeout": 5.0}),
        ("type = 'oneshot'\nmin_uptime = 2", {"min_uptime": 2.0}),
        ("type = 'oneshot'\nrestart = 'on-failure'", {"restart": "on-failure"}),
        ("type = 'notify'", {"waits_for_ready": True, "start_timeout": 60.0, "min_uptime": 1.0}),
        ("ready = {notify = true}", {"waits_for_ready": True, "start_timeout": 60.0}),
        ("ready = {notify = false}", {"waits_for_ready": False, "start_timeout": None}),
        ("ready = {}", {"waits_for_ready": False, "start_timeout": None}),
        ("type = 'notify'\nstart_timeout = '5m'", {"start_timeout": 300.0}),
        ("type = 'notify-reload'", {"waits_for_ready": True, "says_ready": True,
                                    "reload_signal": 1, "reload_timeout": 60.0}),
        ("type = 'notify-reload'\nreload_signal = 'USR1'\nstart_timeout = 5",
         {"reload_signal": 10, "reload_timeout": 5.0}),
        ("type = 'notify'\nreload_signal = 'HUP'", {"reload_signal": 1, "reload_timeout": None}),
        ("start_timeout = 5", {"start_timeout": 5.0, "waits_for_ready": False}),
        ("type = 'forking'", {"waits_for_ready": True, "start_timeout": 60.0, "forking": True}),
        ("ready = {exec = 'x'}", {"waits_for_ready": True, "start_timeout": 60.0,
            "tasks": {"ready": 3.0}}),
        ("health = {exec = 'x', timeout = 5}", {"waits_for_ready": False,
            "tasks": {"health": 5.0}}),
        ("pre_start = 'x'\npost_stop = {command = 'x', timeout = 2}\nstop_command = 'x'", {
            "tasks": {"pre_start": 60.0, "post_stop": 2.0, "stop_command": 8.0},
            "stop_total": 18.0}),
        ("main = true", {"main": True, "restart": "no"}),
        ("main = true\nrestart = 'always'", {"restart": "always"}),
        ("essential = true", {"essential": True, "restart": "on-failure"}),
        ("restart_limit = 'unlimited'", {"restart_limit": -1}),
        ("restart_reset = '2s'", {"reset_after": 2.0}),
        ("success_exit_codes = [0, 'TERM']", {"success": frozenset({0, -15})}),
        ("restart_prevent_codes = [3]", {"prevent": frozenset({3})}),
        ("stop_timeout = 3", {"stop_steps": ((15, 3.0),), "stop_total": 3.0}),
        ("stop_signal = ['TERM', '5s', 'INT']", {"stop_steps": ((15, 5.0), (2, 8.0)),
            "stop_total": 13.0}),
        ("stop_signal = ['QUIT', 'TERM', '1s']\nstop_timeout = 2", {
            "stop_steps": ((3, 2.0), (15, 1.0))}),
        ("kill_mode = 'mixed'\ndescription = 'd'\ntags = ['t', 't']\nautostart = false", {
            "kill_mode": "mixed", "description": "d", "tags": ("t",), "autostart": False}),
    ],
)  # fmt: skip
def test_default_depends_on_the_rest_when_it_is_not_set(text: str, wanted: dict[str, Any]) -> None:
    """What is set always counts."""
    made = rules(text)
    assert {key: getattr(made, key) for key in wanted} == wanted


def test_condition_is_ready_or_completed_when_a_need_names_none() -> None:
    """Completed for a oneshot."""
    text = (
        "[services.job]\ntype = 'oneshot'\n[services.db]\n[services.mq]\n"
        "[services.app]\ndepends_on = ['job', 'db']\n"
        "[services.odd]\ndepends_on = {job = 'exited', db = 'started', mq = ''}\n"
    )
    services = plan(text).services
    assert services["app"].needs == {"job": "completed", "db": "ready"}
    assert services["odd"].needs == {"job": "exited", "db": "started", "mq": "ready"}


@pytest.mark.parametrize(
    ("written", "kind", "meant"),
    [
        ("", "simple", "ready"),
        ("", "notify", "ready"),
        ("", "oneshot", "completed"),
        ("ready", "oneshot", "ready"),
        ("exited", "simple", "exited"),
    ],
)
def test_condition_is_as_written_when_it_is(written: str, kind: str, meant: str) -> None:
    """Only nothing is replaced."""
    spec = from_table({"type": kind})
    assert condition(written, spec) == meant


def from_table(table: dict[str, Any]) -> Service:
    """A service from its decoded table."""
    return msgspec.convert({"command": "x"} | table, Service, dec_hook=decode_hook)


def test_before_is_another_ones_after_when_planned() -> None:
    """Wants order too; what is needed is not repeated."""
    made = plan(
        "[services.a]\nbefore = ['b']\n[services.b]\nwants = ['c']\nafter = ['d']\n"
        "depends_on = ['e']\n[services.c]\n[services.d]\n[services.e]\nbefore = ['b']\n"
    ).services
    assert made["b"].needs == {"e": "ready"}
    assert set(made["b"].after) == {"a", "c", "d"}
    assert made["b"].wants == ("c",)
    assert made["a"].dependents == ("b",)
    assert made["e"].dependents == ("b",)
    assert list(made)[-1] == "b"


def test_services_are_in_starting_order_when_planned() -> None:
    """Otherwise as written."""
    made = plan("[services.c]\nafter = ['a']\n[services.b]\n[services.a]\n")
    assert list(made.services) == ["a", "c", "b"]


def test_chain_is_the_longest_stop_when_services_wait_for_each_other() -> None:
    """A service and what can only stop after it."""
    made = plan(
        "[services.db]\nstop_timeout = 1\n[services.mq]\nstop_timeout = 4\n"
        "[services.app]\ndepends_on = ['db', 'mq']\nstop_timeout = 2\n"
        "[services.web]\nafter = ['app']\nstop_timeout = 3\n"
    ).services
    state = CoreState(services={n: ServiceState(name=n, state=State.RUNNING) for n in made})
    assert chains(Plan(services=made), state) == {"db": 1.0, "mq": 4.0, "app": 6.0, "web": 9.0}


def test_init_takes_its_part_when_planned() -> None:
    """Main, the budget, and whether it stays up."""
    made = plan(
        "[init]\nshutdown_timeout = 20\nkeep_running = true\n[services.a]\n[services.b]\nmain=true"
    )
    assert (made.main, made.shutdown_timeout, made.keep_running) == ("b", 20.0, True)
    assert plan("[services.a]\n") == Plan(services={"a": rules("")}, main=None)


@pytest.mark.parametrize(
    ("limit", "in_a_row", "allowed"),
    [
        (0, 0, False),
        (1, 0, True),
        (1, 1, False),
        (10, 9, True),
        (10, 10, False),
        (10, 11, False),
        (-1, 10**9, True),
    ],
)
def test_restart_is_allowed_when_the_row_is_short_enough(
    limit: int, in_a_row: int, allowed: bool
) -> None:
    """As many restarts as the limit says; -1 is no limit."""
    assert allows_restart(limit, in_a_row) is allowed


def test_rules_hold_plain_numbers_when_planned() -> None:
    """Subclasses of numbers would need hooks wherever the plan is written out."""
    made = plan("[services.a]\nstop_signal = ['TERM', '5s', 'INT']\nstart_timeout = 5\n")
    data = msgspec.msgpack.encode(made)
    assert msgspec.msgpack.decode(data, type=Plan) == made


def test_service_is_the_same_when_written_out_and_read_again() -> None:
    """As JSON too, where all keys are text."""
    spec = from_table(
        {
            "command": "a 'b c'",
            "depends_on": {"db": "started"},
            "environment": {"A": 1},
            "limits": {"nofile": "1K:unlimited"},
            "stop_signal": ["TERM", "5s", "INT"],
            "success_exit_codes": [0, "TERM"],
            "restart_limit": "unlimited",
            "umask": "022",
            "start_timeout": "1m",
            "groups": ["www", 5],
        }
    )
    for codec in (msgspec.msgpack, msgspec.json):
        data = codec.encode(spec, enc_hook=encode_hook)
        assert codec.decode(data, type=Service, dec_hook=decode_hook) == spec
