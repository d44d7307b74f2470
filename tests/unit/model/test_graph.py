"""Graphs of names: cycles, order, and chains of any length."""

from __future__ import annotations

import pytest

from nsinit.model import graph

LONG = 10_000


@pytest.mark.parametrize(
    ("edges", "cycle"),
    [
        ({}, []),
        ({"a": []}, []),
        ({"a": ["b"], "b": []}, []),
        ({"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []}, []),
        ({"a": ["nobody"]}, []),
        ({"a": ["a"]}, ["a", "a"]),
        ({"a": ["b"], "b": ["a"]}, ["a", "b", "a"]),
        ({"x": ["a"], "a": ["b"], "b": ["c"], "c": ["a"]}, ["a", "b", "c", "a"]),
        ({"a": [], "b": ["a", "c"], "c": ["d"], "d": ["c"]}, ["c", "d", "c"]),
    ],
)
def test_cycle_is_found_when_there_is_one(edges: dict[str, list[str]], cycle: list[str]) -> None:
    """As a path that ends where it began; what leads into it is left out."""
    assert graph.find_cycle(edges) == cycle


@pytest.mark.parametrize(
    ("edges", "order"),
    [
        ({}, []),
        ({"b": [], "a": [], "c": []}, ["b", "a", "c"]),
        ({"a": ["b"], "b": ["c"], "c": []}, ["c", "b", "a"]),
        ({"a": ["nobody", "b"], "b": []}, ["b", "a"]),
        ({"a": ["d", "c"], "b": [], "c": ["d"], "d": []}, ["d", "c", "a", "b"]),
        ({"a": ["a"], "b": ["c"], "c": ["d", "b"], "d": ["c"]}, ["a", "d", "c", "b"]),
    ],
)
def test_names_come_after_their_targets_when_ordered(
    edges: dict[str, list[str]], order: list[str]
) -> None:
    """Otherwise in the order in which they were given."""
    assert graph.in_order(edges) == order


def test_edges_are_turned_round_when_reversed() -> None:
    """What is no name of the graph is dropped."""
    edges = {"a": ["b", "c", "nobody"], "b": ["c"], "c": []}
    assert graph.reverse(edges) == {"a": [], "b": ["a"], "c": ["a", "b"]}


def test_heaviest_path_counts_when_several_start_at_a_name() -> None:
    """With the weight of the name itself."""
    edges = {"a": ["b", "c"], "b": ["d"], "c": [], "d": [], "e": ["nobody"]}
    weights = {"a": 1.0, "b": 2.0, "c": 10.0, "d": 3.0, "e": 0.5}
    assert graph.longest_chains(edges, weights) == {
        "a": 11.0, "b": 5.0, "c": 10.0, "d": 3.0, "e": 0.5,
    }  # fmt: skip


def test_nothing_recurses_when_a_chain_is_long() -> None:
    """Ten thousand services in a row are ten times more than Python's stack holds."""
    edges = {f"s{n}": [f"s{n + 1}"] for n in range(LONG)} | {f"s{LONG}": []}
    assert graph.find_cycle(edges) == []
    assert graph.in_order(edges)[0] == f"s{LONG}"
    assert graph.reverse(edges)[f"s{LONG}"] == [f"s{LONG - 1}"]
    assert graph.longest_chains(edges, dict.fromkeys(edges, 1.0))["s0"] == LONG + 1
    ring = edges | {f"s{LONG}": ["s0"]}
    assert len(graph.find_cycle(ring)) == LONG + 2
