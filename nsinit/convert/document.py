"""What a converter makes: tables of nsinit.toml, and what has no equal there. Pure.

Nothing that was found is dropped: it becomes a key, or a `Finding` in the table that it concerns.
Strings are meant as they are; `nsinit.convert.write` sees to the quotes and to the `$$` for a
dollar sign. Only a `Template` is filled in when nsinit reads the file.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from nsinit.model.naming import NAME_MAX, bad_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Value: TypeAlias = "str | int | float | bool | Sequence[Value] | Mapping[str, Value]"

_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9_.-]+")
_SHOWN: Final = 300  # characters of a value in a comment


class Template(str):
    """Text whose `${X}`, `${X:-default}` and `$$` nsinit fills in; the rest of it is `literal`."""

    __slots__ = ()


def literal(text: str) -> str:
    """The text as part of a template, where it stands for itself whatever follows it."""
    return text.replace("$", "$$")


class Finding(NamedTuple):
    """What has no equal: its place, its key as the other tool calls it, its value, why."""

    file: str
    line: int  # from 1; 0: of no line in particular
    key: str  # "program:web.umask", "services.web.image"
    text: str  # the value as it was written; "" if there is none
    reason: str

    def __str__(self) -> str:
        """As it stands behind "unsupported: "."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        value = f" = {self.text[:_SHOWN]}{'...' * (len(self.text) > _SHOWN)}" if self.text else ""
        return f"{place}: {self.key}{value} ({self.reason})"


class Table:
    """One table of the file: its keys, remarks about them, and what is missing in it."""

    def __init__(self) -> None:
        self.keys: dict[str, Value] = {}
        self.comments: list[str] = []  # above the table
        self.remarks: dict[str, str] = {}  # behind a key
        self.findings: list[Finding] = []
        self.origins: dict[str, tuple[str, int, str]] = {}  # file, line, its name there

    def set(
        self, key: str, value: Value, remark: str = "", origin: tuple[str, int, str] | None = None
    ) -> None:
        """Give a key its value; the later one counts. The origin is told if nsinit refuses it."""
        self.keys[key] = value
        if origin is not None:
            self.origins[key] = origin
        if remark:
            self.remarks[key] = remark

    def unsupported(self, file: str, line: int, key: str, text: str, reason: str) -> None:
        """Note what has no equal."""
        finding = Finding(file, line, key, text, reason)
        if finding not in self.findings:
            self.findings.append(finding)

    def comment(self, text: str) -> None:
        """Say something above the table, once."""
        if text not in self.comments:
            self.comments.append(text)


class Document:
    """A whole nsinit.toml in the making.

    `top` has no keys: its comments and findings begin the file.
    """

    def __init__(self) -> None:
        self.top = Table()
        self.init = Table()
        self.sandbox: Table | None = None
        self.services: dict[str, Table] = {}

    def service(self, name: str) -> Table:
        """The table of a service, which is made if it is not there; see `free_name`."""
        return self.services.setdefault(name, Table())

    def boxed(self) -> Table:
        """The table `[sandbox]`, which is made if it is not there."""
        if self.sandbox is None:
            self.sandbox = Table()
        return self.sandbox

    def free_name(self, wanted: str) -> str:
        """A name that a service can have and none has: the wanted one, or one that is like it."""
        name = wanted
        if bad_name(name):
            name = _NOT_IN_NAMES.sub("-", wanted.encode("ascii", "replace").decode())
            name = name.strip("_.-")[:NAME_MAX] or "service"
        base, number = name, 1
        while name in self.services:
            number += 1
            name = f"{base[: NAME_MAX - 5]}-{number}"
        return name

    def tables(self) -> Iterator[Table]:
        """All of them, in the order of the file."""
        yield self.top
        yield self.init
        if self.sandbox is not None:
            yield self.sandbox
        yield from self.services.values()

    @property
    def findings(self) -> list[Finding]:
        """All that has no equal, in the order of the file."""
        return [finding for table in self.tables() for finding in table.findings]
