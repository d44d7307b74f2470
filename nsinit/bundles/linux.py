"""From `linux` of a bundle to `[sandbox]`: namespaces, ids, devices, what is hidden. Pure."""

from __future__ import annotations

import json
import posixpath
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nsinit.bundles.read import Findings
    from nsinit.bundles.spec import Config, IdMapping, Linux, Namespace

_KINDS: Final = {"network": "net"}  # where nsinit has another word
ALL_KINDS: Final = ("user", "pid", "net", "mount", "ipc", "uts", "cgroup", "time")
_PROPAGATION: Final = ("private", "slave", "shared", "unbindable")
_NAMES_OF_HOST: Final = {"kernel.hostname": "hostname", "kernel.domainname": "domainname"}
_HOST_NAME_MAX: Final = 64  # bytes, sethostname(2)
# What the specification lets a runtime be without, and with it what is not done.
_REFUSED: Final = {
    "netDevices": "nsinit moves no network devices by a bundle",
    "intelRdt": "nsinit knows nothing of caches and their allocation",
    "memoryPolicy": "nsinit sets no NUMA policy",
}


class Node(Struct, frozen=True, kw_only=True):
    """A device that is made, or a FIFO."""

    path: str
    type: str  # "c", "b" or "p"
    major: int = 0
    minor: int = 0
    mode: int = 0o666
    uid: int = 0
    gid: int = 0


def sandbox_of(config: Config, findings: Findings) -> dict[str, Any]:
    """The table of the sandbox, as a file would have it."""
    linux = config.linux
    namespaces = _namespaces(linux.namespaces, findings)
    made: dict[str, Any] = {
        "namespaces": namespaces,
        "masked_paths": _paths("maskedPaths", linux.masked_paths, findings),
        "readonly_paths": _paths("readonlyPaths", linux.readonly_paths, findings),
        "sysctls": _sysctls(linux.sysctl, findings),
    }
    made |= _names(config, namespaces, findings)
    made |= _users(linux, namespaces, findings)
    made |= _clocks(linux, namespaces, findings)
    _refuse(linux, findings)
    return made


def _namespaces(listed: Sequence[Namespace], findings: Findings) -> dict[str, str]:
    """Each that is not listed is that of whoever runs the bundle."""
    made: dict[str, str] = {}
    for index, one in enumerate(listed):
        path = ("linux", "namespaces", index)
        kind = _KINDS.get(one.type, one.type)
        if kind in made:
            findings.error((*path, "type"), f"{one.type} is there twice")
        if one.path and not one.path.startswith("/"):
            findings.error((*path, "path"), f"expected an absolute path, got {one.path!r}")
        made[kind] = one.path or "new"
    if made.get("mount") != "new":
        message = "a root file system needs a new mount namespace"
        findings.error(("linux", "namespaces"), message, 'add {"type": "mount"}')
    return dict.fromkeys(ALL_KINDS, "shared") | made


def _names(config: Config, namespaces: dict[str, str], findings: Findings) -> dict[str, str]:
    made: dict[str, str] = {}
    for key in ("hostname", "domainname"):
        name = getattr(config, key)
        given = config.linux.sysctl.get(f"kernel.{key}") if key == "domainname" else None
        if given is not None and not name:
            name = given
        if not name:
            continue
        made[key] = name
        if len(name.encode("utf-8", "replace")) > _HOST_NAME_MAX:
            findings.error((key,), f"a {key} has 1 to {_HOST_NAME_MAX} bytes")
        if namespaces["uts"] != "new":
            hint = 'add {"type": "uts"} to linux.namespaces'
            findings.error((key,), "would be set for others too", hint)
    return made


def _users(linux: Linux, namespaces: dict[str, str], findings: Findings) -> dict[str, Any]:
    maps = {"uid": linux.uid_mappings, "gid": linux.gid_mappings}
    made: dict[str, Any] = {}
    for which, rows in maps.items():
        path = ("linux", f"{which}Mappings")
        if rows and namespaces["user"] != "new":
            hint = 'a namespace without a path in linux.namespaces: {"type": "user"}'
            findings.error(path, "needs a new user namespace", hint)
        if not rows and namespaces["user"] == "new":
            findings.error(path, "a new user namespace needs one")
        made[f"{which}_map"] = [[row.inside, row.outside, row.size] for row in rows]
    return {"users": made} if namespaces["user"] == "new" else {}


