"""The formats that can be converted: how each is recognized, and which module reads it.

A converter is a module of this package with `convert(paths, document, wishes)`: it adds to the
document what the files at these paths say. It is loaded only when there is something for it.
"""

from __future__ import annotations

import os
import re
import stat
from importlib import import_module
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, cast

from nsinit.convert.document import Document
from nsinit.errors import ConvertError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_HEAD: Final = 64 << 10  # bytes of a file that tell what it is
_COMPOSE: Final = re.compile(r"(docker-)?compose([.-][\w.-]+)?\.ya?ml", re.IGNORECASE)
_SERVICES: Final = re.compile(r"^services:", re.MULTILINE)
_SECTION: Final = re.compile(
    r"^\[(supervisord|unix_http_server|(program|fcgi-program|eventlistener):.+)\]", re.MULTILINE
)


_UNIT: Final = re.compile(r"[^.].*\.(service|socket|timer|path|target)")


class Wishes(NamedTuple):
    """What the caller wants besides, and what he has."""

    env: Mapping[str, str]  # the environment, which some formats fill in
    formation: Mapping[str, int] = {}  # how many processes of each name, for a Procfile
    profiles: Sequence[str] = ()  # of compose
    env_files: Sequence[str] = ()  # instead of the .env beside the file
    port: int | None = None  # the first one that a Procfile's processes get
    sandbox: bool = False  # with a [sandbox] table
    root: str = ""  # of the system that units are looked for in
    instance: str = ""  # of a template of units


class Candidate(NamedTuple):
    """Something to be recognized."""

    path: str
    name: str  # without the directories before it
    names: Sequence[str]  # what is in it, if it is a directory
    head: str  # how it begins, if it is a file

    @property
    def is_dir(self) -> bool:
        """Whether it is a directory with something in it."""
        return bool(self.names)


class Kind(NamedTuple):
    """One format."""

    name: str  # for --from
    what: str  # for people
    module: str  # in this package
    matches: Callable[[Candidate], bool]


class _Converter(Protocol):
    def convert(self, paths: Sequence[str], document: Document, wishes: Wishes) -> None: ...


def _is_supervisord(one: Candidate) -> bool:
    return bool(_SECTION.search(one.head))


def _is_compose(one: Candidate) -> bool:
    if one.is_dir:
        return any(_COMPOSE.fullmatch(name) for name in one.names)
    is_yaml = one.name.endswith((".yml", ".yaml"))
    return bool(_COMPOSE.fullmatch(one.name)) or (is_yaml and bool(_SERVICES.search(one.head)))


def _is_procfile(one: Candidate) -> bool:
    if one.is_dir:
        return "Procfile" in one.names
    return one.name.partition(".")[0] == "Procfile" or one.name.lower().endswith(".procfile")


def _is_s6(one: Candidate) -> bool:
    if not one.is_dir:
        return False
    from nsinit.convert.s6.converter import is_s6  # noqa: PLC0415  (for directories only)

    return is_s6(one.path)


def _is_systemd(one: Candidate) -> bool:
    if one.is_dir:
        return any(_UNIT.fullmatch(name) for name in one.names)
    return bool(_UNIT.fullmatch(one.name))


# The first that matches is taken.
KINDS: Final[tuple[Kind, ...]] = (
    Kind("supervisord", "supervisord.conf", "supervisord", _is_supervisord),
    Kind("compose", "a docker compose file", "compose", _is_compose),
    Kind("procfile", "a Procfile", "procfile", _is_procfile),
    Kind("s6", "directories of s6, s6-rc, s6-overlay, runit", "s6.converter", _is_s6),
    Kind(
        "systemd", "units of systemd: files, directories, names", "systemd.converter", _is_systemd
    ),
)
NAMES: Final = tuple(kind.name for kind in KINDS)


def convert(paths: Sequence[str], wishes: Wishes, kind: str = "") -> Document:
    """What the files mean; ConvertError if one can't be read, UsageError if one is unknown.

    Without a `kind` each is recognized by its name and by how it begins.
    """
    found: dict[str, list[str]] = {}
    for path in paths:
        found.setdefault(kind or recognize(path).name, []).append(path)
    document = Document()
    for one in KINDS:
        if one.name in found:
            module = import_module(f"nsinit.convert.{one.module}")
            cast("_Converter", module).convert(found[one.name], document, wishes)
    return document


def recognize(path: str) -> Kind:
    """Which format it is."""
    candidate = look_at(path)
    for kind in KINDS:
        if kind.matches(candidate):
            return kind
    raise UsageError(
        f"cannot tell what {path} is: it looks like none of {', '.join(k.what for k in KINDS)}",
        hint=f"say it: --from {'|'.join(NAMES)}",
    )


def look_at(path: str) -> Candidate:
    """What there is at a path; what is no text has no head."""
    name = os.path.basename(os.path.abspath(path))
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            return Candidate(path, name, sorted(os.listdir(path)), "")
        if not stat.S_ISREG(mode):
            return Candidate(path, name, (), "")  # a pipe is read only once
        with open(path, "rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise ConvertError(path, 0, error.strerror or str(error)) from None
    except ValueError:
        raise ConvertError(path, 0, "a path can't contain NUL") from None
    return Candidate(path, name, (), head.decode("utf-8", "replace"))
