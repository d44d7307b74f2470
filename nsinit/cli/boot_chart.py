"""`nsinit ctl blame --svg`: the boot as a chart of bars. Pure.

One row per service, in the order in which they began to start: grey while it waited, amber while it
started, then in the colour of what it was when it was up. Below the bar are its hooks and probes:
a filled mark went well, a hollow one did not. The critical chain is in bold.
"""

from __future__ import annotations

from typing import Any, Final

from nsinit.cli.svg import COLOURS, LETTER, box, picture, text

_WIDTH: Final = 720.0  # of the bars
_ROW: Final = 26.0
_BAR: Final = 12.0
_TOP: Final = 76.0
_SHORTEST: Final = 0.01  # s that the axis shows at least
_LABELS: Final = 8  # on the axis at most
_NAME: Final = 40  # letters of a name that are shown
_STYLE: Final = ".hollow{fill:none;stroke:var(--red);stroke-width:1.2}.done{opacity:.35}"


def boot_chart(answer: dict[str, Any]) -> str:
    """The answer of `blame` as SVG."""
    rows = sorted(answer["services"], key=_order)
    chain = {link["name"] for link in answer["chain"]}
    end = max([_SHORTEST, *(_last(row) for row in rows)]) * 1.04
    left = 24 + LETTER * max([4, *(min(len(row["name"]), _NAME) for row in rows)])
    scale = _WIDTH / end
    height = _TOP + _ROW * len(rows) + 24
    parts = [text(12, 24, _title(rows), "title"), *_legend(12, 46)]
    parts += _axis(left, height - 24, end, scale)
    for index, row in enumerate(rows):
        parts += _bars(row, left, _TOP + _ROW * index, scale, end, chained=row["name"] in chain)
    return picture(left + _WIDTH + 90, height, _title(rows), parts, _STYLE)


def _order(row: dict[str, Any]) -> tuple[float, float, str]:
    begun = row["starting_from"]
    late = float("inf")
    return (late if begun is None else begun, row["at"] or late, row["name"])


def _last(row: dict[str, Any]) -> float:
    times = [row["waiting_from"], row["starting_from"], row["at"]]
    times += [task["to"] for task in row["tasks"]]
    return max((time for time in times if time is not None), default=0.0)


def _title(rows: list[dict[str, Any]]) -> str:
    up = [row["at"] for row in rows if row["at"] is not None and row["state"] != "failed"]
    count = f"{len(rows)} service{'' if len(rows) == 1 else 's'}"
    if len(up) < len(rows):
        count = f"{len(up)} of {count}"
    return f"boot: {count} up in {max(up, default=0.0):.3f} s" if up else f"boot: {count} up"


def _legend(x: float, y: float) -> list[str]:
    parts = []
    for kind, words in (
        ("grey", "waiting"),
        ("amber", "starting"),
        ("green", "up"),
        ("red", "failed"),
    ):
        parts += [box(x, y - 9, (10, 10), kind), text(x + 16, y, words, "faint")]
        x += 34 + LETTER * len(words)
    parts += [box(x, y - 8, (5, 7), "accent"), box(x + 9, y - 8, (5, 7), "hollow")]
    parts.append(text(x + 20, y, "hooks and probes: good, not good", "faint"))
    return parts


def _axis(left: float, bottom: float, end: float, scale: float) -> list[str]:
    step = _step(end)
    parts = []
    for index in range(int(end / step) + 1):
        at = index * step
        x = left + at * scale
        parts.append(
            f'<line class="grid" x1="{x:.1f}" y1="{_TOP - 6:.1f}" x2="{x:.1f}" y2="{bottom:.1f}"/>'
        )
        parts.append(text(x, _TOP - 10, f"{at:.10g} s", "faint", "middle"))
    return parts


def _step(end: float) -> float:
    """1, 2 or 5 times a power of ten, so that few labels stand on the axis."""
    size = 1e-3
    while True:
        for factor in (1, 2, 5):
            if end / (size * factor) <= _LABELS:
                return size * factor
        size *= 10


def _bars(
    row: dict[str, Any], left: float, y: float, scale: float, end: float, *, chained: bool
) -> list[str]:
    name = row["name"] if len(row["name"]) <= _NAME else row["name"][: _NAME - 1] + "…"
    parts = [text(left - 12, y + 11, name, "chain" if chained else "", "end")]
    waited, begun, up = row["waiting_from"], row["starting_from"], row["at"]

    def bar(since: float, until: float, kind: str, hint: str) -> None:
        x, size = left + since * scale, ((until - since) * scale, _BAR)
        parts.append(box(x, y + 2, size, kind, f"{row['name']}: {hint}"))

    if waited is not None:
        until = begun if begun is not None else up if up is not None else end
        bar(waited, until, "grey", f"waited {until - waited:.3f} s")
    if begun is not None:
        until = up if up is not None else end
        bar(begun, until, "amber", f"took {until - begun:.3f} s to start")
    label_at = end
    if up is not None:
        kind = COLOURS.get(row["state"], "grey")
        bar(up, end, f"{kind} done", f"{row['state']} at {up:.3f} s")
        label_at = up
    words = row["state"] if up is None else f"{row['state']} {up:.3f} s"
    parts.append(text(left + label_at * scale + 4, y + 12, words))
    return parts + [_mark(task, left, y + _BAR + 4, scale) for task in row["tasks"]]


def _mark(task: dict[str, Any], left: float, y: float, scale: float) -> str:
    """A hook or a probe."""
    since = task["from"] or 0.0
    until = since if task["to"] is None else task["to"]
    words = {True: "good", False: "not good", None: "not ended"}[task["good"]]
    size = (max((until - since) * scale, 2.0), 5)
    kind = "accent" if task["good"] else "hollow"
    hint = f"{task['task']}: {words}, {until - since:.3f} s"
    return box(left + since * scale, y, size, kind, hint)
