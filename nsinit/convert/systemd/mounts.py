"""What a service sees of the files: mounts of its own. Pure.

As under systemd, what is deeper counts, and what makes something writable counts more than what
makes everything read-only.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from nsinit.convert.systemd import values

if TYPE_CHECKING:
    from collections.abc import Callable

    from nsinit.convert.document import Value
    from nsinit.convert.systemd.directories import Made
    from nsinit.convert.systemd.text import Entry
    from nsinit.convert.systemd.unit import Draft

_SYSTEM: Final = ("/usr", "/boot", "/efi")
_TMPS: Final = ("/tmp", "/var/tmp")  # noqa: S108  (of the service that is converted)
_ALL: Final = (
    *_SYSTEM, "/etc", "/home", "/media", "/mnt", "/opt", "/root", "/run", "/srv", _TMPS[0], "/var",
)  # fmt: skip
_HOMES: Final = ("/home", "/root")
_TUNABLES: Final = (
    "/proc/acpi", "/proc/fs", "/proc/irq", "/proc/latency_stats", "/proc/sys",
    "/proc/sysrq-trigger", "/sys",
)  # fmt: skip
_GROUPS: Final = "/sys/fs/cgroup"
_MODULES: Final = "/usr/lib/modules"
_NOTHING: Final = ["ro", "nosuid", "nodev", "noexec", "mode=000", "size=4k"]
_TMP: Final = ["nosuid", "nodev", "mode=1777"]
_OPTION: Final = re.compile(r"[a-z_]+(=[A-Za-z0-9%._,:/-]+)?")


def mounts(draft: Draft, made: list[Made]) -> None:
    """What is hidden, read-only, writable or its own for a service."""
    view = _View()
    _protect(draft, view)
    for key, option in (("ReadOnlyPaths", "ro"), ("ReadWritePaths", "rw")):
        for path, optional, entry in _paths(draft, key):
            if path == "/":
                _whole(draft, view, entry, option)
            else:
                view.bind(path, option, optional=optional)
    for path, optional, entry in _paths(draft, "InaccessiblePaths"):
        if path == "/" or (optional and not draft.tree.exists(path)):
            draft.cannot(entry, f"{path} can't be hidden" if path == "/" else f"no {path} here")
            continue
        view.hide(path, is_file=draft.tree.is_file(path), optional=optional)
    _binds(draft, view)
    for one in made:
        if view.covers(one.path):
            view.bind(one.path, "rw")
    _executable(draft)
    if found := view.written():
        draft.table.set("mounts", found)


class _View:
    """Mounts by their targets; the later one of a target counts."""

    def __init__(self) -> None:
        self._made: dict[str, dict[str, Value]] = {}

    def bind(
        self, path: str, option: str, *, source: str = "", optional: bool = True, deep: bool = True
    ) -> None:
        options = ["rbind" if deep else "bind", option]
        made: dict[str, Value] = {
            "source": source or path,
            "target": path,
            "options": options,
        }
        self._made[path] = made | ({"optional": True} if optional else {})

    def tmpfs(self, path: str, options: list[str]) -> None:
        self._made[path] = {"type": "tmpfs", "target": path, "options": list(options)}

    def hide(self, path: str, *, is_file: bool = False, optional: bool = True) -> None:
        if is_file:
            self.bind(path, "ro", source="/dev/null", optional=optional, deep=False)
        else:
            self.tmpfs(path, _NOTHING)

    def covers(self, path: str) -> bool:
        """Whether a path lies below a target."""
        return any(f"{path}/".startswith(f"{target}/") for target in self._made)

    def written(self) -> list[Value]:
        return [self._made[target] for target in sorted(self._made)]


def _protect(draft: Draft, view: _View) -> None:
    system = draft.read("ProtectSystem", _level("full", "strict"))
    level = "strict" if draft.is_dynamic else system[0] if system is not None else "no"
    paths = {"yes": _SYSTEM, "full": (*_SYSTEM, "/etc"), "strict": _ALL, "no": ()}[level]
    for path in paths:
        view.bind(path, "ro")
    home = draft.read("ProtectHome", _level("read-only", "tmpfs"))
    level = home[0] if home is not None else "no"
    level = "read-only" if draft.is_dynamic and level == "no" else level
    for path in _HOMES if level != "no" else ():
        if level == "read-only":
            view.bind(path, "ro")
        elif level == "tmpfs":
            view.tmpfs(path, ["ro", "nosuid", "nodev", "mode=755"])
        else:
            view.hide(path)
    private = draft.read("PrivateTmp", _level("disconnected"))
    if draft.is_dynamic or (private is not None and private[0] != "no"):
        for path in _TMPS:
            view.tmpfs(path, _TMP)
    if draft.flag("ProtectKernelTunables"):
        for path in _TUNABLES:
            view.bind(path, "ro")
    groups = draft.read("ProtectControlGroups", _level("private", "strict"))
    if groups is not None and groups[0] != "no":
        view.bind(_GROUPS, "ro")
    if "SYS_MODULE" in draft.table.keys.get("cap_drop", ()):  # type: ignore[operator]  # a list
        view.bind(_MODULES, "ro")


def _whole(draft: Draft, view: _View, entry: Entry, option: str) -> None:
    """The whole tree: all that is usually in it, since a root can't be a target."""
    if option == "ro":
        for path in _ALL:
            view.bind(path, "ro")
    else:
        draft.remark(entry, "what is not read-only can be written")


