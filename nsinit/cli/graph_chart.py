"""`nsinit ctl graph --svg`: who needs whom, drawn in layers. Pure.

What starts first is on the left; an arrow leads to what comes after it. A service stands one layer
behind the last of those that it names, and within its layer near to those that it is tied to; an
arrow over more than one layer has a way of its own between the boxes (the method of Sugiyama,
Tagawa and Toda, 1981, with barycentres).
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from nsinit.cli.graph_text import edges, nodes
from nsinit.cli.svg import COLOURS, LETTER, escape, picture, text

if TYPE_CHECKING:
    from nsinit.cli.graph_text import Edge

_HIGH: Final = 40.0  # of a service's box
_GAP: Final = 18.0  # between two of a layer
_BETWEEN: Final = 110.0  # two layers
_TOP: Final = 68.0
_SWEEPS: Final = 8
_NAME: Final = 32  # letters of a name that are shown
_STYLE: Final = """\
.node{fill:var(--paper);stroke:var(--line);stroke-width:1.4}
.edge{fill:none;stroke:var(--faint);stroke-width:1.3}.wants{stroke-dasharray:6 4}
.after{stroke-dasharray:1.5 4}.tip{fill:var(--faint)}"""

_LANE: Final = 8.0  # what an arrow takes of a layer that it passes

Places = dict[str, tuple[float, float, float]]  # left, top, width of a service's box


def graph_chart(answer: dict[str, Any]) -> str:
    """The answer of `graph` as SVG."""
    states = dict(nodes(answer))
    ties = list(edges(answer))
    layers = _layers(list(states), ties)
    ways = _ways(layers, ties)
    places, width, height = _place(_ordered(layers, ways))
    title = f"{len(states)} service{'' if len(states) == 1 else 's'} and what they need"
    parts = [_arrow_head(), text(12, 24, title, "title"), *_legend()]
    parts += [_edge(tie, [places[o] for o in way]) for tie, way in zip(ties, ways, strict=True)]
    for name, state in states.items():
        parts += _node(name, state, places[name])
    return picture(max(width, 520.0), height, title, parts, _STYLE)


def _layers(names: list[str], ties: list[Edge]) -> list[list[str]]:
    """Each one layer behind the last that it comes after."""
    then: dict[str, list[str]] = {name: [] for name in names}
    missing = dict.fromkeys(names, 0)
    for tie in ties:
        then[tie.first].append(tie.then)
        missing[tie.then] += 1
    depth = dict.fromkeys(names, 0)
    todo = [name for name in names if not missing[name]]  # all, in the end: circles are refused
    for name in todo:
        for other in then[name]:
            depth[other] = max(depth[other], depth[name] + 1)
            missing[other] -= 1
            if not missing[other]:
                todo.append(other)
    made: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for name in names:
        made[depth[name]].append(name)
    return made


def _ways(layers: list[list[str]], ties: list[Edge]) -> list[list[str]]:
    """What each arrow passes from end to end; lanes between the boxes are added to the layers."""
    depth = {name: index for index, layer in enumerate(layers) for name in layer}
    made = []
    for number, tie in enumerate(ties):
        way = [tie.first]
        for index in range(depth[tie.first] + 1, depth[tie.then]):
            way.append(f"\0{number} {index}")  # no service is called so
            layers[index].append(way[-1])
        made.append([*way, tie.then])
    return made


def _ordered(layers: list[list[str]], ways: list[list[str]]) -> list[list[str]]:
    """The layers with each part near to the middle of its neighbours; few arrows cross then."""
    near: dict[str, list[str]] = {}
    for way in ways:
        for one, other in pairwise(way):
            near.setdefault(one, []).append(other)
            near.setdefault(other, []).append(one)
    rank = {name: _share(i, layer) for layer in layers for i, name in enumerate(layer)}

    def middle(name: str) -> float:
        others = near.get(name)
        return sum(rank[o] for o in others) / len(others) if others else rank[name]

    for sweep in range(_SWEEPS):
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            layer.sort(key=middle)
            rank.update({name: _share(i, layer) for i, name in enumerate(layer)})
    return layers


def _share(index: int, layer: list[str]) -> float:
    return (index + 0.5) / len(layer)


def _place(layers: list[list[str]]) -> tuple[Places, float, float]:
    high = max((sum(map(_height, layer)) for layer in layers), default=0.0)
    places: Places = {}
    x = 16.0
    for layer in layers:
        names = [len(_short(name)) for name in layer if not _is_lane(name)]
        width = 34 + LETTER * max([8, *names])
        y = _TOP + (high - sum(map(_height, layer))) / 2
        for name in layer:
            places[name] = (x, y, width)
            y += _height(name)
        x += width + _BETWEEN
    return places, x - _BETWEEN + 16, _TOP + high + 8


def _is_lane(name: str) -> bool:
    return name.startswith("\0")


def _height(name: str) -> float:
    return (_LANE if _is_lane(name) else _HIGH) + _GAP


def _short(name: str) -> str:
    return name if len(name) <= _NAME else name[: _NAME - 1] + "…"


def _arrow_head() -> str:
    return (
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path class="tip" d="M0 0 8 4 0 8z"/></marker></defs>'
    )


def _legend() -> list[str]:
    parts, x = [], 12.0
    for kind, words in (("needs", "needs it"), ("wants", "wants it"), ("after", "comes after it")):
        parts.append(f'<path class="edge {kind}" d="M{x:.0f} 43h34" marker-end="url(#tip)"/>')
        parts.append(text(x + 42, 47, words, "faint"))
        x += 64 + LETTER * len(words)
    return parts


def _edge(tie: Edge, places: list[tuple[float, float, float]]) -> str:
    x, y, width = places[0]
    x, y = x + width, y + _HIGH / 2
    path = f"M{x:.1f} {y:.1f}"
    for index, (to_x, top, width) in enumerate(places[1:], 2):
        is_last = index == len(places)
        to_y = top + (_HIGH if is_last else _LANE) / 2
        bend = (to_x - x) / 2
        path += f"C{x + bend:.1f} {y:.1f} {to_x - bend:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}"
        x, y = to_x + width, to_y
        path += "" if is_last else f"H{x:.1f}"
    relation = {"needs": f"needs {tie.first} {tie.condition}", "wants": f"wants {tie.first}"}
    hint = escape(f"{tie.then} {relation.get(tie.kind, f'comes after {tie.first}')}")
    return (
        f'<path class="edge {tie.kind}" d="{path}" marker-end="url(#tip)">'
        f"<title>{hint}</title></path>"
    )


def _node(name: str, state: str, place: tuple[float, float, float]) -> list[str]:
    x, y, width = place
    kind = COLOURS.get(state, "grey")
    frame = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{_HIGH:.0f}" rx="6"'
    return [
        f'<rect class="node" {frame}><title>{escape(f"{name}: {state}")}</title></rect>',
        f'<circle class="{kind}" cx="{x + 14:.1f}" cy="{y + 15:.1f}" r="4.5"/>',
        text(x + 24, y + 19, _short(name)),
        text(x + 24, y + 33, state, "faint"),
    ]
