"""Which answers can be drawn, and how; loaded when a picture is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from nsinit.cli.boot_chart import boot_chart
from nsinit.cli.graph_chart import graph_chart
from nsinit.cli.graph_text import dot, mermaid

if TYPE_CHECKING:
    from collections.abc import Callable

CHARTS: Final[dict[tuple[str, str], Callable[[dict[str, Any]], str]]] = {
    ("blame", "svg"): boot_chart,
    ("graph", "svg"): graph_chart,
    ("graph", "mermaid"): mermaid,
    ("graph", "dot"): dot,
}
