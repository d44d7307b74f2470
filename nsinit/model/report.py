"""Collects what is wrong in a configuration, and finds the line of each problem. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

from nsinit.errors import ConfigError
from nsinit.model.lines import KeyPath, key_lines
from nsinit.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable

# Keys of [sandbox.network] that are options of `nsinit run` too; of `resources` all are.
NETWORK_OPTIONS: Final = (
    "bridge", "subnet", "address", "gateway", "dns", "dns_search", "hosts", "nat", "publish",
)  # fmt: skip


class Source(Struct, frozen=True):
    """One file of the configuration: its name as the user knows it, its text, its tables."""

    file: str
    text: str
    data: dict[str, Any]
    is_options: bool = False  # keys of [sandbox] from the command line, before those of files
    given: frozenset[str] = frozenset()  # of options: these, as "name" or "network.dns"
    is_command: bool = False  # the main service of the command line
    packed: bytes = b""  # the tables, where `data` is empty

    def put_away(self) -> Source:
        """The same for somebody who hardly ever needs the tables, a sixth as large."""
        try:
            packed = msgspec.msgpack.encode(self.data)
        except (UnicodeEncodeError, OverflowError):  # bytes from a command line, a huge number
            return self
        return msgspec.structs.replace(self, data={}, packed=packed)

    def taken_out(self) -> Source:
        """With its tables."""
        if not self.packed:
            return self
        return msgspec.structs.replace(self, data=msgspec.msgpack.decode(self.packed), packed=b"")


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
        source = self._written_in(path, source or self.source_of(path))
        if source.is_options and len(path) > 2 and _has_own_option(path):
            path = path[1:]
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

    def _written_in(self, path: KeyPath, source: Source) -> Source:
        """The file of a key that only stands beside one that was given as an option."""
        if not source.given or len(path) < 3 or path[1] in source.given:
            return source
        if f"{path[1]}.{path[2]}" in source.given:
            return source
        files = [one for one in self.sources if not one.is_options]
        return next((one for one in reversed(files) if path[:3] in key_lines(one.text)), source)

    def source_of(self, path: KeyPath) -> Source:
        """The file that describes a table."""
        for depth in (2, 1):
            for source in self.sources:
                if path and _holds(source.data, path[:depth]):
                    return source
        return self.sources[0]


def _has_own_option(path: KeyPath) -> bool:
    """Whether the key within a table of `[sandbox]` is an option too, as --memory and --dns are."""
    return path[1] == "resources" or (path[1] == "network" and path[2] in NETWORK_OPTIONS)


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
