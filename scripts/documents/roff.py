"""Text of manual pages, in the macros of man(7)."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def plain(text: str) -> str:
    """Text as it is: nothing in it is an escape or a request."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    text = text.replace("·", "\\(pc").replace("^", "\\(ha").replace("~", "\\(ti")
    return "\n".join(f"\\&{line}" if line[:1] == "." else line for line in text.split("\n"))


def prose(text: str) -> str:
    """A paragraph: `code` is bold, pages such as nsinit(1) too, each sentence has a line."""
    parts = re.split(r"(`[^`]+`|\b[a-z][a-z.-]*\([1-8]\))", text)
    made = "".join(_bold(part) if index % 2 else plain(part) for index, part in enumerate(parts))
    sentences = re.sub(r"(?<=[a-z)\]R])([.?:]) (?=[A-Z\\])", r"\1\n", made).split("\n")
    return "\n".join(_wrapped(sentence) for sentence in sentences)


def _wrapped(sentence: str) -> str:
    """In lines of 78 bytes; none begins with what would be a request."""
    lines = textwrap.wrap(sentence.strip(), 78, break_long_words=False, break_on_hyphens=False)
    return "\n".join(f"\\&{line}" if line[:1] == "." else line for line in lines)


def _bold(part: str) -> str:
    if part.startswith("`"):
        return f"\\fB{plain(part[1:-1])}\\fR"
    name, _, section = part.partition("(")
    return f"\\fB{plain(name)}\\fR({section}"


def bold(text: str) -> str:
    """In bold, as what is typed."""
    return f"\\fB{plain(text)}\\fR"


def words(text: str) -> str:
    """What is typed, with what stands for something else (NAME, N) in italics."""
    parts = re.split(r"([A-Z][A-Z]+\b)", text)
    return "".join(
        f"\\fI{plain(part)}\\fR" if index % 2 else bold(part) if part.strip() else plain(part)
        for index, part in enumerate(parts)
        if part
    )


# Pages have to have one; always the same, so that they change only with what they tell.
_DATE = "2026-11-01"


class Page:
    """One manual page."""

    def __init__(self, name: str, section: int, title: str) -> None:
        self._lines = [
            '.\\" Made by scripts/gen-docs: change what it is made from, not this.',
            f'.TH {name.upper()} {section} {_DATE} nsinit "{title}"',
        ]

    def section(self, title: str) -> None:
        """Begin one."""
        self._lines.append(f".SH {plain(title.upper())}")

    def part(self, title: str) -> None:
        """Begin a part of a section."""
        self._lines.append(f'.SS "{plain(title)}"')

    def text(self, *paragraphs: str) -> None:
        """Paragraphs, as `prose` has them."""
        for index, paragraph in enumerate(paragraphs):
            heading = self._lines[-1].startswith((".SH", ".SS"))
            self._lines += ([] if heading and not index else [".PP"]) + [prose(paragraph)]

    def raw(self, line: str) -> None:
        """One that is roff already."""
        self._lines.append(line)

    def terms(self, rows: Iterable[tuple[str, str]]) -> None:
        """Terms that are roff already, with what each means."""
        for term, meaning in rows:
            self._lines += [".TP", term, prose(meaning)]

    def lines(self, texts: Sequence[str]) -> None:
        """Lines that stay as they are, such as examples."""
        heading = self._lines[-1].startswith((".SH", ".SS"))
        self._lines += [] if heading else [".PP"]
        self._lines += [".nf", ".RS 4", *map(plain, texts), ".RE", ".fi"]

    def __str__(self) -> str:
        return "\n".join(self._lines) + "\n"
