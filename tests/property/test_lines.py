"""Documents whose lines are known by those who wrote them, and texts that are no documents."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

from hypothesis import example, given
from hypothesis import strategies as st

from nsinit.model.lines import key_lines
from tests.support import strategies as some

if TYPE_CHECKING:
    from nsinit.model.lines import KeyPath

COMMENTS = ["", "", "", "  # plain", "  # a = [1", '\t# "\'""" {']


class Writer:
    """Writes tables as TOML in styles that are drawn, and notes where each key went."""

    def __init__(self, data: st.DataObject) -> None:
        self.text = ""
        self.lines: dict[KeyPath, int] = {}
        self._draw = data.draw

    def choose(self, *choices: str) -> str:
        return self._draw(st.sampled_from(choices))

    def put(self, text: str) -> None:
        self.text += text

    def note(self, path: KeyPath) -> None:
        for end in range(1, len(path) + 1):
            self.lines.setdefault(path[:end], self.text.count("\n") + 1)

    def end_line(self) -> None:
        self.put(self._draw(st.sampled_from(COMMENTS)) + self.choose("\n", "\n", "\n\n"))

    def table(self, data: dict[str, Any], path: KeyPath, written: list[str]) -> None:
        """The pairs of a table whose header was written, then its sub-tables with theirs."""
        later: list[str] = []
        for key, value in data.items():
            style = self.choose("value", "header", "dotted")
            if style == "header" and _can_be_header(value):
                later.append(key)
            elif style == "dotted" and isinstance(value, dict) and value:
                for inner, item in value.items():
                    self.pair([key, inner], item, (*path, key, inner))
                    self.end_line()
            else:
                self.pair([key], value, (*path, key))
                self.end_line()
        for key in later:
            self.headers(data[key], (*path, key), [*written, key])

    def headers(self, value: Any, path: KeyPath, written: list[str]) -> None:
        if isinstance(value, dict):
            if _only_tables(value) and self.choose("written", "implied") == "implied":
                for key, item in value.items():
                    self.headers(item, (*path, key), [*written, key])
                return
            self.header("[", written, path)
            self.table(value, path, written)
            return
        for index, item in enumerate(value):
            self.header("[[", written, (*path, index))
            self.table(item, (*path, index), written)

    def header(self, bracket: str, written: list[str], path: KeyPath) -> None:
        self.put(self.choose("", "  "))
        self.note(path)
        inner = self.key(written)
        space = self.choose("", " ")
        self.put(bracket + space + inner + space + "]" * len(bracket))
        self.end_line()

    def key(self, parts: list[str]) -> str:
        dot = self.choose(".", " . ", "\t.")
        return dot.join(self.key_part(part) for part in parts)

    def key_part(self, part: str) -> str:
        if part and part.isascii() and part.replace("-", "").replace("_", "").isalnum():
            return self.choose(part, _basic(part))
        return f"'{part}'" if _is_plain(part) and self.choose("'", '"') == "'" else _basic(part)

    def pair(self, parts: list[str], value: Any, path: KeyPath) -> None:
        self.note(path)
        self.put(self.key(parts) + self.choose("=", " = ", "\t= "))
        self.value(value, path)

    def value(self, value: Any, path: KeyPath) -> None:
        if isinstance(value, dict):
            self.inline_table(value, path)
        elif isinstance(value, list):
            self.array(value, path)
        elif isinstance(value, str):
            self.put(self.string(value))
        else:
            self.put(str(value).lower() if isinstance(value, bool) else repr(value))

    def inline_table(self, data: dict[str, Any], path: KeyPath) -> None:
        self.put("{" + self.choose("", " "))
        for index, (key, value) in enumerate(data.items()):
            self.put(", " if index else "")
            self.pair([key], value, (*path, key))
        self.put(self.choose("", " ") + "}")

    def array(self, items: list[Any], path: KeyPath) -> None:
        self.put("[" + self.gap())
        for index, item in enumerate(items):
            self.note((*path, index))
            self.value(item, (*path, index))
            self.put(self.gap() + ("," if index < len(items) - 1 else self.choose("", ",")))
            self.put(self.gap())
        self.put("]")

    def gap(self) -> str:
        return self.choose("", " ", "\n", "\n\n\t", " # x]\n", "\n # '\n")

    def string(self, text: str) -> str:
        style = self.choose("basic", "literal", "long", "long literal")
        if style == "literal" and _is_plain(text):
            return f"'{text}'"
        if style == "long literal" and _is_plain(text.replace("\n", "")):
            return f"'''\n{text}'''"
        if style == "long":
            return '"""\n' + _basic(text)[1:-1].replace("\\n", "\n") + self.choose('"""', '\\\n"""')
        return _basic(text)


def _basic(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _is_plain(text: str) -> bool:
    return "'" not in text and all(char == "\t" or 32 <= ord(char) != 127 for char in text)


def _can_be_header(value: object) -> bool:
    if isinstance(value, list):
        return bool(value) and all(isinstance(item, dict) for item in value)
    return isinstance(value, dict)


def _only_tables(data: dict[str, Any]) -> bool:
    return bool(data) and all(_can_be_header(value) for value in data.values())


@some.DEAR
@given(data=st.data(), tables=some.TOML_TABLES, windows=st.booleans())
def test_every_key_is_found_when_a_document_is_written_in_any_style(
    data: st.DataObject, tables: dict[str, Any], windows: bool
) -> None:
    """All paths, and nothing else, each on the line where it is first mentioned."""
    writer = Writer(data)
    writer.table(tables, (), [])
    text = writer.text.replace("\n", "\r\n") if windows else writer.text
    assert tomllib.loads(text) == tables  # or the writer is wrong
    assert key_lines(text) == writer.lines


class Impatient(str):
    """A text that stops whoever reads it for ever."""

    __slots__ = ("reads",)

    def __getitem__(self, at: Any) -> str:
        self.reads: int = getattr(self, "reads", 0) + 1
        assert self.reads < 10_000, "the walk does not get on"
        return super().__getitem__(at)


@given(text=st.text() | st.text("[]{}=,.'\"\\u#\n ab1"))
@example("a = [}")
@example('"\\uzzzz" = 1')
@example('"\\Uffffffff" = 1')
@example("a = " + "[" * 2000)
def test_walk_ends_when_the_text_is_anything(text: str) -> None:
    """What is not TOML has fewer lines, and nothing worse."""
    key_lines(Impatient(text))