def _level(*others: str) -> Callable[[str], str]:
    """Yes, no, or one of some words."""

    def read(text: str) -> str:
        if text in others:
            return text
        return "yes" if values.boolean(text) else "no"

    return read


def _paths(draft: Draft, key: str) -> list[tuple[str, bool, Entry]]:
    """The paths of a key, each with whether it may be missing."""
    made = []
    for word, entry in draft.words(key):
        bare = word.lstrip("-+")
        if not bare.startswith("/") or ".." in bare.split("/"):
            draft.cannot(entry, f"{word!r} is no absolute path")
            continue
        path = "/" + "/".join(part for part in bare.split("/") if part not in ("", "."))
        made.append((path, "-" in word[: len(word) - len(bare)], entry))
    return made


def _binds(draft: Draft, view: _View) -> None:
    for key, option in (("BindPaths", "rw"), ("BindReadOnlyPaths", "ro")):
        for word, entry in draft.words(key):
            source, _, rest = word.removeprefix("-").partition(":")
            target, _, options = rest.partition(":")
            target = target or source
            absolute = source.startswith("/") and target.startswith("/")
            if not absolute or not target.strip("/") or ".." in target.split("/"):
                draft.cannot(entry, f"{word!r} is no bind of one path to another")
                continue
            deep = options != "norbind"
            optional = word.startswith("-")
            view.bind(target, option, source=source, optional=optional, deep=deep)
    for word, entry in draft.words("TemporaryFileSystem"):
        path, _, text = word.partition(":")
        given = [one for one in text.split(",") if one]
        if not path.strip("/") or path[0] != "/" or not all(map(_OPTION.fullmatch, given)):
            draft.cannot(entry, f"{word!r} is no tmpfs")
            continue
        view.tmpfs(path, [*given, *([] if "mode=" in text else ["mode=755"])])


def _executable(draft: Draft) -> None:
    """NoExecPaths=/ with exceptions is what Landlock calls `execute`; nothing else is."""
    refused = list(_paths(draft, "NoExecPaths"))
    allowed = list(_paths(draft, "ExecPaths"))
    if [path for path, _, _ in refused] == ["/"] and allowed:
        paths: list[Value] = [path + "?" * optional for path, optional, _ in allowed]
        draft.table.set("landlock", {"execute": paths})
        return
    for _, _, entry in (*refused, *allowed):
        draft.cannot(entry, "only all but some paths can be closed to execution")
