"""The keys of `[sandbox]` as options of a command line: made from the struct, so none can lack.

    --hostname shop            text and numbers
    --no-new-privs             true; --no-no-new-privs: false
    --namespaces pid,net=new   a table: KEY=VALUE pairs, or TOML: '{pid = "new"}'
    --mounts type=tmpfs,target=/x --mounts /src:/dst:ro
                               a list: an option for each item, or TOML: '[...]'
    --cap-drop NET_RAW,CHOWN   a list of words: also with commas
    --memory 64M --pids 100    the keys of `resources` have options of their own too
    --dns 10.0.0.1             a key of a table that has options for its own keys

What is written here becomes the values that TOML would have; whether they are right is for the
checks of the configuration to tell. Pure.
"""

from __future__ import annotations

from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Final, Literal, Union, get_args, get_origin

import msgspec

from nsinit.model import network
from nsinit.model.naming import fits
from nsinit.model.network import Network
from nsinit.model.report import NETWORK_OPTIONS
from nsinit.model.resources import Resources
from nsinit.model.sandboxes import Sandbox
from nsinit.model.toml import read_toml
from nsinit.named import Named

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SCALARS: Final[dict[type, str]] = {bool: "bool", int: "int", float: "float", str: "str"}
_DEEPEST: Final = 8
_ADDRESS: Final = r"\[[0-9a-fA-F:.%]*\]:.*"  # with a port, and no array of TOML
_READ_ONLY: Final = ("ro",)
# A word without a value in such a table; elsewhere it is true.
_BARE: Final[dict[str, object]] = {"namespaces": "new"}
# Keys of a table in [sandbox] that have options of their own.
_INNER: Final[dict[str, tuple[type[msgspec.Struct], tuple[str, ...]]]] = {
    "resources": (Resources, Resources.__struct_fields__),
    "network": (
        Network,
        NETWORK_OPTIONS,
    ),
}
# The key that a first word without a value is of: --network macvlan,parent=eth0.
_FIRST: Final = {"network": "mode"}
# Docker's words in --mount.
_ALIASES: Final[dict[str, dict[str, str]]] = {
    "mounts": {"src": "source", "dst": "target", "destination": "target", "ro": "readonly"}
}


class Shape(Named):
    """What a key can be: some scalars, a table (of these keys, or of any), a list of something."""

    scalars: frozenset[str] = frozenset()
    keys: Mapping[str, Shape] | None = None
    values: Shape | None = None
    items: Shape | None = None
    words: tuple[str, ...] = ()  # all that there are

    @property
    def is_table(self) -> bool:
        """Whether it can have keys."""
        return self.keys is not None or self.values is not None


class Option(Named):
    """One key as an option."""

    key: str
    kind: Any  # a type annotation
    table: str = ""  # the key of [sandbox] that has this key in its table; "" for its own

    @property
    def shape(self) -> Shape:
        """What it can be: looked up when it is asked for, as most options are not given."""
        return _shape(self.kind)

    @property
    def path(self) -> str:
        """The key with that of its table: "network.dns"."""
        return f"{self.table}.{self.key}" if self.table else self.key

    @property
    def flag(self) -> str:
        """As it is typed."""
        return "--" + self.key.replace("_", "-")

    @property
    def is_switch(self) -> bool:
        """Whether it takes no value, and has a --no- form."""
        return self.shape.scalars == {"bool"} and not self.shape.is_table and not self.shape.items

    @property
    def metavar(self) -> str:
        """What its value looks like, for the help."""
        if self.is_switch:
            return ""
        if self.shape.items is not None:
            return "KEY=VALUE,..." if self.shape.items.is_table else "WORD,..."
        if self.shape.is_table:
            return "WORD,..." if self.key in _BARE else "KEY=VALUE,..."
        if self.shape.words:
            return "|".join(self.shape.words)
        return "TEXT" if "str" in self.shape.scalars else "N"


def sandbox_options() -> dict[str, Option]:
    """All of them, by their keys."""
    made = {name: Option(name, kind) for name, kind in _kinds(Sandbox).items()}
    for table, (struct, names) in _INNER.items():
        kinds = _kinds(struct)
        made |= {name: Option(name, kinds[name], table) for name in names}
    return made


def _kinds(struct: type[msgspec.Struct]) -> dict[str, Any]:
    return {field.encode_name: field.type for field in msgspec.structs.fields(struct)}


def _shape(kind: Any, depth: int = 0) -> Shape:  # noqa: ANN401  (a type annotation)
    origin, args = get_origin(kind), get_args(kind)
    if depth > _DEEPEST or kind is NoneType:
        return Shape()
    if origin in (Union, UnionType):
        return _either([_shape(part, depth) for part in args])
    if origin is Literal:
        words = tuple(str(word) for word in args)
        return Shape(frozenset(_SCALARS.get(type(word), "str") for word in args), words=words)
    if origin is dict:
        return Shape(values=_shape(args[1], depth + 1))
    if origin is not None:  # a list, or something like one
        return Shape(items=_shape(args[0], depth + 1))
    return _own_shape(kind, depth) if isinstance(kind, type) else Shape(frozenset({"str"}))