def _clocks(linux: Linux, namespaces: dict[str, str], findings: Findings) -> dict[str, Any]:
    if linux.time_offsets is None:
        return {}
    if namespaces["time"] != "new":
        hint = 'add {"type": "time"} to linux.namespaces'
        findings.error(("linux", "timeOffsets"), "needs a new time namespace", hint)
    offsets = linux.time_offsets
    both = {"monotonic": offsets.monotonic, "boottime": offsets.boottime}
    return {"time_offsets": {name: one.secs + one.nanosecs / 1e9 for name, one in both.items()}}


def _sysctls(sysctl: dict[str, str], findings: Findings) -> dict[str, str]:
    made: dict[str, str] = {}
    for name, value in sysctl.items():
        key = _NAMES_OF_HOST.get(name.replace("/", "."))
        if key is None:
            made[name] = value
        elif key == "hostname":
            findings.error(
                ("linux", "sysctl", name), "is set by a key of its own", 'use "hostname"'
            )
    return made


def _paths(key: str, paths: Sequence[str], findings: Findings) -> list[str]:
    for index, path in enumerate(paths):
        if not path.startswith("/") or ".." in path.split("/"):
            message = f'expected an absolute path without "..", got {path!r}'
            findings.error(("linux", key, index), message)
    return list(paths)


def _refuse(linux: Linux, findings: Findings) -> None:
    for key, why in _REFUSED.items():
        name = {"netDevices": "net_devices", "intelRdt": "intel_rdt"}.get(key, "memory_policy")
        if getattr(linux, name):
            findings.error(("linux", key), why, "leave it out")
    if linux.mount_label:
        message = "nsinit sets no labels of security modules"
        findings.error(("linux", "mountLabel"), message, "leave it out")
    own = linux.personality
    if own is not None and (own.domain != "LINUX" or own.flags):
        findings.error(("linux", "personality"), "only that of Linux itself can be had")
    if linux.rootfs_propagation.removeprefix("r") not in ("", *_PROPAGATION):
        known = ", ".join(_PROPAGATION)
        message = f"expected one of {known}, got {linux.rootfs_propagation!r}"
        findings.error(("linux", "rootfsPropagation"), message)


def filter_of(linux: Linux, findings: Findings) -> str:
    """The profile of system calls as text; without one there is no filter."""
    if linux.seccomp is None:
        return "unconfined"
    path = ("linux", "seccomp")
    for key in ("listenerPath", "listenerMetadata"):
        if linux.seccomp.get(key):
            findings.error((*path, key), "nsinit tells nobody of system calls")
    return json.dumps(linux.seccomp)


def nodes_of(linux: Linux, findings: Findings) -> tuple[Node, ...]:
    """The devices to make; each path is one device."""
    made: dict[str, Node] = {}
    for index, one in enumerate(linux.devices):
        at = ("linux", "devices", index)
        path = posixpath.normpath(one.path)
        if not one.path.startswith("/") or ".." in one.path.split("/") or path == "/":
            message = f'expected an absolute path without "..", got {one.path!r}'
            findings.error((*at, "path"), message)
        if path in made:
            findings.error((*at, "path"), f"{path} is there twice")
        if one.type != "p" and (one.major is None or one.minor is None):
            findings.error(at, "a device has a major and a minor number")
        made[path] = Node(
            path=path,
            type="c" if one.type == "u" else one.type,
            major=one.major or 0,
            minor=one.minor or 0,
            mode=0o666 if one.file_mode is None else one.file_mode & 0o7777,
            uid=one.uid,
            gid=one.gid,
        )
    return tuple(made.values())


def same_ids(linux: Linux) -> tuple[Sequence[IdMapping], Sequence[IdMapping]]:
    """The maps of the user namespace."""
    return linux.uid_mappings, linux.gid_mappings
