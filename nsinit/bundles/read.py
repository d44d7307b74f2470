"""From the text of a config.json to its structs, with everything that is wrong in it. Pure.

msgspec stops at the first error; after a failure the types are walked, so that each is told with
its key path. A null is a key that is not there: Go, in which most of these files are made, writes
it for an empty list.
"""

from __future__ import annotations

import re
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Final, Union, get_args, get_origin

import msgspec

from nsinit.bundles.spec import Config
from nsinit.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

Path = tuple[str | int, ...]
_BYTE: Final = re.compile(r" \(byte (\d+)\)$")


class Findings:
    """What is wrong with one file, and what is odd; by key path."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []

    def error(self, path: Path, message: str, hint: str = "") -> None:
        """Note something that nothing can be made of."""
        self.problems.append(Problem(self.file, 0, dotted(path), message, hint))

    def warn(self, path: Path, message: str, hint: str = "") -> None:
        """Note something that is done without, or otherwise."""
        self.warnings.append(Problem(self.file, 0, dotted(path), message, hint))


def dotted(path: Path) -> str:
    """A key path as people write it: process.rlimits[0].type."""
    made = ""
    for part in path:
        made += f"[{part}]" if isinstance(part, int) else f".{part}" if made else part
    return made


def read(text: str, findings: Findings) -> Config | None:
    """The structs, or None after having told why there are none."""
    try:
        return _read(text, findings)
    except RecursionError:
        findings.error((), "is nested too deeply to be meant")
        return None


def _read(text: str, findings: Findings) -> Config | None:
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, ValueError) as error:
        message = str(error)
        at = _BYTE.search(message)
        line = text.encode()[: int(at[1])].count(b"\n") + 1 if at else 0
        message = _BYTE.sub("", message).removeprefix("JSON is malformed: ")
        findings.problems.append(Problem(findings.file, line, "", f"not JSON: {message}"))
        return None
    if not isinstance(value, dict):
        findings.error((), f"expected an object, got {_kind(value)}")
        return None
    value = _without_nulls(value)
    for path in _with_nul(value):
        findings.error(path, "nothing here can contain NUL")
    try:
        return None if findings.problems else msgspec.convert(value, Config)
    except msgspec.ValidationError as error:
        for path, message in list(_faults(value, Config)) or [((), str(error))]:
            findings.error(path, message)
    return None


def _without_nulls(value: Any) -> Any:  # noqa: ANN401  (decoded JSON)
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _with_nul(value: object, path: Path = ()) -> Iterator[Path]:
    if isinstance(value, str) and "\0" in value:
        yield path
    elif isinstance(value, dict):
        for key, item in value.items():
            if "\0" in key:
                yield path
            yield from _with_nul(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _with_nul(item, (*path, index))


def _faults(value: Any, kind: Any) -> Iterator[tuple[Path, str]]:  # noqa: ANN401  (as there)
    """Where a value is not what its type says, and what is wrong there."""
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        (kind,) = (part for part in args if part is not NoneType)
        yield from _faults(value, kind)
        return
    within: list[tuple[str | int, Any, Any]] = []
    if origin is list and isinstance(value, list):
        within = [(index, item, args[0]) for index, item in enumerate(value)]
    elif origin is dict and isinstance(value, dict):
        within = [(key, item, args[1]) for key, item in value.items()]
    elif isinstance(kind, type) and issubclass(kind, msgspec.Struct) and isinstance(value, dict):
        fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
        within = [(key, value[key], field.type) for key, field in fields.items() if key in value]
        for name, field in fields.items():
            if field.required and name not in value:
                yield (), f'the key "{name}" is missing'
    else:
        yield from _fault(value, kind)
    for key, item, its in within:
        for path, message in _faults(item, its):
            yield (key, *path), message


def _fault(value: Any, kind: Any) -> Iterator[tuple[Path, str]]:  # noqa: ANN401  (as there)
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        message = str(error).partition(" - at `$")[0]
        words = {"object": "an object", "array": "an array", "str": "a string", "int": "an integer"}
        words["bool"] = "true or false"
        expected = re.match(r"Expected `(\w+)(?: \| null)?`, got `\w+`$", message)
        if expected:
            message = f"expected {words.get(expected[1], expected[1])}, got {_kind(value)}"
        yield (), message[:1].lower() + message[1:]


def _kind(value: object) -> str:
    kinds = {
        bool: "true or false", int: "a number", float: "a number", str: "a string",
        dict: "an object", list: "an array", NoneType: "null",
    }  # fmt: skip
    return kinds.get(type(value), "something else")
