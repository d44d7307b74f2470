"""The directories that systemd makes for a service: RuntimeDirectory=, StateDirectory= ... Pure.

They are made by a oneshot before it, as root: the service itself may be nobody who can.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from nsinit.convert.document import Value
    from nsinit.convert.systemd.unit import Draft


class Kind(NamedTuple):
    """One kind of directory that systemd makes for a service."""

    key: str
    base: str
    variable: str
    is_kept: bool


KINDS: Final = (
    Kind("RuntimeDirectory", "/run", "RUNTIME_DIRECTORY", is_kept=False),
    Kind("StateDirectory", "/var/lib", "STATE_DIRECTORY", is_kept=True),
    Kind("CacheDirectory", "/var/cache", "CACHE_DIRECTORY", is_kept=True),
    Kind("LogsDirectory", "/var/log", "LOGS_DIRECTORY", is_kept=True),
    Kind("ConfigurationDirectory", "/etc", "CONFIGURATION_DIRECTORY", is_kept=True),
)


class Made(NamedTuple):
    """A directory that is there before the service starts."""

    path: str
    mode: str
    is_owned: bool  # by the service's user
    is_kept: bool


def wanted(draft: Draft) -> list[Made]:
    """The directories of a service; sets the variables that name them."""
    made: list[Made] = []
    keep = draft.read("RuntimeDirectoryPreserve", str)
    kept = keep is not None and keep[0] not in ("no", "false", "0", "off", "restart")
    variables: dict[str, Value] = {}
    for kind in KINDS:
        mode = draft.text(f"{kind.key}Mode") or "0755"
        paths = []
        for word, entry in draft.words(kind.key):
            name, colon, link = word.partition(":")
            if colon and link:
                draft.cannot(entry, f"no link {link} is made")
            if not name or name.startswith("/") or ".." in name.split("/"):
                draft.cannot(entry, "expected a path below that of its kind")
                continue
            paths.append(f"{kind.base}/{name}")
        if not re.fullmatch(r"[0-7]{3,4}", mode):
            mode = "0755"
        owned = kind.key != "ConfigurationDirectory"
        made += [Made(path, mode, owned, kind.is_kept or kept) for path in paths]
        if paths:
            variables[kind.variable] = ":".join(paths)
    if variables:
        given = draft.table.keys.get("environment", {})
        draft.table.set("environment", {**given, **variables})  # type: ignore[dict-item]  # a table
    return made


def made_before(draft: Draft, made: list[Made]) -> None:
    """A oneshot that makes them, and removes those that are not kept when all ends."""
    name = draft.document.free_name(f"{draft.name}-directories")
    table = draft.document.service(name)
    user, group = (draft.table.keys.get(key) for key in ("user", "group"))
    lines = []
    for one in made:
        words = ["install", "-d", "-m", one.mode]
        if one.is_owned and draft.user:
            words += ["-o", str(user)]
            words += ["-g", str(group)] if group is not None else []
        lines.append(shlex.join([*words, one.path]))
    table.set("type", "oneshot")
    table.set("description", f"the directories of {draft.name}")
    table.set("command", " && ".join(lines))
    table.set("shell", value=True)
    table.set("inherit_env", value=False)
    table.set("autostart", value=False, remark=f"{draft.name} needs it")
    table.set("working_dir", "/")
    lost = [one.path for one in made if not one.is_kept]
    if lost:
        table.set("stop_command", {"command": ["rm", "-rf", *lost]})
    draft.directories = name
