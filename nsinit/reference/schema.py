"""The JSON Schema (2020-12) of nsinit.toml, from the structs of `nsinit.model`.

What can be written in short, under another name, or with a variable in it is in the schema too, so
that whatever `nsinit check` takes is valid. What one key demands of another is not.
"""

from __future__ import annotations

import tomllib
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Final, Literal, Union, get_args, get_origin

import msgspec

from nsinit.model import decode, supervisord
from nsinit.model.checks import RLIMITS
from nsinit.model.mounting import Mount
from nsinit.model.naming import NAME_MAX
from nsinit.model.sandboxes import Sandbox
from nsinit.model.spec import Config, Health, Log, Ready, Service, Socket
from nsinit.model.types import Codes, Sinks, Size
from nsinit.reference import outputs, sandboxes, services, tables
from nsinit.reference.kinds import KINDS, Schema, many, text, words

if TYPE_CHECKING:
    from nsinit.reference.key import Key, Texts

TEXTS: Final[Texts] = {**tables.TEXTS, **outputs.TEXTS, **services.TEXTS, **sandboxes.TEXTS}
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_SIMPLE: Final = {bool: "boolean", int: "integer", float: "number", str: "string"}
_TEXT: Final = text()
_NAME: Final = rf"^[A-Za-z0-9][A-Za-z0-9_.-]{{0,{NAME_MAX - 1}}}$"  # see nsinit.model.naming
_PATH: Final = text("^/")
_ORIGIN: Final = {"anyOf": [{"type": "integer", "minimum": 1}, text("^(/|sandbox:|[0-9]+$)")]}
# What may stand for the table that a key has, beside what `decode.SHORTHANDS` says.
_SHORT: Final[dict[tuple[type, str], tuple[Schema, ...]]] = {
    (Service, "log"): (_PATH,),
    (Log, "stderr"): (KINDS[Sinks].schema, _PATH),
    (Ready, "http"): (_TEXT,),
    (Health, "http"): (_TEXT,),
    (Sandbox, "network"): (_ORIGIN,),
}
# The same for the tables of a list.
_SHORT_ITEMS: Final = {Mount: _TEXT, Socket: _TEXT}
# Values of supervisord's keys, where they differ from those of the keys that they stand for.
_RESTARTS: Final = {"anyOf": [{"type": "boolean"}, words("unexpected")]}
_FOREIGN: Final[dict[str, Schema]] = {
    "autorestart": _RESTARTS,
    "exitcodes": {"anyOf": [_TEXT, KINDS[Codes].schema]},
    supervisord.REDIRECT: {"type": "boolean"},
}
_FOREIGN_LOG: Final[dict[str, Schema]] = {
    "file": _TEXT,
    "max_size": KINDS[Size].schema,
    "keep": {"type": "integer"},
}


def schema() -> dict[str, Any]:
    """The whole of it."""
    made = _Maker()
    top = made.struct(Config)
    service = {"$ref": "#/$defs/Service"}
    top["properties"]["services"] |= {
        "type": "object",
        "propertyNames": {"pattern": _NAME},
        "properties": {"main": service},
        "additionalProperties": {"allOf": [service], "required": ["command"]},
    }
    made.of(Service)
    return {
        "$schema": DIALECT,
        "$id": "urn:nsinit:nsinit.toml",
        "title": "nsinit.toml",
        **top,
        "$defs": dict(sorted(made.defs.items())),
    }


def key_of(kind: type, name: str) -> Key:
    """What is said of a key; KeyError if nothing is."""
    for group in TEXTS[kind.__name__].values():
        if name in group:
            return group[name]
    raise KeyError(f"{kind.__name__}.{name}")


def default_of(field: msgspec.structs.FieldInfo) -> object:
    """The default as it would be written; None if it depends, or there is none."""
    value = field.default_factory() if callable(field.default_factory) else field.default
    if value is msgspec.NODEFAULT or value is None or isinstance(value, msgspec.Struct):
        return None
    kind = KINDS.get(type(value))
    shown = kind.show(value) if kind is not None else value
    return sorted(shown) if isinstance(shown, (set, frozenset)) else shown


def example_of(key: Key) -> Any:  # noqa: ANN401  (what TOML can hold)
    """The example as a value."""
    return tomllib.loads(f"value = {key.example}")["value"]


