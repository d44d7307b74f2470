"""Graphs against definitions that are too slow to be used."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from nsinit.model import graph
from tests.support import strategies as some

Edges = dict[str, list[str]]


def _reachable(edges: Edges, start: str) -> set[str]:
    """Every name that some path from `start` leads to."""
    found: set[str] = set()
    todo = list(edges[start])
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += edges[name]
    return found


def _heaviest(edges: Edges, weights: dict[str, float], name: str) -> float:
    return weights[name] + max((_heaviest(edges, weights, t) for t in edges[name]), default=0.0)


@given(some.edges())
def test_cycle_is_found_exactly_when_a_name_leads_to_itself(edges: Edges) -> None:
    """And every step of it is an edge."""
    cycle = graph.find_cycle(edges)
    assert bool(cycle) == any(name in _reachable(edges, name) for name in edges)
    if cycle:
        assert cycle[0] == cycle[-1]
        assert len(set(cycle)) == len(cycle) - 1
        assert all(target in edges[name] for name, target in pairwise(cycle))


@given(some.edges(acyclic=True))
def test_every_name_comes_once_and_after_its_targets_when_ordered(edges: Edges) -> None:
    """Names whose targets are all given before them stay where they are."""
    order = graph.in_order(edges)
    assert sorted(order) == sorted(edges)
    place = {name: at for at, name in enumerate(order)}
    assert all(place[t] < place[name] for name, targets in edges.items() for t in targets)
    if all(t in list(edges)[: list(edges).index(n)] for n, ts in edges.items() for t in ts):
        assert order == list(edges)


@given(some.edges())
def test_edges_are_the_same_set_when_reversed_twice(edges: Edges) -> None:
    """Only their order may differ."""
    twice = graph.reverse(graph.reverse(edges))
    assert {n: sorted(ts) for n, ts in twice.items()} == {n: sorted(ts) for n, ts in edges.items()}


@given(some.edges(acyclic=True), st.data())
def test_chain_is_the_heaviest_path_when_weighed(edges: Edges, data: st.DataObject) -> None:
    """Compared with walking all paths."""
    weights = {name: float(data.draw(st.integers(0, 9))) for name in edges}
    chains = graph.longest_chains(edges, weights)
    assert chains == {name: _heaviest(edges, weights, name) for name in edges}
