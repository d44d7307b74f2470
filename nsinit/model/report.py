"""Collects what is wrong in a configuration, and finds the line of each problem. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from nsinit.errors import ConfigError, Problem
from nsinit.model.lines import KeyPath, key_lines

if TYPE_CHECKING:
    from collections.abc import Iterable


class Source(Struct, frozen=True):
    """One file of the configuration: its name as the user knows it, its text, its tables."""

    file: str
    text: str
    data: dict[str, Any]
    is_options: bool = False  # keys of [sandbox] from the command line, before those of files
    is_command: bool = False  # the main service of the command line


class Report:
    """All problems and warnings of one configuration, by key path."""

    def __init__(self, sources: Iterable[Source]) -> None:
        self.sources = list(sources)
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.paths: set[KeyPath] = set()  # where the problems are
        self.written: dict[KeyPath, KeyPath] = {}  # keys that were written by another name
        self._lines: dict[str, dict[KeyPath, int]] = {}

    def error(
        self, path: KeyPath, message: str, hint: str = "", source: Source | None = None
    ) -> None:
        """Note something that makes the configuration unusable."""
        self.paths.add(path)
        self.problems.append(self._problem(path, message, hint, source))

    def warning(self, path: KeyPath, message: str, hint: str = "") -> None:
        """Note something that works, but hardly as meant."""
        self.warnings.append(self._problem(path, message, hint, None))

    def raise_if_wrong(self) -> None:
        """End with every problem at once, if there is any."""
        if self.problems:
            raise ConfigError(self.problems)

    def _problem(self, path: KeyPath, message: str, hint: str, source: Source | None) -> Problem:
        source = source or self.source_of(path)
        if source.is_options and path[1:2] == ("resources",) and len(path) > 2:
            path = path[1:]  # its keys have options of their own
        if source.is_options and len(path) > 1:
            option = "--" + str(path[1]).replace("_", "-")
            return Problem(option, 0, dotted(path[2:]), message, hint)
        for depth in range(len(path), 0, -1):
            if path[:depth] in self.written:
                path = self.written[path[:depth]] + path[depth:]
                break
        if source.file not in self._lines:
            self._lines[source.file] = key_lines(source.text)
        lines = self._lines[source.file]
        line = next((lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in lines), 0)
        return Problem(source.file, line, dotted(path), message, hint)

    def source_of(self, path: KeyPath) -> Source:
        """The file that describes a table."""
        for depth in (2, 1):
            for source in self.sources:
                if path and _holds(source.data, path[:depth]):
                    return source
        return self.sources[0]


def dotted(path: KeyPath) -> str:
    """A key path as TOML writes it: services."my app".command[0]."""
    import json  # noqa: PLC0415  (only for what has gone wrong)

    made = ""
    for part in path:
        if isinstance(part, int):
            made += f"[{part}]"
            continue
        bare = part and all(char.isascii() and (char.isalnum() or char in "-_") for char in part)
        made += ("." if made else "") + (part if bare else json.dumps(part, ensure_ascii=False))
    return made


def _holds(data: object, path: KeyPath) -> bool:
    for part in path:
        if not isinstance(data, dict) or part not in data:
            return False
        data = data[part]
    return True