class _Maker:
    """Makes schemas, and collects the definitions that they refer to."""

    def __init__(self) -> None:
        self.defs: dict[str, Schema] = {}

    def struct(self, kind: type[msgspec.Struct]) -> Schema:
        """A table."""
        fields = msgspec.structs.fields(kind)
        required = [field.encode_name for field in fields if field.required]
        properties = {field.encode_name: self._property(kind, field) for field in fields}
        if kind is Service:
            required = []  # see `schema`
            properties |= self._foreign(properties)
        made: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
        return made | ({"required": required} if required else {})

    def of(self, kind: Any) -> Schema:  # noqa: ANN401  (a type annotation)
        """What a type annotation allows."""
        origin, args = get_origin(kind), get_args(kind)
        if origin in (Union, UnionType):
            parts = [self.of(part) for part in args if part is not NoneType]
            return parts[0] if len(parts) == 1 else {"anyOf": parts}
        if origin is Literal:
            return words(*args)
        if origin is list:
            short = _SHORT_ITEMS.get(args[0])
            item = self.of(args[0])
            return many({"anyOf": [short, item]} if short else item)
        if origin is dict:
            keys = {"propertyNames": self.of(args[0])} if get_origin(args[0]) is Literal else {}
            return {"type": "object", **keys, "additionalProperties": self.of(args[1])}
        return self._plain(kind)

    def _plain(self, kind: Any) -> Schema:  # noqa: ANN401  (a type)
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            return self._refer(kind.__name__, lambda: self.struct(kind))
        if kind in KINDS:
            return self._refer(kind.__name__, lambda: KINDS[kind].schema)
        if kind in _SIMPLE:
            return {"type": _SIMPLE[kind]}
        raise KeyError(f"{kind}: say in nsinit/reference/kinds.py what it looks like")

    def _refer(self, name: str, make: Any) -> Schema:  # noqa: ANN401  (of a schema)
        if name not in self.defs:
            self.defs[name] = {}  # it may refer to itself
            self.defs[name] = make()
        return {"$ref": f"#/$defs/{name}"}

    def _property(self, kind: type[msgspec.Struct], field: msgspec.structs.FieldInfo) -> Schema:
        name = field.encode_name
        key = key_of(kind, name)
        schema = self.of(field.type)
        short = [*_SHORT.get((kind, name), ()), *self._inner(kind, name, field.type)]
        if (kind, name) == (Service, "sockets"):
            short += [_TEXT, self.of(Socket)]
        if (kind, name) == (Service, "limits"):
            schema = {**schema, "propertyNames": {"enum": list(RLIMITS)}}
        if short:
            schema = {"anyOf": [schema, *short]}
        default = default_of(field)
        told = {"description": key.text.replace("`", "")}
        if key.default:
            if not field.required:
                told["description"] += f" Default: {key.default}.".replace("`", "")
        elif default is not None:
            schema = {**schema, "default": default}
        return {**told, **schema, "examples": [example_of(key)]}

    def _inner(self, kind: type, name: str, annotation: Any) -> list[Schema]:  # noqa: ANN401
        """What the one key takes that a value without a table stands for."""
        inner = decode.SHORTHANDS.get(kind, {}).get(name)
        if inner is None and (kind, name) == (Sandbox, "network"):
            inner = "mode"
        if inner is None:
            return []
        parts = get_args(annotation) or (annotation,)
        struct = next(p for p in parts if isinstance(p, type) and issubclass(p, msgspec.Struct))
        field = next(f for f in msgspec.structs.fields(struct) if f.encode_name == inner)
        return [self.of(field.type)]

    def _foreign(self, ours: dict[str, Schema]) -> dict[str, Schema]:
        """Supervisord's keys."""
        made: dict[str, Schema] = {}
        for alias, (key, _) in decode.ALIASES.items():
            same = {k: v for k, v in ours[key].items() if k not in ("examples", "default")}
            if alias in _FOREIGN:
                kept = {k: v for k, v in same.items() if k != "description"}
                same = {"anyOf": [*kept.get("anyOf", [kept]), _FOREIGN[alias]]}
            made[alias] = {**same, "description": f"Supervisord's name of {key}."}
        for alias, path in supervisord.LOG_KEYS.items():
            told = f"Supervisord's name of {'.'.join(('log', *path))}."
            made[alias] = {**_FOREIGN_LOG[path[-1]], "description": told}
        told = "As of supervisord: stderr goes where stdout does."
        made[supervisord.REDIRECT] = {**_FOREIGN[supervisord.REDIRECT], "description": told}
        return made