def _own_shape(kind: type, depth: int) -> Shape:
    """Of a struct or a builtin, or of a class of `nsinit.model.types`: those read text."""
    if issubclass(kind, msgspec.Struct):
        return Shape(keys={key: _shape(one, depth + 1) for key, one in _kinds(kind).items()})
    if kind in _SCALARS:
        return Shape(frozenset({_SCALARS[kind]}))
    if issubclass(kind, dict):
        return Shape(values=Shape(frozenset({"str"})))
    if issubclass(kind, (tuple, list, frozenset, set)):
        return Shape(items=Shape(frozenset({"str", "int"})))
    number = {"int"} if issubclass(kind, (int, float)) else set()
    number |= {"float"} if issubclass(kind, float) else set()
    return Shape(frozenset({"str"} | number))


def _either(shapes: Sequence[Shape]) -> Shape:
    made = Shape()
    for one in shapes:
        made = Shape(
            made.scalars | one.scalars,
            {**(made.keys or {}), **(one.keys or {})} if made.keys or one.keys else None,
            made.values or one.values,
            made.items or one.items,
            made.words or one.words,
        )
    return made


def within(options: Mapping[str, object], tables: Sequence[object]) -> dict[str, object]:
    """The options, with those for keys of a table ("network.dns") put into that.

    Into the one that another option gives, or else into that of the files.
    """
    made = {key: value for key, value in options.items() if "." not in key}
    for path, value in options.items():
        key, dot, inner = path.partition(".")
        if dot:
            there = [table[key] for table in tables if isinstance(table, dict) and key in table]
            before = network.written_out(made.get(key, there[0] if there else {}))
            if isinstance(before, dict):  # else it is wrong, and told
                made[key] = {**before, inner: value}
    return made


def combine(option: Option, texts: Sequence[str]) -> object:
    """The value of an option that was given once or more; ValueError for broken TOML.

    Lists grow, tables are merged, of anything else the last counts.
    """
    values = [_read(text, option.shape, option.key) for text in texts]
    made = values[0]
    for value in values[1:]:
        if isinstance(made, list) and isinstance(value, list):
            made = made + value
        elif isinstance(made, dict) and isinstance(value, dict):
            made = {**made, **value}
        else:
            made = value
    return made


def _read(text: str, shape: Shape, key: str = "") -> object:
    is_toml = text[:1] in ("{", "[") and not fits(_ADDRESS, text)
    if is_toml and (shape.is_table or shape.items is not None):
        return _read_toml(text, shape)
    scalar = _read_scalar(text, shape.scalars)
    if scalar is not None:
        return scalar
    if shape.items is not None:
        if _is_plain(shape.items):
            return [_read(part, shape.items) for part in _split(text)]
        return [_read(text, shape.items, key)]
    if shape.is_table and (_begins_with_key(text) or key in _BARE):
        return _read_pairs(text, shape, key)
    return text


def _read_toml(text: str, shape: Shape) -> object:
    try:
        value = read_toml(f"value = {text}")["value"]
    except (ValueError, RecursionError) as error:
        if "str" in shape.scalars or "\n" in text:
            return text
        raise ValueError(f"not TOML: {str(error).partition(' (at ')[0]}") from None
    as_item = isinstance(value, dict) and not shape.is_table
    return [value] if as_item else value


def _read_scalar(text: str, scalars: frozenset[str]) -> object:
    """A number or a truth value where there can be one; None for everything else."""
    if "bool" in scalars and text in ("true", "false"):
        return text == "true"
    digits = text.removeprefix("-")
    if "int" in scalars and digits.isascii() and digits.isdigit() and len(digits) < 20:
        return int(text)
    if "float" in scalars and digits[:1].isdigit():
        try:
            return float(text)
        except ValueError:
            return None
    return None


def _is_plain(shape: Shape) -> bool:
    return not shape.is_table and shape.items is None


def _begins_with_key(text: str) -> bool:
    """Whether it is KEY=VALUE and no path or word."""
    name = text.partition("=")[0].partition(",")[0]
    return name != text and bool(name) and all(c.isalnum() or c in "_-." for c in name)


def _read_pairs(text: str, shape: Shape, key: str) -> dict[str, object]:
    made: dict[str, object] = {}
    for part in _split(text):
        name, mark, word = part.partition("=")
        if not mark and not made and key in _FIRST:
            made[_FIRST[key]] = name
            continue
        name = _ALIASES.get(key, {}).get(name, name)
        of = (shape.keys or {}).get(name) or shape.values or Shape()
        value: object
        if name == "readonly" and key in _ALIASES and name not in (shape.keys or {}):
            name, value = "options", list(_READ_ONLY)
        else:
            value = _read(word, of) if mark else _BARE.get(key, True)
        before = made.get(name)
        made[name] = (
            before + value if isinstance(before, list) and isinstance(value, list) else value
        )
    return made


def _split(text: str) -> list[str]:
    """At the commas that are in no brackets and no quotes."""
    made, depth, quote = [""], 0, ""
    for char in text:
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char in "[{":
            depth += 1
        elif char in "]}":
            depth -= 1
        elif char == "," and depth <= 0:
            made.append("")
            continue
        made[-1] += char
    return made
