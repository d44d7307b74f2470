"""`nsinit ctl graph --dot` and `--mermaid`: the graph for other programs. Pure.

An arrow leads from what starts first to what comes after it: solid for a need, labelled with its
condition, dashed for a wish, dotted for an order alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_FILLS: Final = {
    "running": "#d1f0d8",
    "exited": "#d1f0d8",
    "starting": "#fff0c2",
    "stopping": "#fff0c2",
    "backoff": "#ffd7d5",
    "failed": "#ffd7d5",
}
_PLAIN: Final = "#eaeef2"


class Edge(NamedTuple):
    """`first` is started before `then`; `kind` is needs, wants or after."""

    first: str
    then: str
    kind: str
    condition: str = ""


def edges(answer: dict[str, Any]) -> Iterator[Edge]:
    """Those of the answer of `graph`, as the services are listed."""
    for row in answer["services"]:
        for name, condition in row["needs"].items():
            yield Edge(name, row["name"], "needs", condition)
        for kind in ("wants", "after"):
            for name in row[kind]:
                yield Edge(name, row["name"], kind)


def nodes(answer: dict[str, Any]) -> list[tuple[str, str]]:
    """Each name with its state: the chosen services, and what they lead to."""
    names = {row["name"]: row["state"] for row in answer["services"]}
    for edge in edges(answer):
        names.setdefault(edge.first, answer["states"].get(edge.first, ""))
    return list(names.items())


def dot(answer: dict[str, Any]) -> str:
    """For `dot -Tsvg` (the DOT language of Graphviz)."""
    styles = {"needs": "solid", "wants": "dashed", "after": "dotted"}
    lines = ["digraph nsinit {", "  rankdir=LR", '  node [shape=box style="rounded,filled"]']
    for name, state in nodes(answer):
        fill = _FILLS.get(state, _PLAIN)
        label = f"{_quoted(name)[:-1]}\\n{state}{chr(34)}"
        lines.append(f'  {_quoted(name)} [label={label} fillcolor="{fill}"]')
    for edge in edges(answer):
        more = f" label={_quoted(edge.condition)}" if edge.condition else ""
        ends = f"{_quoted(edge.first)} -> {_quoted(edge.then)}"
        lines.append(f"  {ends} [style={styles[edge.kind]}{more}]")
    return "\n".join((*lines, "}"))


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def mermaid(answer: dict[str, Any]) -> str:
    """For a page of Markdown (a flowchart of Mermaid)."""
    lines = ["flowchart LR"]
    ids: dict[str, str] = {}
    for name, state in nodes(answer):
        ids[name] = f"s{len(ids)}"
        kind = f":::{state}" if state in _FILLS else ""
        lines.append(f'  {ids[name]}["{_entities(name)}<br/>{state}"]{kind}')
    for edge in edges(answer):
        arrow = {"needs": "-->", "wants": "-.->", "after": "-. after .->"}[edge.kind]
        arrow += f"|{edge.condition}|" if edge.condition else ""
        lines.append(f"  {ids[edge.first]} {arrow} {ids[edge.then]}")
    for state, fill in _FILLS.items():
        lines.append(f"  classDef {state} fill:{fill},color:#1f2328")
    return "\n".join(lines)


def _entities(text: str) -> str:
    """What Mermaid would take for its own words, by number (its page on entity codes)."""
    return "".join(c if c.isalnum() or c in " -_.@" else f"#{ord(c)};" for c in text)
