"""Whether what was converted is a right nsinit.toml: it goes through the model's own checks.

A value that nsinit refuses is unsupported: its key is taken out and told. What is wrong then is a
mistake of the converter, and said to be one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from nsinit.convert.write import write
from nsinit.errors import ConfigError, NsinitError
from nsinit.model.load import load, parse_source
from nsinit.model.report import dotted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nsinit.convert.document import Document, Table, Value
    from nsinit.problem import Problem

_VARIABLE: Final = re.compile(r"(?<!\$)(?:\$\$)*\$\{([A-Za-z_][A-Za-z0-9_]*)")
_STAND_INS: Final = ("/x", "1")  # for variables that are not set here: a path, a number
_KEY: Final = re.compile(r'\.?("(?:[^"\\]|\\.)*"|[A-Za-z0-9_-]+)')
_ITEM: Final = re.compile(r"\[(\d{1,6})\]")
_ROUNDS: Final = 8  # a key that is taken out may show what is wrong with others


def prove(text: str, name: str, env: Mapping[str, str]) -> list[Problem]:
    """The warnings of the checks; NsinitError if the text is wrong, which is no fault of the user.

    Variables that are not set here have a value that may do, for the checks alone.
    """
    problems, warnings = _look(text, name, env)
    if problems:
        told = "\n".join(str(problem) for problem in problems)
        message = f"internal error: what was converted is wrong:\n{told}"
        raise NsinitError(message, hint="please report it, with the file that was converted")
    return warnings


def settle(document: Document, file: str, env: Mapping[str, str]) -> str:
    """The text of the document, without the values that nsinit refuses: they are told in it.

    `file` is what was converted, for what nobody knows the place of.
    """
    for _ in range(_ROUNDS):
        text = write(document)
        problems, _ = _look(text, file, env)
        wrong: dict[tuple[str, str, str | int | None], Problem] = {}
        for problem in problems:
            for at in _places(document, problem):
                wrong.setdefault(at, problem)
        if not wrong:
            return text
        # The last of a list first: those before it keep their numbers.
        for at in sorted(wrong, key=_number, reverse=True):
            _take_out(document, at, wrong[at], file)
    return write(document)


def _look(text: str, name: str, env: Mapping[str, str]) -> tuple[list[Problem], list[Problem]]:
    """What is wrong with the text, and what the checks warn of."""
    unset = {found for found in _VARIABLE.findall(text) if not env.get(found)}
    found: list[Problem] | None = None
    for stand_in in _STAND_INS if unset else ("",):
        try:
            loaded = load([parse_source(name, text)], {**dict.fromkeys(unset, stand_in), **env})
        except ConfigError as error:
            # What is wrong with each of the stand-ins is wrong without them, too.
            before = None if found is None else {(p.line, p.path) for p in found}
            now = error.problems
            found = [p for p in now if before is None or (p.line, p.path) in before]
        else:
            return [], loaded.warnings
    return found or [], []


def _places(document: Document, problem: Problem) -> Iterator[tuple[str, str, str | int | None]]:
    """Which table, key, and part of its value a problem is about, if that can be taken out."""
    for prefix, table in _tables(document).items():
        rest = problem.path.removeprefix(f"{prefix}.")
        key = _KEY.match(rest)
        if rest != problem.path and key and key[1] in table.keys and key[1] != "command":
            yield prefix, key[1], _inner(table.keys[key[1]], rest[key.end() :])


def _number(at: tuple[str, str, str | int | None]) -> int:
    return at[2] if isinstance(at[2], int) else 0


def _take_out(
    document: Document, at: tuple[str, str, str | int | None], problem: Problem, file: str
) -> None:
    prefix, key, inner = at
    table = _tables(document)[prefix]
    if key not in table.keys:
        return
    left, gone = _without(table.keys[key], inner)
    if left:
        table.keys[key] = left
    else:
        del table.keys[key]
        table.remarks.pop(key, None)
    place, line, told = table.origins.get(key) or (file, 0, f"{prefix}.{key}")
    table.unsupported(place, line, told, _shown(gone), f"nsinit: {problem.message}")


def _inner(value: Value, rest: str) -> str | int | None:
    """The key or the number of the item that a path goes on to, if there is one."""
    if isinstance(value, list) and (found := _ITEM.match(rest)):
        return int(found[1]) if int(found[1]) < len(value) else None
    key = _KEY.match(rest)
    if isinstance(value, Mapping) and rest[:1] == "." and key:
        name = str(json.loads(key[1])) if key[1][0] == '"' else key[1]
        return name if name in value else None
    return None


def _without(value: Value, inner: str | int | None) -> tuple[Value, Value]:
    """What is left of a list or a table without a part of it, and that part."""
    if isinstance(value, list) and isinstance(inner, int):
        return [*value[:inner], *value[inner + 1 :]], value[inner]
    if isinstance(value, Mapping) and isinstance(inner, str):
        return {key: item for key, item in value.items() if key != inner}, {inner: value[inner]}
    return "", value


def _tables(document: Document) -> dict[str, Table]:
    made = {"init": document.init}
    if document.sandbox is not None:
        made["sandbox"] = document.sandbox
    return made | {dotted(("services", name)): one for name, one in document.services.items()}


def _shown(value: Value) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={_shown(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_shown, value))
    return str(value)
