"""OCI bundles for tests: a config.json as `runc spec` writes it, a root, and hooks that tell."""

from __future__ import annotations

import copy
import json
import os
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import pathlib

_SAFE: Final = ["nosuid", "noexec", "nodev"]
CAPS: Final = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]
CONFIG: Final[dict[str, Any]] = {
    "ociVersion": "1.0.2",
    "process": {
        "user": {"uid": 0, "gid": 0},
        "args": ["sh"],
        "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
        "cwd": "/",
        "capabilities": dict.fromkeys(("bounding", "effective", "permitted"), CAPS),
        "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}],
        "noNewPrivileges": True,
    },
    "root": {"path": "rootfs", "readonly": True},
    "hostname": "box",
    "mounts": [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {
            "destination": "/dev", "type": "tmpfs", "source": "tmpfs",
            "options": ["nosuid", "strictatime", "mode=755", "size=65536k"],
        },
        {
            "destination": "/dev/pts", "type": "devpts", "source": "devpts",
            "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"],
        },
        {
            "destination": "/dev/shm", "type": "tmpfs", "source": "shm",
            "options": [*_SAFE, "mode=1777", "size=65536k"],
        },
        {"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue", "options": _SAFE},
        {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": [*_SAFE, "ro"]},
    ],
    "linux": {
        "namespaces": [
            {"type": kind} for kind in ("pid", "network", "ipc", "uts", "mount")
        ],
        "maskedPaths": ["/proc/keys", "/proc/timer_list", "/sys/firmware"],
        "readonlyPaths": ["/proc/bus", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
    },
}  # fmt: skip
HOOK: Final = """\
#!/bin/sh
# LOG NAME: writes a line with the name, its pid namespace and what it reads; ends as $CODE says.
read -r state
echo "$2 $(stat -L -c %i /proc/self/ns/pid) $state" >> "$1"
exit ${CODE:-0}
"""
TIMES: Final = ("prestart", "createRuntime", "createContainer", "startContainer", "poststart")


def rootless(config: dict[str, Any], user: int) -> None:
    """As `runc spec --rootless`: a user namespace with one id, no network of its own."""
    row = [{"containerID": 0, "hostID": user, "size": 1}]
    config["linux"] |= {"uidMappings": row, "gidMappings": row}
    config["linux"]["namespaces"].append({"type": "user"})


def make_bundle(
    directory: pathlib.Path, rootfs: pathlib.Path, user: int, script: str = "", **more: Any
) -> pathlib.Path:
    """A bundle whose process is that line of a shell; `more` goes over the keys of each part.

    A key of a part is written "process.terminal" or, to be a name in Python, process__terminal.
    """
    config = copy.deepcopy(CONFIG)
    if user:
        rootless(config, user)
    config["root"]["path"] = str(rootfs)
    if script:
        config["process"]["args"] = ["sh", "-c", script]
    for key, value in more.items():
        *path, last = key.split("__")
        part = config
        for name in path:
            part = part.setdefault(name, {})
        part[last] = value
    return write_bundle(directory, config, user)


def write_bundle(directory: pathlib.Path, config: dict[str, Any], user: int) -> pathlib.Path:
    """The directory, with that config.json."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "config.json").write_text(json.dumps(config, indent=1))
    for path in (directory, directory / "config.json"):
        os.chown(path, user, user)
    return directory


def hooks_of(
    directory: pathlib.Path, rootfs: pathlib.Path, user: int, **more: dict[str, Any]
) -> dict[str, Any]:
    """A hook of each time that writes to the file "hooks", or to that of the root.

    `more` goes over those of a time.
    """
    for place in (directory, rootfs):
        program = place / "hook.sh"
        program.write_text(HOOK)
        program.chmod(0o755)
        os.chown(program, user, user)
    made: dict[str, Any] = {}
    for time in (*TIMES, "poststop"):
        inside = time == "startContainer"
        one = {
            "path": "/hook.sh" if inside else str(directory / "hook.sh"),
            "args": ["hook", "/hooks" if inside else str(directory / "hooks"), time],
            "env": ["PATH=/usr/bin:/bin"],
        }
        made[time] = [one | more.get(time, {})]
    return made
