"""Parts of pictures in SVG (W3C SVG 2): escaped text, boxes, and colours for light and dark.

A picture is one file that refers to nothing outside, can be searched for text, and tells more of
each part where the pointer rests.
"""

from __future__ import annotations

from typing import Final

FONT: Final = 12  # px
LETTER: Final = 7.2  # px that a letter takes at most, in the font that is asked for

STYLE: Final = """\
:root{color-scheme:light dark;--ink:#1f2328;--faint:#6e7781;--line:#d0d7de;--paper:#ffffff;\
--green:#1a7f37;--amber:#bf8700;--red:#cf222e;--grey:#8c959f;--accent:#0969da}
@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--faint:#8b949e;--line:#30363d;\
--paper:#0d1117;--green:#3fb950;--amber:#d29922;--red:#f85149;--grey:#6e7681;--accent:#58a6ff}}
text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:var(--ink)}
.title{font-size:15px;font-weight:600}.faint{fill:var(--faint)}.chain{font-weight:700}
.paper{fill:var(--paper)}.grid{stroke:var(--line);stroke-width:1}
.green{fill:var(--green)}.amber{fill:var(--amber)}.red{fill:var(--red)}.grey{fill:var(--grey)}
.accent{fill:var(--accent)}"""

COLOURS: Final = {
    "running": "green",
    "exited": "green",
    "starting": "amber",
    "waiting": "grey",
    "stopping": "amber",
    "backoff": "red",
    "failed": "red",
    "stopped": "grey",
}


def escape(text: str) -> str:
    """Text as XML 1.0 takes it: what it has no way to say is shown as Python would write it."""
    safe = "".join(c if c >= " " and c.isprintable() else repr(c)[1:-1] for c in text)
    safe = safe.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return safe.replace('"', "&quot;").encode("utf-8", "backslashreplace").decode()


def picture(width: float, height: float, title: str, parts: list[str], style: str = "") -> str:
    """A whole file; the title is what a screen reader says first."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" role="img" aria-labelledby="t">'
    )
    begin = [head, f'<title id="t">{escape(title)}</title>', f"<style>{STYLE}{style}</style>"]
    begin.append(f'<rect class="paper" width="{width:.0f}" height="{height:.0f}"/>')
    return "\n".join((*begin, *parts, "</svg>"))


def text(x: float, y: float, words: str, kind: str = "", anchor: str = "") -> str:
    """One line of text, its base line at y."""
    more = f' class="{kind}"' if kind else ""
    more += f' text-anchor="{anchor}"' if anchor else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{more}>{escape(words)}</text>'


def box(x: float, y: float, size: tuple[float, float], kind: str, hint: str = "") -> str:
    """A rectangle of width and height, which tells `hint` when pointed at."""
    width, height = size
    begin = f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.5):.1f}" height="{height:.1f}" '
    begin += f'class="{kind}"'
    return f"{begin}><title>{escape(hint)}</title></rect>" if hint else f"{begin}/>"
