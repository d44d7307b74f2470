"""Figures as text: what there is, in both formats, and that the documents know all of it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsinit.control import metrics
from nsinit.control.accepting import OPENMETRICS, PROMETHEUS, negotiate
from nsinit.control.gathering import go_on
from nsinit.control.metrics import FAMILIES, Facts, ServiceFacts, Used, render
from nsinit.core.state import ServiceState, State
from nsinit.core.view import view_service
from nsinit.model.plan import Rules
from tests.support.exposition import read, value
from tests.support.live import ROOT


def service(name: str, used: Used | None = None, **fields: Any) -> ServiceFacts:
    """A service of that state."""
    made = view_service(ServiceState(name=name, **fields), Rules(name=name))
    ends = {"oom": 2, "success": 1}
    return ServiceFacts(
        made, metrics.service_labels(name), True, used or Used(), ends, made.ready_at
    )


RUNNING = service(
    "web",
    Used(1.5, 4096, 2, 7, 8192, 16384),
    state=State.RUNNING,
    want=True,
    pid=7,
    run=3,
    restarts=2,
    started_at=40.0,
    ready_at=0.25,
    last_status=-9,
    probe_failures=4,
)
INIT: dict[str, float | None] = dict.fromkeys(
    ("ready", "services", "boot", "orphans", "events", "clients", "clients_dropped", "started",
     "cpu", "memory", "fds", "max_fds"), 1.0,
)  # fmt: skip
OF_PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
LOGS = [
    ("bytes", 'service="web",stream="stdout"', 12.0),
    ("dropped", 'service="web",stream="stdout",sink="console"', 3.0),
]


def facts(*services: ServiceFacts) -> Facts:
    """These services at an instant."""
    build = {"version": "1", "python": "3", "loop": "x"}
    return Facts(100.0, 1000.0, list(services), INIT, build, LOGS)


def text(*services: ServiceFacts, kind: str = OPENMETRICS, only: tuple[str, ...] = ()) -> str:
    """What is rendered of them."""
    return "".join(render(facts(*services), kind, only))


def test_service_has_its_figures_when_rendered() -> None:
    """Each by the name that the conventions give it."""
    back = service("w@2", state=State.BACKOFF, timers={"backoff": 102.5}, last_status=3, run=1)
    got = read(text(RUNNING, back))
    expected = {
        "up": 1, "wanted": 1, "starts_total": 3, "restarts_total": 2, "last_exit_code": 137,
        "start_time_seconds": 1040, "memory_bytes": 4096, "cpu_seconds_total": 1.5,
        "processes": 2, "open_fds": 7, "oom_kills_total": 2, "probe_failures_total": 4,
        "boot_seconds": 0.25, "group_memory_bytes": 8192, "group_memory_limit_bytes": 16384,
        "backoff_seconds": 0,
    }  # fmt: skip
    for name, number in expected.items():
        assert value(got, f"nsinit_service_{name}", service="web") == number, name
    assert value(got, "nsinit_service_state", service="web", state="running") == 1
    assert sum(got["nsinit_service_state"].values()) == 2
    assert value(got, "nsinit_service_backoff_seconds", service="w", replica="2") == 2.5
    assert value(got, "nsinit_service_last_exit_code", service="w", replica="2") == 3
    assert value(got, "nsinit_service_memory_bytes", service="w", replica="2") is None
    assert value(got, "nsinit_service_ends_total", service="web", result="success") == 1
    assert value(got, "nsinit_log_bytes_total", service="web", stream="stdout") == 12


@pytest.mark.parametrize("kind", [OPENMETRICS, PROMETHEUS])
def test_every_family_is_there_when_there_is_something_to_tell(kind: str) -> None:
    """Described, with a unit where it has one; the labels are those that the table says."""
    got = read(text(RUNNING, kind=kind), openmetrics=kind == OPENMETRICS)
    assert set(got) == {family.sample for family in FAMILIES}
    for family in FAMILIES:
        assert not family.unit or family.name.endswith(f"_{family.unit}")
        used = {name for labels in got[family.sample] for name, _ in labels}
        assert used <= set(family.labels), family.name


def test_cpu_is_never_less_when_runs_and_processes_end() -> None:
    """A run that ended counts with what was seen of it, or with what it had used in the end."""
    spent = go_on((0, 0.0, 0.0), 3, 1.0, {1: 0.5, 2: 0.25})  # nobody had asked before
    assert spent == (3, 0.75, 1.0)
    spent = go_on(spent, 3, 0.5, {1: 0.5, 2: 0.25})  # a child is gone
    assert spent == (3, 0.75, 1.0)
    spent = go_on(spent, 3, 0.0, {3: 2.0})  # the run is over
    assert spent == (3, 0.75, 2.0)
    spent = go_on(spent, 6, 0.125, {3: 2.0, 4: 0.5, 5: 0.25})  # and others came and went
    assert spent == (6, 3.5, 0.125)
    assert go_on(spent, 7, 0.0, {}) == (7, 3.625, 0.0)  # nobody knows of the last one
    assert go_on(spent, 1, 1.0, {}) == (1, 3.625, 1.0)  # it was taken away, and is there again


def test_only_those_are_told_when_some_are_asked_for() -> None:
    """By either name; one that is not there is known as unknown."""
    got = read(text(RUNNING, only=("nsinit_service_starts", "nsinit_service_up")))
    assert set(got) == {"nsinit_service_starts_total", "nsinit_service_up"}
    assert metrics.unknown(["nsinit_service_starts_total", "nsinit_x"]) == "nsinit_x"


@given(st.text(min_size=1, max_size=8), st.text(max_size=4))
def test_labels_are_read_as_they_were_when_a_name_is_odd(name: str, other: str) -> None:
    """Quotes, backslashes, newlines; what is no Unicode can be shown only."""
    row = metrics.labels(service=name, other=other)
    if any("\ud800" <= char <= "\udfff" for char in name + other):
        return
    samples = read(f"# HELP x y\n# TYPE x gauge\nx{{{row}}} 1\n# EOF\n")
    assert value(samples, "x", service=name, other=other) == 1


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, OPENMETRICS),
        ("*/*", PROMETHEUS),
        ("text/html,application/xhtml+xml,*/*;q=0.8", PROMETHEUS),
        (OF_PROMETHEUS, OPENMETRICS),
        ("application/openmetrics-text;version=0.0.1,text/plain;q=0.5", PROMETHEUS),
        ("application/openmetrics-text; version=1.0.0; q=0.1, text/plain; q=0.9", PROMETHEUS),
        ("application/openmetrics-text;q=no, ,;;", PROMETHEUS),
        ("", PROMETHEUS),
    ],
)  # fmt: skip
def test_format_is_chosen_when_a_client_accepts(accept: str | None, kind: str) -> None:
    """OpenMetrics for whoever says so and does not prefer the other."""
    assert negotiate(accept) == kind


def test_documents_name_every_metric_when_compared() -> None:
    """Each family has a row in docs/metrics.md with its kind and labels, and no row is left."""
    rows = re.findall(
        r"^\| `((?:nsinit|process)_\w+)` \| (\w+) \| ([^|]*) \|",
        (ROOT / "docs" / "metrics.md").read_text(),
        re.MULTILINE,
    )
    told = {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}
    assert len(told) == len(rows)
    assert told == {f.sample: (f.kind, set(f.labels)) for f in FAMILIES}


@pytest.mark.parametrize("name", ["alerts.yml", "dashboard.json", "rules_test.yml"])
def test_example_uses_metrics_that_there_are_when_read(name: str) -> None:
    """Alerts and dashboard ask for nothing else."""
    path = ROOT / "config" / "prometheus" / name
    asked = path.read_text()
    if name.endswith(".json"):
        panels = json.loads(asked)["panels"]
        asked = "\n".join(t["expr"] for panel in panels for t in panel.get("targets", ()))
    used = set(re.findall(r"\b(?:nsinit|process)_[a-z_]+\b", asked))
    assert used
    assert used <= {family.sample for family in FAMILIES}
