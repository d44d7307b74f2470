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
        own = _anchored(table, directory)
        tables["services"][name] = _anchored_root(own, directory) if isinstance(own, dict) else own
    if "sandbox" in tables:
        for key, value in tables["sandbox"].items():  # some may come from the command line
            directory = dirname(report.source_of(("sandbox", key)).file)
            tables["sandbox"] |= _anchored_root({key: value}, directory)


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


def _anchored_root(table: Any, directory: str) -> Any:  # noqa: ANN401  (as it was written)
    """The directories of a root file system, and what is bound into it."""
    if not directory or not isinstance(table, dict):
        return table
    made = dict(table)
    for key in ("rootfs", "bundle"):
        if key in made:
            made[key] = _joined(directory, made[key])
    layers = made.get("overlay")
    if isinstance(layers, dict):
        made["overlay"] = {key: _all_joined(directory, value) for key, value in layers.items()}
    if isinstance(made.get("mounts"), list):
        made["mounts"] = [_anchored_mount(mount, directory) for mount in made["mounts"]]
    return made


def _anchored_mount(mount: object, directory: str) -> object:
    if isinstance(mount, str):
        return _joined(directory, mount)
    if isinstance(mount, dict) and "source" in mount and mount.get("type", "bind") == "bind":
        return mount | {"source": _joined(directory, mount["source"])}
    return mount


def _all_joined(directory: str, value: object) -> object:
    if isinstance(value, list):
        return [_joined(directory, path) for path in value]
    return _joined(directory, value)
