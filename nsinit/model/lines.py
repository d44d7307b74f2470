"""Where each key of a TOML text stands: `key_lines` maps a key path to its line.

tomllib tells no positions, so the text, which tomllib has already accepted, is walked once more.
It is therefore assumed to be valid; on anything else the walk just ends early. Pure.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

KeyPath = tuple[str | int, ...]

_SPACE: Final = " \t"
_BLANK: Final = " \t\r\n"
_DEEPEST: Final = 200
_ESCAPES: Final = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\"}


def key_lines(text: str) -> dict[KeyPath, int]:
    """Line (from 1) of each table, key and array item in a valid TOML text."""
    walk = _Walk(text)
    # Not valid TOML after all: what was found is good enough.
    with suppress(IndexError, ValueError, OverflowError, RecursionError):
        walk.document()
    return walk.lines


class _Walk:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[KeyPath, int] = {}
        self.counts: dict[KeyPath, int] = {}  # tables seen of each [[array of tables]]
        self._counted_to = 0
        self._line = 1

    def document(self) -> None:
        table: KeyPath = ()
        while self._skip_blank():
            if self.text[self.at] == "[":
                table = self._header()
            else:
                self._pair(table)
            while self.at < len(self.text) and self.text[self.at] in _SPACE:
                self.at += 1

    def _skip_blank(self) -> bool:
        """Go to the next token; False at the end of the text."""
        text = self.text
        while self.at < len(text):
            if text[self.at] in _BLANK:
                self.at += 1
            elif text[self.at] == "#":
                end = text.find("\n", self.at)
                self.at = len(text) if end < 0 else end
            else:
                return True
        return False

    def _note(self, path: KeyPath) -> None:
        self._line += self.text.count("\n", self._counted_to, self.at)
        self._counted_to = self.at
        for end in range(1, len(path) + 1):  # a dotted key makes its tables too
            self.lines.setdefault(path[:end], self._line)

    def _header(self) -> KeyPath:
        many = self.text.startswith("[[", self.at)
        self.at += 2 if many else 1
        start = self.at
        written = self._key()
        path: KeyPath = ()
        for part in written[:-1]:
            path += (part,)
            if path in self.counts:
                path += (self.counts[path] - 1,)
        path += (written[-1],)
        if many:
            self.counts[path] = self.counts.get(path, 0) + 1
            path += (self.counts[path] - 1,)
        elif path in self.counts:
            path += (self.counts[path] - 1,)
        after, self.at = self.at, start
        self._note(path)
        self.at = after + (2 if many else 1)
        return path

    def _pair(self, table: KeyPath) -> None:
        start = self.at
        path = table + self._key()
        after, self.at = self.at, start
        self._note(path)
        self.at = after + 1  # the equals sign
        self._value(path)

    def _key(self) -> tuple[str, ...]:
        """A dotted key; stops at the equals sign or the closing bracket."""
        parts: list[str] = []
        while True:
            self._skip_blank()
            char = self.text[self.at]
            if char in "\"'":
                parts.append(self._string())
            else:
                start = self.at
                while self.text[self.at] not in " \t=.]":
                    self.at += 1
                parts.append(self.text[start : self.at])
            self._skip_blank()
            if self.text[self.at] != ".":
                return tuple(parts)
            self.at += 1

    def _value(self, path: KeyPath) -> None:
        self._skip_blank()
        char = self.text[self.at]
        if char in ",]}" or len(path) > _DEEPEST:
            raise IndexError  # no value, or none that anybody wrote by hand
        if char in "\"'":
            self._string()
        elif char == "[":
            self._array(path)
        elif char == "{":
            self._inline_table(path)
        else:
            while self.at < len(self.text) and self.text[self.at] not in ",]}\n#":
                self.at += 1

    def _array(self, path: KeyPath) -> None:
        self.at += 1
        index = 0
        while self._skip_blank() and self.text[self.at] != "]":
            self._note((*path, index))
            self._value((*path, index))
            index += 1
            self._skip_blank()
            if self.text[self.at] == ",":
                self.at += 1
        self.at += 1

    def _inline_table(self, path: KeyPath) -> None:
        self.at += 1
        while self._skip_blank() and self.text[self.at] != "}":
            self._pair(path)
            self._skip_blank()
            if self.text[self.at] == ",":
                self.at += 1
        self.at += 1

    def _string(self) -> str:
        """A string of any of the four kinds; its value matters only where it is a key."""
        quote = self.text[self.at]
        if self.text.startswith(quote * 3, self.at):
            return self._long_string(quote)
        self.at += 1
        made = ""
        while self.text[self.at] != quote:
            if quote == '"' and self.text[self.at] == "\\":
                made += self._escape()
            else:
                made += self.text[self.at]
                self.at += 1
        self.at += 1
        return made

    def _escape(self) -> str:
        letter = self.text[self.at + 1]
        size = {"u": 4, "U": 8}.get(letter, 0)
        digits = self.text[self.at + 2 : self.at + 2 + size]
        self.at += 2 + size
        return chr(int(digits, 16)) if size else _ESCAPES.get(letter, letter)

    def _long_string(self, quote: str) -> str:
        self.at += 3
        while not self.text.startswith(quote * 3, self.at):
            self.at += 2 if quote == '"' and self.text[self.at] == "\\" else 1
            if self.at >= len(self.text):
                raise IndexError
        self.at += 3
        while self.at < len(self.text) and self.text[self.at] == quote:
            self.at += 1  # up to two quotes may stand right before the closing three
        return ""
