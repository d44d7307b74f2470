"""Directed graphs of service names: cycles, order, longest chains. Pure.

Edges go from a service to those that it waits for when it starts. Stopping goes the other way.
Nothing here recurses, so a chain of ten thousand services is no problem.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    Edges = Mapping[str, Collection[str]]


def find_cycle(edges: Edges) -> list[str]:
    """A cycle as a path that ends where it began, ["a", "b", "a"]; empty if there is none."""
    done: set[str] = set()
    for root in edges:
        if root in done:
            continue
        path: list[str] = [root]
        on_path = {root}
        todo = [iter(edges[root])]
        while todo:
            target = next(todo[-1], None)
            if target is None:
                todo.pop()
                done.add(path[-1])
                on_path.discard(path.pop())
            elif target in on_path:
                return [*path[path.index(target) :], target]
            elif target not in done and target in edges:
                path.append(target)
                on_path.add(target)
                todo.append(iter(edges[target]))
    return []


def in_order(edges: Edges) -> list[str]:
    """All names, each after those that its edges lead to; ties in the order they were given.

    Of a cycle, which checks refuse but a damaged state may have, what closes it is left out.
    """
    made: dict[str, None] = {}
    begun: set[str] = set()
    for root in edges:
        if root in made:
            continue
        todo = [(root, iter(edges[root]))]
        while todo:
            name, targets = todo[-1]
            begun.add(name)
            target = next((t for t in targets if t not in begun and t in edges), None)
            if target is None:
                made[name] = None
                todo.pop()
            else:
                todo.append((target, iter(edges[target])))
    return list(made)


def reverse(edges: Edges) -> dict[str, list[str]]:
    """The same edges, each turned round."""
    made: dict[str, list[str]] = {name: [] for name in edges}
    for name, targets in edges.items():
        for target in targets:
            if target in made:
                made[target].append(name)
    return made


def longest_chains(edges: Edges, weights: Mapping[str, float]) -> dict[str, float]:
    """For each name, the heaviest path that starts with it, its own weight included."""
    made: dict[str, float] = {}
    for name in in_order(edges):
        made[name] = weights[name] + max((made.get(t, 0.0) for t in edges[name]), default=0.0)
    return made
