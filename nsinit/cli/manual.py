"""The manual pages: by man(1) on a terminal that has it, and as plain text everywhere else."""

from __future__ import annotations

import os
import re
import sys
import textwrap
from typing import Final

import nsinit

DIRECTORY: Final = os.path.join(os.path.dirname(nsinit.__file__), "resources", "man")
NAMES: Final = ("nsinit.1", "nsinit-ctl.1", "nsinit.toml.5", "nsinit-sandbox.7")
_WIDTH: Final = 78
_INDENT: Final = 7
_ESCAPES: Final = {
    "\\-": "-", "\\e": "\\", "\\&": "", "\\(aq": "'", "\\(ga": "`", "\\(pc": "·", "\\(ha": "^",
    "\\(ti": "~", "\\fB": "", "\\fI": "", "\\fR": "",
}  # fmt: skip
_ESCAPE: Final = re.compile(r"\\(?:f[BIR]|\([a-z]{2}|.)")


def page_named(topic: str) -> str | None:
    """The file of a page by any name of it: "nsinit.toml", "nsinit.toml(5)", "toml"."""
    word = topic.replace("(", ".").replace(")", "")
    for name in NAMES:
        short = name.rpartition(".")[0]
        if word in (name, short, re.split(r"[.-]", short)[-1]) and (
            word != "nsinit" or "." in name
        ):
            return name
    return None


def show_page(name: str) -> None:
    """Show one on a terminal by man(1), else print it."""
    path = os.path.join(DIRECTORY, name)
    if sys.stdout.isatty() and _which("man"):
        sys.stdout.flush()
        os.execvp("man", ["man", "-l", path])
    with open(path, encoding="utf-8") as file:
        show_text(as_text(file.read()))


def show_text(text: str) -> None:
    """Print it, on a terminal that it does not fit on by the user's pager."""
    from nsinit.cli.output import say

    if sys.stdout.isatty() and text.count("\n") >= os.get_terminal_size(1).lines:
        pager = os.environ.get("PAGER") or next(filter(_which, ("less", "more")), "")
        if pager:
            import subprocess

            subprocess.run(["/bin/sh", "-c", pager], input=text.encode(), check=False)
            return
    say(text)


def _which(program: str) -> bool:
    places = os.environ.get("PATH", os.defpath).split(":")
    return any(os.access(os.path.join(place or ".", program), os.X_OK) for place in places)


def as_text(page: str) -> str:
    """A page that scripts/gen-docs has made, without roff."""
    reader = _Reader()
    for line in page.splitlines():
        reader.take(line)
    return "\n".join(reader.finish()).strip("\n")


class _Reader:
    """Knows the few requests that our pages use."""

    def __init__(self) -> None:
        self._made: list[str] = []
        self._words: list[str] = []
        self._indent = _INDENT
        self._as_is = False
        self._is_term = False

    def take(self, line: str) -> None:
        """Read a line."""
        if not line.startswith(".") or line.startswith('.\\"'):
            self._text(line)
            return
        request, _, rest = line.partition(" ")
        if request == ".br" and self._words:
            self._flush()
        elif request in (".PP", ".SH", ".SS", ".TP"):
            self._flush()
            self._made.append("")
            self._indent, self._is_term = _INDENT, request == ".TP"
            if request in (".SH", ".SS"):
                self._made.append(("" if request == ".SH" else "   ") + _plain(rest.strip('"')))
        elif request in (".nf", ".fi"):
            self._flush()
            self._as_is = request == ".nf"
        elif request in (".RS", ".RE"):
            self._indent = _INDENT + (4 if request == ".RS" else 0)

    def _text(self, line: str) -> None:
        if line.startswith('.\\"'):
            return
        if self._as_is or self._is_term:
            self._made.append((" " * self._indent + _plain(line)).rstrip())
            self._indent += 7 if self._is_term else 0
            self._is_term = False
        else:
            self._words.append(_plain(line))

    def _flush(self) -> None:
        if self._words:
            margin = " " * self._indent
            text = " ".join(self._words)
            self._made += textwrap.wrap(
                text, _WIDTH, initial_indent=margin, subsequent_indent=margin,
                break_long_words=False, break_on_hyphens=False,
            )  # fmt: skip
            self._words = []

    def finish(self) -> list[str]:
        """The lines, with the last paragraph."""
        self._flush()
        return self._made


def _plain(text: str) -> str:
    return _ESCAPE.sub(lambda match: _ESCAPES.get(match[0], match[0]), text)
