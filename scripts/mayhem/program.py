"""A program of chaos as text, and back: what a failure prints and `--replay` reads.

init way=pid1 loop=uvloop clock=1764000000,-3600@2.5 groups=yes
service s001 notifier variant=3 needs=s000:ready autostart=no
step call stop {"names": ["s001"]}
step end term
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from .kinds import KINDS, MAIN, Kind, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable

Way = Literal["pid1", "subreaper", "rootless"]
WAYS: Final[dict[str, Way]] = {"pid1": "pid1", "subreaper": "subreaper", "rootless": "rootless"}


class ProgramError(Exception):
    """A text that is no program."""


class Subject(NamedTuple):
    """One service."""

    name: str
    kind: str
    variant: int = 0
    needs: tuple[tuple[str, str], ...] = ()
    autostart: bool = True

    @property
    def row(self) -> Kind:
        """What its kind is."""
        return kind_of(self.kind)

    def text(self) -> str:
        """As a line, without its first word."""
        words = [self.name, self.kind]
        words += [f"variant={self.variant}"] if self.variant else []
        words += [f"needs={','.join(f'{n}:{how}' for n, how in self.needs)}"] if self.needs else []
        words += [] if self.autostart else ["autostart=no"]
        return " ".join(words)


class Step(NamedTuple):
    """One step: what, and with which words."""

    kind: str
    words: tuple[str, ...] = ()

    def text(self) -> str:
        """As a line, without its first word."""
        return shlex.join([self.kind, *self.words])


class Program(NamedTuple):
    """A whole life of one init."""

    seed: int
    way: Way
    loop: str
    clock: str
    services: tuple[Subject, ...]
    steps: tuple[Step, ...]
    groups: bool = False  # whether init may make cgroups

    def text(self) -> str:
        """All of it, a line for each service and step."""
        return "\n".join(
            [
                f"# scripts/chaos --seed {self.seed}; run it with scripts/chaos --replay FILE",
                f"init way={self.way} loop={self.loop} clock={self.clock or '-'} seed={self.seed}"
                + (" groups=yes" if self.groups else ""),
                *(f"service {one.text()}" for one in self.services),
                *(f"step {one.text()}" for one in self.steps),
                "",
            ]
        )


def parse_subject(words: list[str]) -> Subject:
    """A service from the words of its line."""
    try:
        name, kind, *rest = words
        more = dict(word.split("=", 1) for word in rest)
    except ValueError:
        raise ProgramError(f"no service: {' '.join(words)}") from None
    if kind not in KINDS and kind != MAIN.name:
        raise ProgramError(f"no kind of service is called {kind!r}")
    rows = [row.split(":", 1) for row in more.get("needs", "").split(",") if row]
    needs = tuple((row[0], row[1]) for row in rows)
    return Subject(name, kind, int(more.get("variant", 0)), needs, more.get("autostart") != "no")


def parse(text: str) -> Program:
    """A program from its text; ProgramError says what is wrong."""
    about: dict[str, str] = {}
    services: list[Subject] = []
    steps: list[Step] = []
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        try:
            first, *words = shlex.split(line)
        except ValueError as error:
            raise ProgramError(f"{error}: {line}") from None
        match first, words:
            case "init", _:
                about = dict(word.split("=", 1) for word in words)
            case "service", _:
                services.append(parse_subject(words))
            case "step", [kind, *rest]:
                steps.append(Step(kind, tuple(rest)))
            case _:
                raise ProgramError(f"no line of a program: {line}")
    way = about.get("way", "pid1")
    if way not in WAYS:
        raise ProgramError(f"no way to run init: {way}")
    clock = about.get("clock", "-").removeprefix("-")
    seed = int(about.get("seed", "0"))
    loop, groups = about.get("loop", "auto"), about.get("groups") == "yes"
    return Program(seed, WAYS[way], loop, clock, tuple(services), tuple(steps), groups)


def without(program: Program, gone: Iterable[str]) -> Program:
    """The program without some services, which nobody needs any more either."""
    dropped = set(gone)
    kept = [
        one._replace(needs=tuple(row for row in one.needs if row[0] not in dropped))
        for one in program.services
        if one.name not in dropped
    ]
    return program._replace(services=tuple(kept))
