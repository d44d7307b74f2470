r"""`--format`: chosen fields of what `--json` shows, a line for each row.

`name,state,pid` is a list of fields, with a tab between their values; `{name} is {state}` is a
template, in which \t and \n are a tab and a newline, and {{ }} are braces. `usage.memory` is a
field of a field. What is null or missing in a row is "-".
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from nsinit.cli.output import printable
from nsinit.errors import UsageError
from nsinit.nearest import did_you_mean

_ROWS: Final = ("services", "results")  # where an answer that is one object has its rows
_PIECE: Final = re.compile(r"\{\{|\}\}|\{[^{}]*\}|\\[tn\\]|[^{}\\]+|.", re.DOTALL)
_PLAIN: Final = {"{{": "{", "}}": "}", "\\t": "\t", "\\n": "\n", "\\\\": "\\"}
_DEEPEST: Final = 6


def render(value: object, wanted: str) -> str:
    """The lines; UsageError for a field that there is not, with those that there are."""
    rows = _rows(value)
    pieces = _pieces(wanted)
    names = [piece[1:-1] for piece in pieces if _is_field(piece)]
    known = list(dict.fromkeys(name for row in rows for name in _fields(row)))
    for name in names:
        if rows and not any(_has(row, name.split(".")) for row in rows):
            hint = did_you_mean(name, known) or f"there are {', '.join(known)}"
            raise UsageError(f"--format: there is no field {name!r}", hint=hint)
    return "\n".join(_line(row, pieces) for row in rows)


def _rows(value: object) -> list[dict[str, Any]]:
    if isinstance(value, list):
        return [row if isinstance(row, dict) else {"value": row} for row in value]
    if not isinstance(value, dict):
        return [{"value": value}]
    for name in _ROWS:
        if isinstance(value.get(name), list):
            return _rows(value[name])
    return [value]


def _pieces(wanted: str) -> list[str]:
    """A template in pieces: fields in braces, and text."""
    if "{" not in wanted and "}" not in wanted:
        names = [name.strip() for name in wanted.split(",")]
        if not all(names):
            raise UsageError(f"--format: expected fields such as name,state, got {wanted!r}")
        return [piece for name in names for piece in ("\t", f"{{{name}}}")][1:]
    made = _PIECE.findall(wanted)
    if "{" in made or "}" in made or "{}" in made:
        hint = "such as '{name} is {state}'; {{ is a brace"
        raise UsageError(f"--format: a brace stands alone in {wanted!r}", hint=hint)
    return [_PLAIN.get(piece, piece) if not _is_field(piece) else piece for piece in made]


def _is_field(piece: str) -> bool:
    return len(piece) > 2 and piece[0] == "{" and piece[-1] == "}"


def _line(row: dict[str, Any], pieces: list[str]) -> str:
    return "".join(
        _shown(_value(row, piece[1:-1].split("."))) if _is_field(piece) else piece
        for piece in pieces
    )


def _fields(row: dict[str, Any], depth: int = 0) -> list[str]:
    made = []
    for name, value in row.items():
        made.append(name)
        if isinstance(value, dict) and depth < _DEEPEST:
            made += [f"{name}.{inner}" for inner in _fields(value, depth + 1)]
    return made


def _has(row: object, path: list[str]) -> bool:
    for name in path:
        if row is None:
            return True  # nobody knows what it would have
        if not isinstance(row, dict) or name not in row:
            return False
        row = row[name]
    return True


def _value(row: object, path: list[str]) -> object:
    for name in path:
        row = row.get(name) if isinstance(row, dict) else None
    return row


def _shown(value: object) -> str:
    if value is None or value in ("", [], {}):
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list) and not any(isinstance(item, (dict, list)) for item in value):
        return ",".join(map(_shown, value))
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return printable(str(value))
