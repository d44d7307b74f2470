"""What `nsinit run --help` says of its options.

Each key of `[sandbox]` has a line, in groups, with what `nsinit.reference` says of it first. Tests
see to it that none lacks.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from nsinit.cli.run_options import OWN, SHORT_KEYS
from nsinit.model.options import sandbox_options
from nsinit.reference.sandboxes import TEXTS

if TYPE_CHECKING:
    from nsinit.model.options import Option

# Title, and for each key what its value looks like, "" for a switch.
GROUPS: Final[dict[str, dict[str, str]]] = {
    "name and namespaces": {
        "name": "NAME",
        "hostname": "NAME",
        "domainname": "NAME",
        "namespaces": "KIND,...",
        "users": "root|keep|auto|none",
        "time-offsets": "CLOCK=S,...",
    },
    "files": {
        "image": "NAME",
        "rootfs": "DIR",
        "bundle": "DIR",
        "overlay": "KEY=VALUE,...",
        "readonly": "",
        "mounts": "SRC:DST[:ro]",
        "devices": "PATH,...",
        "masked-paths": "PATH,...",
        "readonly-paths": "PATH,...",
        "sysctls": "NAME=VALUE,...",
        "propagation": "MODE",
        "sealed": "",
    },
    "network": {
        "network": "MODE",
        "publish": "8080:80,...",
        "nat": "",
        "bridge": "NAME",
        "subnet": "NET,...",
        "address": "ADDRESS,...",
        "gateway": "ADDRESS,...",
        "dns": "ADDRESS,...",
        "dns-search": "DOMAIN,...",
        "hosts": "NAME=ADDRESS,...",
    },
    "limits": {
        "memory": "SIZE",
        "memory-high": "SIZE",
        "swap": "SIZE",
        "cpu": "CPUS",
        "cpu-weight": "N",
        "cpuset": "CPUS",
        "pids": "N",
        "io": "KEY=VALUE,...",
        "device-access": "RULE,...",
        "resources": "KEY=VALUE,...",
        "resources-optional": "",
        "cgroup-parent": "GROUP",
    },
    "privileges of its services": {
        "capabilities": "WORD,...",
        "cap-add": "WORD,...",
        "cap-drop": "WORD,...",
        "ambient": "WORD,...",
        "inheritable": "WORD,...",
        "no-new-privs": "",
        "seccomp": "PROFILE",
        "landlock": "KEY=VALUE,...",
    },
}
_WIDTH: Final = 30  # of what is typed


def help_text() -> str:
    """All of them, for --help."""
    lines = ["options, before or after FILE:"]
    for name, short, metavar, what in OWN:
        lines.append(_line((f"-{short}, " if short else "") + f"--{name} {metavar}", what))
    lines.append("\nThe rest are keys of [sandbox], and make one where the file has none.")
    options = {option.flag: option for option in sandbox_options().values()}
    for title, rows in GROUPS.items():
        lines.append(f"\n{title}:")
        for name, metavar in rows.items():
            option = options[f"--{name}"]
            lines.append(_line(f"{_typed(option)} {metavar}", _brief(option)))
    return "\n".join(lines)


def _brief(option: Option) -> str:
    """The first sentence of what the reference says of a key."""
    table = {"": "Sandbox", "network": "Network", "resources": "Resources"}[option.table]
    key = next(group[option.key] for group in TEXTS[table].values() if option.key in group)
    first = re.split(r"\.(?: (?=[A-Z\"])|$)", key.text)[0]
    return first[0].lower() + first[1:] if first[1:2].islower() else first


def _typed(option: Option) -> str:
    if option.is_switch:
        return f"--[no-]{option.flag[2:]}"
    short = next((f"-{short}, " for short, key in SHORT_KEYS.items() if key == option.key), "")
    return short + option.flag


def _line(typed: str, what: str) -> str:
    return f"  {typed.rstrip():<{_WIDTH}} {what}"
