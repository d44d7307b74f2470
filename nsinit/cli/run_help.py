"""What `nsinit run --help` says of its options.

Each key of `[sandbox]` has a line, in groups; tests see to it that none lacks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nsinit.cli.run_options import OWN, SHORT_KEYS
from nsinit.model.options import sandbox_options

if TYPE_CHECKING:
    from nsinit.model.options import Option

# Title, and for each key what its value looks like ("" for a switch) and what it does.
GROUPS: Final[dict[str, dict[str, tuple[str, str]]]] = {
    "name and namespaces": {
        "name": ("NAME", "what nsinit list, enter, stop ... call it"),
        "hostname": ("NAME", "its host name"),
        "domainname": ("NAME", "its NIS domain name"),
        "namespaces": ("KIND,...", "pid,net: new ones; net=shared, ipc=sandbox:NAME, uts=/run/x"),
        "users": ("root|keep|auto|none", "whose ids those inside are; KEY=VALUE,... for more"),
        "time-offsets": ("CLOCK=S,...", "monotonic, boottime: how far they are from the host's"),
    },
    "files": {
        "image": ("NAME", "its layers are the root; see nsinit image --help"),
        "rootfs": ("DIR", "the root"),
        "bundle": ("DIR", "an OCI bundle; its process is the main service"),
        "overlay": ("KEY=VALUE,...", "lower, upper, work, ephemeral: the root is an overlay"),
        "readonly": ("", "nobody can write to the root"),
        "mounts": ("SRC:DST[:ro]", "or type=tmpfs,target=/x; once for each mount"),
        "devices": ("PATH,...", "devices of the host to have in /dev"),
        "masked-paths": ("PATH,...", "nobody can see what is there"),
        "readonly-paths": ("PATH,...", "nobody can write to what is there"),
        "sysctls": ("NAME=VALUE,...", "those of its own namespaces"),
        "propagation": ("MODE", "private, slave, shared: of mounts between it and the host"),
        "sealed": ("", "init runs from a copy that nobody can write"),
    },
    "network": {
        "network": (
            "MODE",
            "none, host, bridge, macvlan, pasta, slirp4netns or sandbox:NAME",
        ),
        "publish": ("8080:80,...", "lead ports of the host to it: [ADDRESS:]PORT:TO[/udp]"),
        "nat": ("", "let it out under the host's address"),
        "bridge": ("NAME", "the bridge to be on (nsinit0)"),
        "subnet": ("NET,...", "of a bridge that is made: 10.231.9.0/24"),
        "address": ("ADDRESS,...", "10.231.9.2/24, or auto"),
        "gateway": ("ADDRESS,...", "by whom to reach everybody else; none: nobody"),
        "dns": ("ADDRESS,...", "name servers"),
        "dns-search": ("DOMAIN,...", "domains that names are looked for in"),
        "hosts": ("NAME=ADDRESS,...", "lines of /etc/hosts"),
    },
    "limits": {
        "memory": ("SIZE", "beyond it something is killed: 64M"),
        "memory-high": ("SIZE", "beyond it everything is slowed down"),
        "swap": ("SIZE", "swap besides"),
        "cpu": ("CPUS", "CPUs' worth of time: 0.2, 20%"),
        "cpu-weight": ("N", "share among those who compete, 1 to 10000, usually 100"),
        "cpuset": ("CPUS", "the CPUs to run on: 0-3,5"),
        "pids": ("N", "processes and threads"),
        "io": ("KEY=VALUE,...", "weight, limits: what is read from disks, and written"),
        "device-access": ("RULE,...", "devices that may be used: default,c 10:229 rw"),
        "resources": ("KEY=VALUE,...", "all of these in one"),
        "resources-optional": ("", "warn of what can't be limited here, and go on"),
        "cgroup-parent": ("GROUP", "the cgroup to make its own in"),
    },
    "privileges of its services": {
        "capabilities": ("WORD,...", "exactly these: KILL,CHOWN or ALL,-SYS_ADMIN"),
        "cap-add": ("WORD,...", "these besides"),
        "cap-drop": ("WORD,...", "not these"),
        "ambient": ("WORD,...", "of these: what services keep whose user is not root"),
        "inheritable": ("WORD,...", "of these: what a file's own inheritable set may give"),
        "no-new-privs": ("", "set-uid programs give nothing (on unless said otherwise)"),
        "seccomp": ("PROFILE", "default, unconfined, a file; KEY=VALUE,...: system calls"),
        "landlock": ("KEY=VALUE,...", "the files and ports that can be reached"),
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
        for name, (metavar, what) in rows.items():
            lines.append(_line(f"{_typed(options[f'--{name}'])} {metavar}", what))
    return "\n".join(lines)


def _typed(option: Option) -> str:
    if option.is_switch:
        return f"--[no-]{option.flag[2:]}"
    short = next((f"-{short}, " for short, key in SHORT_KEYS.items() if key == option.key), "")
    return short + option.flag


def _line(typed: str, what: str) -> str:
    return f"  {typed.rstrip():<{_WIDTH}} {what}"
