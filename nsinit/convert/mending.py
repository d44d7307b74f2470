"""Gives up what nsinit's own checks refuse, so that the rest of a conversion can be used.

A value that another tool takes may be out of what nsinit takes: a limit of 64 KiB, a cycle of
three. Its key is left out then, and told with the words of the check.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nsinit.convert.write import write
from nsinit.errors import ConfigError
from nsinit.model.load import load, parse_source
from nsinit.model.report import dotted

if TYPE_CHECKING:
    from nsinit.convert.document import Document, Table, Value
    from nsinit.errors import Problem

_ROUNDS: Final = 5  # what is given up may make something else wrong
_KEPT: Final = "command"  # without it there is no service


def mend(document: Document, file: str) -> None:
    """Leave out every key that the checks refuse; `file` is what is said to have it."""
    for _ in range(_ROUNDS):
        try:
            text = write(document)
        except UnicodeEncodeError:
            return  # told by who writes it
        try:
            load([parse_source(file, text)], {})
        except ConfigError as error:
            done = [_give_up(document, problem, file) for problem in error.problems]
            if not any(done):
                return
        else:
            return


def _give_up(document: Document, problem: Problem, file: str) -> bool:
    """Leave out what a problem is about; whether there was anything."""
    for name, table in document.services.items():
        prefix = dotted(("services", name)) + "."
        if problem.path.startswith(prefix):
            return _remove(table, problem.path.removeprefix(prefix), problem.message, file)
    return False


def _remove(table: Table, path: str, message: str, file: str) -> bool:
    first, _, rest = path.partition(".")
    key, _, _ = first.partition("[")
    value = table.keys.get(key)
    if value is None or key == _KEPT:
        return False
    inner = rest.partition(".")[0]
    if isinstance(value, dict) and inner in value:
        left: dict[str, Value] = {one: what for one, what in value.items() if one != inner}
        table.unsupported(file, 0, f"{key}.{inner}", str(value[inner]), message)
        if left:
            table.set(key, left)
            return True
    else:
        table.unsupported(file, 0, key, str(value), message)
    del table.keys[key]
    table.remarks.pop(key, None)
    return True
