"""From `mounts` of a bundle to what is mounted, in their order. Pure.

Source: runtime-spec, config.md "Mounts": the table of options, and config-linux.md for "default
filesystems". Words that nobody here knows are the file system's own.
"""

from __future__ import annotations

import os
import posixpath
from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nsinit.bundles.read import Findings, Path
    from nsinit.bundles.spec import IdMapping, Mount

_FLAGS: Final = (
    "ro", "rw", "nosuid", "suid", "nodev", "dev", "noexec", "exec", "noatime", "relatime",
    "strictatime", "nodiratime", "nosymfollow", "symfollow",
)  # fmt: skip
# What takes away a flag, by the word of nsinit for it.
_OTHER_WORDS: Final = {
    "atime": "relatime",
    "norelatime": "relatime",
    "nostrictatime": "relatime",
    "diratime": "diratime",
}
_KNOWN: Final = (*_FLAGS, *_OTHER_WORDS)
_PROPAGATION: Final = ("private", "slave", "shared", "unbindable")
# They say nothing that a new mount would not be anyhow, or that any of today's kernels heeds.
_IDLE: Final = ("defaults", "async", "loud", "silent", "mand", "nomand", "iversion", "noiversion")
_BINDS: Final = ("bind", "rbind")
_MAPS: Final = ("idmap", "ridmap")
# The only places below /proc that may be covered, as runc has it: no program relies on them for
# its safety.
IN_PROC: Final = frozenset({
    "/proc/cpuinfo", "/proc/diskstats", "/proc/meminfo", "/proc/stat", "/proc/swaps",
    "/proc/uptime", "/proc/loadavg", "/proc/slabinfo", "/proc/net/dev",
    "/proc/sys/kernel/ns_last_pid", "/proc/sys/crypto/fips_enabled",
})  # fmt: skip
_LONGEST: Final = 255  # bytes of an option


class Placed(Struct, frozen=True, kw_only=True):
    """One mount. `flags` are of the mount itself, `below` of it and all below it."""

    target: str
    type: str  # "bind", or a file system
    source: str = ""
    recursive: bool = False  # a bind with what is mounted below its source
    flags: tuple[str, ...] = ()
    below: tuple[str, ...] = ()
    propagation: tuple[str, ...] = ()  # "private", with all below "rprivate"
    data: tuple[str, ...] = ()  # for the file system
    idmap: str = ""  # "u:0:1000:1 g:0:1000:1"
    map_below: bool = False
    copy_up: bool = False  # what it covers is copied into it


def placed(
    mounts: Sequence[Mount],
    directory: str,
    maps: tuple[Sequence[IdMapping], Sequence[IdMapping]],
    findings: Findings,
) -> tuple[Placed, ...]:
    """All of them; sources of binds are relative to the bundle's `directory`.

    `maps` are those of the user namespace, for a mount that is to have the same.
    """
    return tuple(
        _placed(mount, directory, maps, findings, ("mounts", index))
        for index, mount in enumerate(mounts)
    )


def _placed(
    mount: Mount,
    directory: str,
    maps: tuple[Sequence[IdMapping], Sequence[IdMapping]],
    findings: Findings,
    path: Path,
) -> Placed:
    words = _Words()
    for index, word in enumerate(mount.options):
        if why := words.take(word):
            findings.error((*path, "options", index), why)
    target = _target(mount.destination, findings, (*path, "destination"))
    is_bind = bool(words.bind) or mount.type == "bind"
    kind = "bind" if is_bind else mount.type
    if not kind or kind == "none":
        findings.error((*path, "type"), 'expected a file system, or "bind" among the options')
    if is_bind and not mount.source:
        findings.error((*path, "source"), "a bind has one")
    if target.startswith("/proc/") and not (is_bind and target in IN_PROC):
        findings.error((*path, "destination"), "nothing may be mounted there, below /proc")
    if words.copy_up and kind != "tmpfs":
        findings.error((*path, "options"), "tmpcopyup is of a tmpfs")
    if is_bind and words.data:
        quoted = ", ".join(map(repr, words.data))
        findings.warn((*path, "options"), f"a bind has no option {quoted}: left out")
    source = os.path.join(directory, mount.source) if is_bind else mount.source
    return Placed(
        target=target,
        type=kind,
        source=source,
        recursive="rbind" in words.bind,
        flags=tuple(words.flags),
        below=tuple(words.below),
        propagation=tuple(words.propagation),
        data=() if is_bind else tuple(words.data),
        idmap=_idmap(mount, words.maps, maps, findings, path),
        map_below=bool(mount.uid_mappings or mount.gid_mappings or words.maps)
        and ("ridmap" in words.maps or (not words.maps and "rbind" in words.bind)),
        copy_up=words.copy_up,
    )


def _target(destination: str, findings: Findings, path: Path) -> str:
    if not destination.startswith("/"):
        findings.warn(path, f"is no absolute path: taken for /{destination}")
    if ".." in destination.split("/"):
        findings.error(path, 'a path in the container has no ".."')
    made = posixpath.normpath("/" + destination.lstrip("/"))
    if made == "/":
        findings.error(path, "the root itself is no target", 'see "root"')
    return made


def _idmap(
    mount: Mount,
    asked: Sequence[str],
    maps: tuple[Sequence[IdMapping], Sequence[IdMapping]],
    findings: Findings,
    path: Path,
) -> str:
    """The rows, in the words of `nsinit.isolation.idmapped`; none if it is not asked for."""
    own = (mount.uid_mappings, mount.gid_mappings)
    if bool(own[0]) != bool(own[1]):
        findings.error(path, "uidMappings and gidMappings are given both, or neither")
        return ""
    if not own[0] and not asked:
        return ""
    rows = own if own[0] else maps
    if not rows[0] or not rows[1]:
        findings.error((*path, "options"), "idmap needs uidMappings and gidMappings")
    elif not set(mount.options) & {*_BINDS} and mount.type != "bind":
        findings.error(path, "only the ids of binds can be mapped")
    return " ".join(
        f"{letter}:{row.inside}:{row.outside}:{row.size}"
        for letter, some in zip("ug", rows, strict=True)
        for row in some
    )


class _Words:
    """The options of one mount, sorted."""

    def __init__(self) -> None:
        self.flags: list[str] = []
        self.below: list[str] = []
        self.propagation: list[str] = []
        self.bind: list[str] = []
        self.maps: list[str] = []
        self.data: list[str] = []
        self.copy_up = False

    def take(self, word: str) -> str:
        """Put it where it belongs; why it can't be taken, or nothing."""
        if not word:
            return "an option is not empty"
        if word == "remount":
            return "what is mounted is not mounted again: say it of the mount itself"
        if word in _KNOWN:
            self.flags.append(_OTHER_WORDS.get(word, word))
        elif word[0] == "r" and word[1:] in _KNOWN:
            self.below.append(_OTHER_WORDS.get(word[1:], word[1:]))
        elif word.removeprefix("r") in _PROPAGATION:
            self.propagation.append(word)
        elif word in _BINDS:
            self.bind.append(word)
        elif word in _MAPS:
            self.maps.append(word)
        elif word == "tmpcopyup":
            self.copy_up = True
        elif word not in _IDLE:
            if len(word.encode("utf-8", "replace")) > _LONGEST and "lowerdir=" not in word:
                return f"an option has at most {_LONGEST} bytes"
            self.data.append(word)
        return ""
