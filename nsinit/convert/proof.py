"""Whether what was converted is a right nsinit.toml: it goes through the model's own checks.

A value that nsinit refuses is unsupported: its key is taken out and told. What is wrong then is a
mistake of the converter, and said to be one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from nsinit.convert.write import write
from nsinit.errors import ConfigError, NsinitError
from nsinit.model.load import load, parse_source
from nsinit.model.report import dotted

if TYPE_CHECKING:
    from nsinit.convert.document import Document, Table, Value
    from nsinit.errors import Problem

_VARIABLE: Final = re.compile(r"(?<!\$)(?:\$\$)*\$\{([A-Za-z_][A-Za-z0-9_]*)")
_STAND_INS: Final = ("/x", "1")  # for variables that are not set here: a path, a number
_KEY: Final = re.compile(r'\.?("(?:[^"\\]|\\.)*"|[A-Za-z0-9_-]+)')
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
        taken = [problem for problem in problems if _take_out(document, problem, file)]
        if not taken:
            return text
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


def _take_out(document: Document, problem: Problem, file: str) -> bool:
    """Whether there was a key for it that could be taken out."""
    for prefix, table in _tables(document):
        rest = problem.path.removeprefix(f"{prefix}.")
        key = _KEY.match(rest)
        if rest == problem.path or key is None or key[1] not in table.keys or key[1] == "command":
            continue
        value = table.keys.pop(key[1])
        at = table.origins.get(key[1])
        place, line, name = at or (file, 0, f"{prefix}.{key[1]}")
        table.unsupported(place, line, name, _shown(value), f"nsinit: {problem.message}")
        return True
    return False


def _tables(document: Document) -> list[tuple[str, Table]]:
    made = [("init", document.init)]
    if document.sandbox is not None:
        made.append(("sandbox", document.sandbox))
    return made + [(dotted(("services", name)), table) for name, table in document.services.items()]


def _shown(value: Value) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={_shown(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_shown, value))
    return str(value)
