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
_SCREEN: Final = 96
FULL: Final = """\
usage: nsinit run [OPTIONS] [FILE] [-- COMMAND [ARG...]]

Starts the services of FILE (or $NSINIT_CONFIG, ./nsinit.toml, /etc/nsinit/nsinit.toml) and stays
until they have ended. Without a [sandbox] table it is init where it is: PID 1 of a container, or a
child subreaper. With one, or with options for it, it makes the namespaces first and is PID 1 in
them.

A COMMAND becomes the main service beside them, called "main"; then there need not be a file. A
[services.main] without a command says how to run it. The `--` may be left out after a FILE that
ends in .toml, and when the first word is a program: ENTRYPOINT ["nsinit", "run"] with a CMD.

With an image (see nsinit image --help) its own command is the main service, unless there are
others; a COMMAND stands for its Cmd, behind its Entrypoint.

examples:
  nsinit run
  nsinit run config/demo.toml
  nsinit run nsinit.toml -- python3 app.py
  nsinit run --namespaces pid,mount,net --hostname box -- sh
  nsinit run --detach --name shop shop.toml
  nsinit run --image shop:1
  nsinit run --image shop:1 -- sh
  nsinit run --bundle DIR
  docker run -v ./nsinit.toml:/etc/nsinit/nsinit.toml IMAGE nsinit run

signals: TERM, INT stop everything in order, once more at once · QUIT at once · USR2 tell the state
exit codes: that of the main service · 0 · 78 configuration · 125 the sandbox can't be made
Meanwhile `nsinit ctl status` tells how it goes.

{options}

A list may be given by an option for each item, or as TOML: --mounts '[{{...}}]'; a table as
KEY=VALUE,... or as TOML. Options count instead of the keys of the file."""
SHORT: Final = """\
usage: nsinit run [OPTIONS] [FILE] [-- COMMAND [ARG...]]

Starts the services of FILE (or $NSINIT_CONFIG, ./nsinit.toml, /etc/nsinit/nsinit.toml) as init
where it is, or in a sandbox. A COMMAND becomes the main service beside them.

{flags}

examples:
  nsinit run
  nsinit run nsinit.toml -- python3 app.py
  nsinit run --namespaces pid,mount,net --hostname box -- sh
  nsinit run --image shop:1 -p 8080:80 --memory 256M
  docker run -v ./nsinit.toml:/etc/nsinit/nsinit.toml IMAGE nsinit run

signals: TERM, INT stop everything in order, once more at once · QUIT at once · USR2 tell the state
exit codes: that of the main service · 0 · 78 configuration · 125 the sandbox can't be made
see also: nsinit help run, which tells what each option does; nsinit help sandbox"""


def help_text() -> str:
    """All of them, for --help."""
    lines = ["options, before or after FILE:"]
    for name, short, metavar, what in OWN:
        lines.append(_line((f"-{short}, " if short else "") + f"--{name} {metavar}", what))
    lines.append("\nThe rest are keys of [sandbox], and make one where the file has none.")
    for title in GROUPS:
        lines.append(f"\n{title}:")
        lines += [_line(typed, what) for typed, what in rows(title)]
    return "\n".join(lines)


def flags_text() -> str:
    """What the options are called, in a few lines."""
    import textwrap

    lines = ["options, before or after FILE:"]
    for name, short, metavar, what in OWN[:4]:
        lines.append(_line((f"-{short}, " if short else "") + f"--{name} {metavar}", what))
    lines.append("  " + " ".join(f"--{name}" for name, *_ in OWN[4:]))
    options = {option.flag: option for option in sandbox_options().values()}
    lines.append("and keys of [sandbox], which make one where the file has none:")
    for title in GROUPS:
        flags = " ".join(_typed(options[f"--{name}"]) for name in GROUPS[title])
        lines += textwrap.wrap(
            f"{title}: {flags}", _SCREEN, initial_indent="  ", subsequent_indent="    ",
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
    return "\n".join(lines)


def rows(title: str) -> list[tuple[str, str]]:
    """The options of a group: what is typed, and what it does."""
    options = {option.flag: option for option in sandbox_options().values()}
    made = []
    for name, metavar in GROUPS[title].items():
        option = options[f"--{name}"]
        made.append((f"{_typed(option)} {metavar}".rstrip(), _brief(option)))
    return made


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
