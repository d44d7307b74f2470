"""Charts as SVG (W3C SVG 2): lines on logarithmic axes, and bars. Colours for light and dark."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, Final, NamedTuple

from .figures import short

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_WIDTH: Final = 720
_HEIGHT: Final = 420
_LEFT: Final = 70
_RIGHT: Final = 130  # room for names at the ends of lines
_TOP: Final = 50
_BOTTOM: Final = 50
_BAR: Final = 22
_APART: Final = 13  # px between two names
_STYLE: Final = """\
:root{color-scheme:light dark;--ink:#1f2328;--faint:#6e7781;--line:#d0d7de;--paper:#fff}
@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--faint:#8b949e;--line:#30363d;\
--paper:#0d1117}}
text{font:12px ui-monospace,Menlo,Consolas,monospace;fill:var(--ink)}
.title{font-size:14px;font-weight:600}.faint{fill:var(--faint)}
.grid{stroke:var(--line);stroke-width:1}.paper{fill:var(--paper)}
.curve{fill:none;stroke-width:2}.ours{stroke-width:3.5}"""
# Told apart also by those who see few colours (Okabe and Ito's, without yellow and black).
_COLOURS: Final = (
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#8c959f", "#7f5539",
    "#9467bd",
)  # fmt: skip


class Axis(NamedTuple):
    """A logarithmic axis: values from `low` to `high` go to pixels from `begin` to `end`."""

    low: float
    high: float
    begin: float
    end: float

    def at(self, value: float) -> float:
        """Where a value is."""
        span = math.log(self.high / self.low)
        part = math.log(max(value, self.low) / self.low) / span
        return self.begin + part * (self.end - self.begin)

    def ticks(self) -> list[float]:
        """Powers of ten."""
        first, last = math.ceil(math.log10(self.low) - 1e-9), math.log10(self.high) + 1e-9
        return [10.0**power for power in range(first, math.floor(last) + 1)]


def lines(
    title: str, across: str, series: Mapping[str, Sequence[tuple[float, float]]], first: str
) -> str:
    """Curves with their names at the ends; `first` is the one to be seen before the others."""
    xs = [x for points in series.values() for x, _ in points]
    ys = [y for points in series.values() for _, y in points if y > 0]
    x_axis = Axis(min(xs), max(*xs, 10 * min(xs)), _LEFT, _WIDTH - _RIGHT)
    y_axis = Axis(_floor(min(ys)), _ceil(max(ys)), _HEIGHT - _BOTTOM, _TOP)
    parts = [_text(_LEFT, 24, title, "title"), *_grid(x_axis, y_axis)]
    parts.append(_text(_WIDTH - _RIGHT, _HEIGHT - 12, across, "faint", "end"))
    ends = {name: y_axis.at(points[-1][1]) for name, points in series.items()}
    heights = _apart(ends)
    for number, (name, points) in enumerate(series.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        kind = "curve ours" if name == first else "curve"
        where = " ".join(f"{x_axis.at(x):.1f},{y_axis.at(y):.1f}" for x, y in points)
        parts.append(f'<polyline class="{kind}" stroke="{colour}" points="{where}"/>')
        for x, y in points:
            told = f"{name}, {x:g}: {short(y)}"
            parts.append(
                f'<circle cx="{x_axis.at(x):.1f}" cy="{y_axis.at(y):.1f}" r="3.5" fill="{colour}">'
                f"<title>{escape(told)}</title></circle>"
            )
        label = f'style="fill:{colour}"'
        parts.append(_text(x_axis.at(points[-1][0]) + 8, heights[name] + 4, name, more=label))
    return _picture(_WIDTH, _HEIGHT, title, parts)


def bars(title: str, values: Mapping[str, float], first: str) -> str:
    """One bar for each name, with its value."""
    most = max(values.values())
    height = _TOP + _BAR * len(values) + 16
    room = _WIDTH - 2 * _RIGHT
    parts = [_text(16, 24, title, "title")]
    for number, (name, value) in enumerate(values.items()):
        y, width = _TOP + number * _BAR, max(1.0, value / most * room)
        colour = _COLOURS[0] if name == first else _COLOURS[6]
        parts.append(_text(_RIGHT - 10, y + 13, name, anchor="end"))
        parts.append(
            f'<rect x="{_RIGHT}" y="{y}" width="{width:.1f}" height="{_BAR - 6}" fill="{colour}"/>'
        )
        parts.append(_text(_RIGHT + width + 8, y + 13, short(value), "faint"))
    return _picture(_WIDTH, height, title, parts)


def _grid(x_axis: Axis, y_axis: Axis) -> list[str]:
    parts = []
    for value in y_axis.ticks():
        y = y_axis.at(value)
        parts.append(f'<path class="grid" d="M{_LEFT} {y:.1f}H{x_axis.end}"/>')
        parts.append(_text(_LEFT - 8, y + 4, f"{value:g}", "faint", "end"))
    for value in x_axis.ticks():
        x = x_axis.at(value)
        parts.append(f'<path class="grid" d="M{x:.1f} {_TOP}V{y_axis.begin}"/>')
        parts.append(_text(x, y_axis.begin + 18, f"{value:g}", "faint", "middle"))
    return parts


def _apart(heights: Mapping[str, float]) -> dict[str, float]:
    """Names moved down until none is upon another, then all up if the last is too low."""
    made: dict[str, float] = {}
    last = -math.inf
    for name, height in sorted(heights.items(), key=lambda item: item[1]):
        last = made[name] = max(height, last + _APART)
    over = max(0.0, last - (_HEIGHT - _BOTTOM))
    return {name: height - over for name, height in made.items()}


def _floor(value: float) -> float:
    return 10.0 ** math.floor(math.log10(value))


def _ceil(value: float) -> float:
    return 10.0 ** math.ceil(math.log10(value) + 1e-9)


def _text(x: float, y: float, words: str, kind: str = "", anchor: str = "", more: str = "") -> str:
    kind = f' class="{kind}"' if kind else ""
    anchor = f' text-anchor="{anchor}"' if anchor else ""
    more = f" {more}" if more else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{kind}{anchor}{more}>{escape(words)}</text>'


def _picture(width: float, height: float, title: str, parts: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" role="img" aria-labelledby="t">'
    )
    paper = f'<rect class="paper" width="{width:.0f}" height="{height:.0f}"/>'
    begin = [head, f'<title id="t">{escape(title)}</title>', f"<style>{_STYLE}</style>", paper]
    return "\n".join((*begin, *parts, "</svg>")) + "\n"
