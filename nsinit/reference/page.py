"""The key reference as Markdown (docs/keys.md), and one key of it as plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nsinit.reference.entries import foreign, heading, tables

if TYPE_CHECKING:
    from nsinit.reference.entries import Entry, Found, Table

_HEAD: Final = """\
# Keys of nsinit.toml

Each key with what it takes, its default, what it means, and an example. Made by `scripts/gen-docs`
from the program itself: `nsinit schema --docs` prints this page, `nsinit help KEY` one key, and
`nsinit schema` the same as a JSON Schema for editors.

Durations are numbers of seconds or text such as `"1h30m"`, `"250ms"`; sizes are bytes or text such
as `"64KiB"`, `"10M"` (1024-based), `"10MB"` (1000-based); signals are names or numbers; modes are
octal (`"0640"`). A command is a list of words, or a string that is split as a shell splits words.
In any text `${X}` is a variable of nsinit's environment, `${X:-d}` one with a default, `${X:?why}`
one that must be set, and `$$` a dollar sign. "or table" says that one value may stand for a table.
"""
_FOREIGN: Final = """\
## Supervisord's names

These keys of a service are understood too.

| there | here |
|---|---|"""


def markdown() -> str:
    """The page."""
    parts = [_HEAD, *(_section(table) for table in tables()), _FOREIGN]
    rows = [f"| `{there}` | `{here}` |" for there, here in foreign()]
    return "\n".join([*parts, *rows]) + "\n"


def _section(table: Table) -> str:
    lines = [f"## {table.title}", ""]
    if where := _where(table):
        lines += [f"{where}.", ""]
    for title, entries in table.groups:
        if title:
            lines += [f"### {title[0].upper()}{title[1:]}", ""]
        lines += ["| key | value | default | meaning, and an example |", "|---|---|---|---|"]
        lines += [_row(entry) for entry in entries]
        lines.append("")
    return "\n".join(lines)


def _where(table: Table) -> str:
    return ", ".join(f"`{heading(path)}`" for path in table.paths if path)


def _row(entry: Entry) -> str:
    default = f"`{entry.default}`" if entry.default[:1] in '"[{0123456789tf' and _is_value(
        entry.default
    ) else entry.default  # fmt: skip
    cells = [f"`{entry.name}`", entry.value, default, f"{entry.text} `{entry.line}`"]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _is_value(text: str) -> bool:
    """Whether that is a value of TOML and no words."""
    import tomllib  # noqa: PLC0415  (with documents only)

    try:
        tomllib.loads(f"value = {text}")
    except ValueError:
        return False
    return True


def plain(found: Found) -> str:
    """One key, for a terminal."""
    import textwrap  # noqa: PLC0415  (with documents only)

    table, entry = found
    told = textwrap.fill(entry.text, 78, initial_indent="  ", subsequent_indent="  ")
    example = f"    {heading(table)}\n    {entry.line}" if table else f"    {entry.line}"
    return "\n".join(
        [
            found.path,
            "",
            told,
            "",
            f"  takes:    {entry.value}",
            f"  default:  {entry.default}",
            "",
            example,
        ]
    )
