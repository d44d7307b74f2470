"""A Procfile, and the .env beside it, as foreman, honcho and Heroku have them.

Each line is `NAME: shell command`. The number of processes of a name is that of the formation;
each has a `$PORT` of its own.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from nsinit.convert.document import Table
from nsinit.convert.reading import entries, read_text
from nsinit.errors import ConvertError
from nsinit.model import envfile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nsinit.convert.document import Document
    from nsinit.convert.kinds import Wishes

_LINE: Final = re.compile(r"([A-Za-z0-9_-]+):\s*(\S.*)")
_VARIABLE: Final = re.compile(r"(?:export\s+)?([A-Za-z_0-9]+)=(.*)")
_PORT: Final = 5000
_STEP: Final = 100  # between the ports of different names
_RELEASE: Final = "release"
_ALL: Final = "all"
_POLICY: Final = (
    "Each process comes back when it ends, as on Heroku. Where foreman ends all with the first,\n"
    'restart = "no" and essential = true do for those that fail.'
)


def convert(paths: Sequence[str], document: Document, wishes: Wishes) -> None:
    """Add what the files say."""
    for path in paths:
        file = _procfile(path)
        directory = os.path.dirname(os.path.abspath(file))
        processes = _read(file, document)
        for name in wishes.formation:
            if name not in (_ALL, *(known for known, _ in processes)):
                raise ConvertError(file, 0, f"there is no process {name!r} for the formation")
        variables, keys = _environment(file, directory, wishes)
        _add(processes, directory, variables, keys, document, wishes)


def _procfile(path: str) -> str:
    if not os.path.isdir(path):
        return path
    if "Procfile" not in entries(path):
        raise ConvertError(path, 0, "there is no Procfile in it")
    return os.path.join(path, "Procfile")


def _read(file: str, document: Document) -> list[tuple[str, str]]:
    """Names and commands; what is neither that nor a comment is found to be unsupported."""
    made = []
    for number, line in enumerate(read_text(file).split("\n"), 1):
        text = line.strip()
        found = _LINE.fullmatch(text)
        if found:
            made.append((found[1], found[2]))
        elif text and not text.startswith("#"):
            document.top.unsupported(file, number, text, "", "expected NAME: COMMAND")
    return made


def _add(
    processes: Sequence[tuple[str, str]],
    directory: str,
    variables: Mapping[str, str],
    keys: Table,
    document: Document,
    wishes: Wishes,
) -> None:
    base = _base_port(variables, wishes)
    releases: list[str] = []
    made: list[str] = []
    for index, (name, command) in enumerate(processes):
        count = wishes.formation.get(name, wishes.formation.get(_ALL, 1))
        if name == _RELEASE:
            count = min(count, 1)
        for number in range(max(count, 1)):
            service = document.free_name(f"{name}.{number + 1}" if count > 1 else name)
            table = document.service(service)
            table.set("command", command)
            table.set("shell", value=True)
            table.set("working_dir", directory)
            for key, value in keys.keys.items():
                table.set(key, value, keys.remarks.get(key, ""))
            if not count:
                table.set("autostart", value=False, remark="0 in the formation")
            if name == _RELEASE:
                table.set("type", "oneshot")
                releases.append(service)
                continue
            made.append(service)
            port = str(base + index * _STEP + number)
            table.set("environment", {**variables, "PORT": port} if "environment" in keys.keys
                      else {"PORT": port})  # fmt: skip
            table.set("restart", "always")
            if count > 1:
                table.set("tags", [name])
    if made:
        document.top.comment(_POLICY)
    for service in made:
        started = [one for one in releases if "autostart" not in document.services[one].keys]
        if started:
            document.services[service].set("depends_on", dict.fromkeys(started, "completed"))


def _base_port(variables: Mapping[str, str], wishes: Wishes) -> int:
    """The port of the first process: what was asked for, else $PORT, else 5000."""
    if wishes.port is not None:
        return wishes.port
    word = variables.get("PORT") or wishes.env.get("PORT", "")
    return int(word) if word.isascii() and word.isdigit() and len(word) < 6 else _PORT


# --- .env -----------------------------------------------------------------------------------------


def _environment(file: str, directory: str, wishes: Wishes) -> tuple[dict[str, str], Table]:
    """The variables of the .env, and the keys that give them to a service.

    The file itself, where nsinit reads it as foreman does; else all that is in it.
    """
    keys = Table()
    paths = wishes.env_files or [os.path.join(os.path.dirname(file), ".env")]
    variables: dict[str, str] = {}
    same = True
    for path in paths:
        if not wishes.env_files and not os.path.exists(path):
            return {}, keys
        text = read_text(path)
        variables |= read_env(text)
        try:
            same = same and envfile.parse(text, {}) == read_env(text)
        except ValueError:
            same = False
    if same:
        keys.set("env_file", [os.path.join(directory, os.path.basename(path))
                              if not wishes.env_files else os.path.abspath(path)
                              for path in paths])  # fmt: skip
    elif variables:
        keys.set("environment", variables)
        keys.remarks["environment"] = f"of {', '.join(paths)}, which nsinit would read otherwise"
    return variables, keys


def read_env(text: str) -> dict[str, str]:
    """The variables of a .env as foreman and honcho read it.

    Nothing is filled in and a `#` behind a value belongs to it. In double quotes a backslash
    before a character is that character, before an n a new line.
    """
    made = {}
    for line in text.splitlines():
        found = _VARIABLE.fullmatch(line.strip())
        if not found:
            continue
        name, value = found[1], found[2].strip()
        if len(value) > 1 and value[0] == value[-1] == "'":
            value = value[1:-1]
        elif len(value) > 1 and value[0] == value[-1] == '"':
            inner = value[1:-1]
            value = re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], inner)
        made[name] = value
    return made
