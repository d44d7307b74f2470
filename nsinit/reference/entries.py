"""The key reference as data: tables, where each may stand, and what is to be said of its keys."""

from __future__ import annotations

import json
from types import NoneType, UnionType
from typing import Any, Final, Literal, NamedTuple, Union, get_args, get_origin

import msgspec

from nsinit.model import decode, supervisord
from nsinit.model.mounting import Mount
from nsinit.model.sandboxes import Sandbox
from nsinit.model.spec import Config, Health, Ready, Service, Socket
from nsinit.nearest import did_you_mean
from nsinit.reference.kinds import KINDS
from nsinit.reference.schema import TEXTS, default_of, key_of

NAME: Final = "NAME"  # stands for the name of any service
ITEMS: Final = "[]"  # behind a key whose tables stand in a list
_SIMPLE: Final = {bool: "true or false", int: "number", float: "number", str: "text"}
# What may stand for the table that a key has.
_SHORT: Final = {
    (Service, "log"): "place or path",
    (Service, "sockets"): "address",
    (Ready, "http"): "URL",
    (Health, "http"): "URL",
    (Sandbox, "network"): "mode",
    (Sandbox, "users"): "map",
}
_SHORT_ITEMS: Final = {Mount: "text", Socket: "address"}
# Tables in the order of the page.
_TITLES: Final = {
    "Config": "The file",
    "Service": "A service",
    "Hook": "Hooks",
    "Ready": "Readiness",
    "Health": "Health",
    "Http": "HTTP probes",
    "Schedule": "Schedules",
    "Watch": "Watched files",
    "Socket": "Sockets",
    "Log": "Output",
    "StderrLog": "Output to stderr",
    "Syslog": "Syslog",
    "RateLimit": "Limits of output",
    "Multiline": "Records of several lines",
    "Seccomp": "System calls",
    "Landlock": "Files and ports that can be reached",
    "Resources": "Limits",
    "Io": "Limits of disks",
    "IoLimit": "Limits of one disk",
    "Mount": "Mounts",
    "Init": "Init",
    "InitLog": "What init says",
    "Control": "The control socket",
    "Listen": "The TCP port",
    "Sandbox": "A sandbox",
    "Users": "Users of a sandbox",
    "Clocks": "Clocks of a sandbox",
    "Overlay": "Overlays",
    "Network": "Network",
    "Interface": "Interfaces",
}


class Entry(NamedTuple):
    """One key."""

    name: str
    value: str  # what it takes, in words
    default: str
    text: str
    example: str

    @property
    def line(self) -> str:
        """The example as it would be written."""
        return f"{self.name} = {self.example}"


def heading(path: str) -> str:
    """The header of a table at a path, as TOML has it."""
    return f"[[{path.removesuffix(ITEMS)}]]" if path.endswith(ITEMS) else f"[{path}]"


class Table(NamedTuple):
    """The keys of one table, in groups."""

    title: str
    paths: tuple[str, ...]  # where it may stand: "services.NAME.log"
    groups: tuple[tuple[str, tuple[Entry, ...]], ...]


class Found(NamedTuple):
    """A key, and the path of the table that it stands in; "" for the file itself."""

    table: str
    entry: Entry

    @property
    def path(self) -> str:
        """The whole path: "services.NAME.restart"."""
        return f"{self.table}.{self.entry.name}" if self.table else self.entry.name


def tables() -> list[Table]:
    """All of them, in the order of the page."""
    places = _places()
    order = [*_TITLES, *(name for name in places if name not in _TITLES)]
    made = []
    for name in order:
        kind, paths = places[name]
        groups = tuple(
            (title, tuple(_entry(kind, key) for key in keys)) for title, keys in TEXTS[name].items()
        )
        made.append(Table(_TITLES.get(name, name), tuple(paths), groups))
    return made


