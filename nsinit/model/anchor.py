"""Paths of files that the configuration names are relative to the file that names them. Pure.

Only those that init itself reads: a program's own paths are its own business. Works on the tables
as they were written, before their types are known.
"""

from __future__ import annotations

from os.path import dirname, join
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nsinit.model.report import Report


def anchor(tables: dict[str, Any], report: Report) -> None:
    """Put the directory of its configuration file before each path that is not absolute."""
    tables["init"] = _anchored(tables["init"], dirname(report.source_of(("init",)).file))
    for name, table in tables["services"].items():
        directory = dirname(report.source_of(("services", name)).file)
        tables["services"][name] = _anchored(table, directory)


def _anchored(table: object, directory: str) -> object:
    if not directory or not isinstance(table, dict):
        return table
    made = dict(table)
    files = made.get("env_file")
    if isinstance(files, list):
        made["env_file"] = [_joined(directory, path) for path in files]
    elif "env_file" in made:
        made["env_file"] = _joined(directory, files)
    variables = made.get("environment")
    if isinstance(variables, dict):
        made["environment"] = {
            name: {**value, "file": _joined(directory, value["file"])}
            if isinstance(value, dict) and "file" in value
            else value
            for name, value in variables.items()
        }
    return made


def _joined(directory: str, path: object) -> object:
    """What is no path is left for the types to refuse."""
    return join(directory, path) if isinstance(path, str) and path.rstrip("?") else path
