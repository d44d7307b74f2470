"""Pictures of the boot and of the graph."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsinit.cli.charts import CHARTS
from nsinit.cli.graph_chart import _is_lane, _layers, _ordered, _place, _ways, graph_chart
from nsinit.cli.graph_text import Edge, dot, mermaid

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = 'x"]<script>&\\\x01\n--> y'


def _graph(*ties: tuple[str, str, str], states: dict[str, str]) -> dict[str, Any]:
    rows = {
        name: {"name": name, "state": state, "needs": {}, "wants": [], "after": []}
        for name, state in states.items()
    }
    for first, then, kind in ties:
        row: Any = rows[then]
        if kind in ("wants", "after"):
            row[kind].append(first)
        else:
            row["needs"][first] = kind
    return {"services": list(rows.values()), "states": states}


def _boot(**more: Any) -> dict[str, Any]:
    row = {
        "name": "web",
        "state": "running",
        "at": 3.0,
        "waiting_from": 0.5,
        "starting_from": 1.0,
        "tasks": [
            {"task": "pre_start", "from": 1.0, "to": 1.5, "good": True},
            {"task": "ready", "from": 1.5, "to": 2.0, "good": False},
            {"task": "ready", "from": 2.0, "to": None, "good": None},
        ],
    }
    return {"services": [row | more], "chain": [{"name": "web"}]}


def _hints(svg: str) -> list[str]:
    found = ET.fromstring(svg).iter(f"{SVG}rect")
    return [title.text or "" for rect in found for title in rect.iter(f"{SVG}title")]


def _texts(svg: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iter(f"{SVG}text")]


GRAPH = _graph(
    ("db", "web", "ready"),
    ("cache", "web", "wants"),
    ("web", "proxy", "after"),
    ("db", "proxy", "started"),
    states={"db": "running", "cache": "failed", "web": "starting", "proxy": "waiting"},
)


# --- The boot -------------------------------------------------------------------------------------


def test_bars_tell_their_spans_when_drawn() -> None:
    """Waiting, starting, up, and each hook and probe with how it went."""
    svg = CHARTS["blame", "svg"](_boot())
    assert _hints(svg) == [
        "web: waited 0.500 s",
        "web: took 2.000 s to start",
        "web: running at 3.000 s",
        "pre_start: good, 0.500 s",
        "ready: not good, 0.500 s",
        "ready: not ended, 0.000 s",
    ]
    assert "boot: 1 service up in 3.000 s" in _texts(svg)


@pytest.mark.parametrize(
    ("more", "title"),
    [
        ({"at": None, "state": "starting"}, "boot: 0 of 1 service up"),
        ({"at": 0.0, "state": "failed", "starting_from": None}, "boot: 0 of 1 service up"),
        ({"at": None, "waiting_from": None, "starting_from": None, "tasks": []}, "boot: 0 of"),
    ],
)
def test_chart_is_whole_when_a_service_is_not_up(more: dict[str, Any], title: str) -> None:
    """What is not there yet ends at the edge."""
    assert any(text.startswith(title) for text in _texts(CHARTS["blame", "svg"](_boot(**more))))


def test_chart_is_whole_when_there_is_nothing() -> None:
    """No service."""
    for draw in CHARTS.values():
        assert draw({"services": [], "chain": [], "states": {}})


def test_axis_has_few_labels_when_the_boot_is_short_or_long() -> None:
    """1, 2 or 5 times a power of ten."""
    for at in (0.0001, 0.02, 0.9, 7.0, 4000.0):
        tasks: list[Any] = []
        boot = _boot(at=at, waiting_from=0.0, starting_from=0.0, tasks=tasks)
        labels = [t for t in _texts(CHARTS["blame", "svg"](boot)) if re.fullmatch(r"[\d.]+ s", t)]
        assert 2 <= len(labels) <= 9


# --- The graph ------------------------------------------------------------------------------------


def test_every_tie_is_drawn_when_there_are_kinds() -> None:
    """Solid, dashed, dotted; from what starts first."""
    root = ET.fromstring(graph_chart(GRAPH))
    drawn = [(p.get("class"), p[0].text) for p in root.iter(f"{SVG}path") if len(p)]
    assert sorted(drawn) == [
        ("edge after", "proxy comes after web"),
        ("edge needs", "proxy needs db started"),
        ("edge needs", "web needs db ready"),
        ("edge wants", "web wants cache"),
    ]
    assert {"db", "cache", "web", "proxy", "failed"} <= set(_texts(graph_chart(GRAPH)))


@st.composite
def _ties(draw: st.DrawFn) -> tuple[list[str], list[Edge]]:
    count = draw(st.integers(1, 9))
    pairs = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1))
    chosen = draw(st.lists(pairs.filter(lambda p: p[0] < p[1]), max_size=20))
    order = draw(st.permutations(range(count)))
    names = [f"s{number}" for number in order]
    return names, [Edge(f"s{a}", f"s{b}", "needs") for a, b in chosen]


@given(_ties())
def test_arrows_lead_to_the_right_when_placed(made: tuple[list[str], list[Edge]]) -> None:
    """And no two parts of a layer cover each other, nor is a service left out."""
    names, ties = made
    layers = _layers(names, ties)
    ways = _ways(layers, ties)
    places, width, height = _place(_ordered(layers, ways))
    assert {name for name in places if not _is_lane(name)} == set(names)
    for way in ways:
        lefts = [places[name][0] for name in way]
        assert lefts == sorted(set(lefts))
    for layer in layers:
        tops = [places[name][1] for name in layer]
        assert tops == sorted(tops)
        for name, top, below in zip(layer, tops, tops[1:], strict=False):
            assert below - top >= (8 if _is_lane(name) else 40)
    assert all(x + w <= width and 0 < y < height for x, y, w in places.values())


@pytest.mark.parametrize("kind", sorted(CHARTS))
def test_picture_is_well_formed_when_a_name_is_hostile(kind: tuple[str, str]) -> None:
    """Quotes, brackets, control characters: shown, and never markup."""
    answer = _graph((HOSTILE, "b", "wants"), states={HOSTILE: "running", "b": "failed"})
    if kind[0] == "blame":
        answer = _boot(name=HOSTILE)
    text = CHARTS[kind](answer)
    assert "<script>" not in text or kind[1] == "dot"
    if kind[1] == "svg":
        assert any("<script>" in one for one in _texts(text))


def test_names_are_quoted_when_dot_is_asked() -> None:
    """A quote can't end the name, and a need carries its condition."""
    answer = _graph(('a"b\\', "c", "ready"), states={'a"b\\': "running", "c": "waiting"})
    assert '  "a\\"b\\\\" -> "c" [style=solid label="ready"]' in dot(answer)


def test_flowchart_names_conditions_when_mermaid_is_asked() -> None:
    """Ids of its own; what Mermaid would read as its own is written by number."""
    lines = mermaid(_graph(("a;b", "c", "ready"), states={"a;b": "running", "c": "waiting"}))
    assert '  s0["a#59;b<br/>running"]:::running' in lines.splitlines()
    assert "  s0 -->|ready| s1" in lines.splitlines()