def foreign() -> list[tuple[str, str]]:
    """Supervisord's keys of a service, with what they are called here."""
    made = [(alias, key) for alias, (key, _) in decode.ALIASES.items()]
    made += [(alias, ".".join(("log", *path))) for alias, path in supervisord.LOG_KEYS.items()]
    return sorted([*made, (supervisord.REDIRECT, "log.stderr")])


def find(words: str) -> list[Found]:
    """The keys that a path or the end of one means: "services.web.log.file", "log.file"."""
    parts = _split(words.replace("[", "").replace("]", ""))
    if not parts:
        return []
    if parts[0] == "services" and len(parts) > 1:
        parts[1] = NAME
    found: dict[tuple[str, str], Found] = {}
    for name, (kind, paths) in _places().items():
        for field in msgspec.structs.fields(kind):
            if field.encode_name != parts[-1]:
                continue
            for path in paths:
                whole = _split(f"{path}.{field.encode_name}")
                if whole[-len(parts) :] == parts:
                    at = Found(path, _entry(kind, field.encode_name))
                    if len(whole) == len(parts):
                        return [at]
                    found.setdefault((name, field.encode_name), at)
    return list(found.values())


def _split(path: str) -> list[str]:
    return [part for part in path.replace(ITEMS, "").split(".") if part]


def paths() -> list[str]:
    """Every path that `find` knows."""
    return [
        ".".join(_split(f"{path}.{field.encode_name}"))
        for kind, places in _places().values()
        for path in places
        for field in msgspec.structs.fields(kind)
    ]


def nearest(words: str) -> str:
    """The key that may have been meant, as a hint."""
    known = paths()
    return did_you_mean(words, [*known, *{path.rpartition(".")[2] for path in known}])


def _places() -> dict[str, tuple[type[msgspec.Struct], list[str]]]:
    """Each struct, and the paths of the tables that are one."""
    made: dict[str, tuple[type[msgspec.Struct], list[str]]] = {}
    waiting: list[tuple[Any, str]] = [(Config, "")]
    while waiting:
        kind, path = waiting.pop(0)
        if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
            origin = get_origin(kind)
            more = f".{NAME}" if origin is dict else ITEMS if origin is list else ""
            waiting += [(part, path + more) for part in get_args(kind)]
            continue
        _, places = made.setdefault(kind.__name__, (kind, []))
        places.append(path)
        for field in msgspec.structs.fields(kind):
            waiting.append((field.type, f"{path}.{field.encode_name}" if path else field.name))
    return made


def _entry(kind: type[msgspec.Struct], name: str) -> Entry:
    field = next(f for f in msgspec.structs.fields(kind) if f.encode_name == name)
    key = key_of(kind, name)
    value = _words(field.type)
    if short := _SHORT.get((kind, name), "" if not _has_short(kind, name) else "command"):
        value = f"{short} or {value}"
    return Entry(name, value, key.default or shown(default_of(field)), key.text, key.example)


def _has_short(kind: type, name: str) -> bool:
    return decode.SHORTHANDS.get(kind, {}).get(name) == "command"


def shown(value: object) -> str:
    """A value as TOML has it; "none" for what is empty."""
    if value is None or value in ([], {}, ""):
        return "none"
    return json.dumps(value, ensure_ascii=False)


def _words(kind: Any) -> str:  # noqa: ANN401  (a type annotation)
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        parts = [_words(part) for part in args if part is not NoneType]
        return " or ".join(dict.fromkeys(reversed(parts)))
    if origin is Literal:
        return ", ".join(json.dumps(word) for word in args)
    if origin is list:
        short = _SHORT_ITEMS.get(args[0])
        return (
            f"list of {_plural(short)} or tables"
            if short
            else f"list of {_plural(_words(args[0]))}"
        )
    if origin is dict:
        return "table"
    if kind in KINDS:
        return KINDS[kind].words
    return _SIMPLE.get(kind, "table")


def _plural(words: str) -> str:
    if " or " in words:
        return " or ".join(_plural(part) for part in words.split(" or "))
    if words.startswith('"') or words == "text":
        return words
    return f"{words}es" if words.endswith("s") else f"{words}s"
