"""Checks of the root file system, and of what is mounted in it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nsinit.model.idmaps import Row, faults
from nsinit.model.images import image_name
from nsinit.model.mounting import ROOT_KEYS
from nsinit.model.naming import fits
from nsinit.model.sandboxes import origins
from nsinit.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nsinit.model.lines import KeyPath
    from nsinit.model.mounting import Mount, Overlay
    from nsinit.model.sandboxes import NamespaceKind, Sandbox
    from nsinit.model.spec import Config

    Finding = tuple[KeyPath, str, str]  # where, what is wrong, what to do
    Check = Callable[[Config], Iterator[Finding]]

FLAG_WORDS: Final = (
    "ro", "rw", "nosuid", "suid", "nodev", "dev", "noexec", "exec", "noatime", "relatime",
    "strictatime", "nodiratime", "nosymfollow", "symfollow", "defaults",
)  # fmt: skip
PROPAGATION_WORDS: Final = ("private", "slave", "shared", "unbindable")
_BIND_WORDS: Final = (
    "bind", "rbind", *FLAG_WORDS, *PROPAGATION_WORDS, *(f"r{word}" for word in PROPAGATION_WORDS),
)  # fmt: skip
_WITHOUT_OPTIONS: Final = ("directory", "symlink")
_IDMAP: Final = r"(?:[bug]:)?\d+:\d+:[1-9]\d*(?: (?:[bug]:)?\d+:\d+:[1-9]\d*)*"
_LAYER_MAX: Final = 255  # bytes of the path of a layer: of a string for fsconfig(2)
# The namespaces without which a sysctl would be the host's.
_SYSCTLS: Final[tuple[tuple[str, NamespaceKind], ...]] = (
    (r"net\.[^\n]+", "net"),
    (r"kernel\.(shm|msg)[a-z_]+|kernel\.sem(_next_id)?|fs\.mqueue\.[a-z_]+", "ipc"),
)
_NAMES: Final = {"kernel.hostname": "hostname", "kernel.domainname": "domainname"}


def _paths_wrong(key: str, paths: list[str] | None) -> Iterator[Finding]:
    for index, path in enumerate(paths or ()):
        if why := _bad_target(path):
            yield ("sandbox", key, index), why, ""


def _bad_target(path: str) -> str:
    if not path.startswith("/"):
        return f"expected an absolute path, got {path!r}"
    if ".." in path.split("/"):
        return 'a path in the sandbox has no ".."'
    return "a path can't contain NUL" if "\0" in path else ""


def bad_path(path: str | None) -> str:
    """Why a path of the host can't be one: an empty one would mean the host's root, or any."""
    return "the path is empty" if path == "" else ""


def root_can_be_made(config: Config) -> Iterator[Finding]:
    """One root, of its own mount namespace, with layers that can be told to the kernel."""
    box = config.sandbox
    if box is None:
        return
    if origins(box)["mount"].way != "new":
        for key in ROOT_KEYS:
            if key != "sysctls" and getattr(box, key):
                yield ("sandbox", key), "others are in that mount namespace, and would see it", ""
    if why := bad_path(box.rootfs):
        yield ("sandbox", "rootfs"), why, ""
    yield from _two_roots(box)
    if box.readonly and all(one is None for one in (box.rootfs, box.overlay, box.image)):
        yield ("sandbox", "readonly"), "there is no own root", 'see "rootfs" and "overlay"'
    if box.overlay is not None:
        has_layers = box.image is not None
        yield from _layers(box.overlay, has_layers=has_layers)
        path = ("sandbox", "overlay")
        if box.overlay.ephemeral and box.overlay.upper is not None:
            yield (*path, "ephemeral"), 'with "upper" nothing is thrown away', "give one of the two"
        if box.overlay.work is not None and box.overlay.upper is None:
            yield (*path, "work"), 'is of use only with "upper"', ""
    for key in ("masked_paths", "readonly_paths"):
        yield from _paths_wrong(key, getattr(box, key))


def _two_roots(box: Sandbox) -> Iterator[Finding]:
    if box.rootfs is not None and box.overlay is not None:
        yield ("sandbox", "overlay"), 'there is "rootfs" already', "give one of the two"
    if box.image is None:
        return
    try:
        image_name(box.image)
    except ValueError as error:
        yield ("sandbox", "image"), str(error), ""
    if box.rootfs is not None:
        yield ("sandbox", "image"), 'there is "rootfs" already', "give one of the two"
    if box.overlay is not None and box.overlay.lower:
        hint = 'with an image the overlay has only an "upper"'
        yield ("sandbox", "overlay", "lower"), "the image is what has the lower layers", hint


def _layers(overlay: Overlay, *, has_layers: bool) -> Iterator[Finding]:
    path = ("sandbox", "overlay")
    lower, upper, work = overlay.lower, overlay.upper, overlay.work
    if not lower and not has_layers:
        yield (*path, "lower"), "expected at least one directory", ""
    for name, layer in (*(("lower", one) for one in lower), ("upper", upper), ("work", work)):
        if why := bad_path(layer):
            yield (*path, name), why, ""
        elif layer is not None and len(layer.encode("utf-8", "replace")) > _LAYER_MAX:
            yield (*path, name), f"the path of a layer has at most {_LAYER_MAX} bytes", ""
    if upper is not None and upper in lower:
        yield (*path, "upper"), "is a lower layer too", ""


def mounts_make_sense(config: Config) -> Iterator[Finding]:
    """Each has what its type needs, and no more."""
    if config.sandbox is None:
        return
    for index, mount in enumerate(config.sandbox.mounts):
        for keys, message, hint in mount_wrong(mount):
            yield ("sandbox", "mounts", index, *keys), message, hint
    for index, text in enumerate(config.sandbox.devices):
        parts = text.split(":")
        if len(parts) > 2 or not all(part.startswith("/") for part in parts):
            yield ("sandbox", "devices", index), 'expected "/dev/NAME" or "/dev/NAME:TARGET"', ""


def mount_wrong(mount: Mount) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """What is wrong with one mount: the key in it, what, and what to do."""
    if why := _bad_target(mount.target):
        yield ("target",), why, ""
    elif not mount.target.strip("/"):
        yield ("target",), "the root itself is no target", 'see "rootfs" and "overlay"'
    needs_source = mount.type in ("bind", "symlink")
    if needs_source and not mount.source:
        yield (), f'a {mount.type} needs a "source"', ""
    elif why := bad_path(mount.source):
        yield ("source",), why, ""
    if mount.source is not None and mount.type in ("file", "directory"):
        yield ("source",), f'a {mount.type} has no "source"', ""
    if (mount.content is not None) != (mount.type == "file"):
        yield ("content",), 'a "content" is of a file, and a file has one', ""
    if mount.mode is not None and mount.type not in ("file", "directory"):
        yield ("mode",), "is of files and directories", 'for a tmpfs: options = ["mode=755"]'
    if mount.idmap is not None:
        if mount.type != "bind":
            yield ("idmap",), "is of binds", ""
        elif not fits(_IDMAP, mount.idmap):
            hint = "the id in the file system, the id it is seen as, how many"
            yield ("idmap",), f'expected "[b:]ID:ID:COUNT ...", got {mount.idmap!r}', hint
        else:
            yield from _idmap_wrong(mount.idmap)
    yield from _options_wrong(mount)


def _idmap_wrong(text: str) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """What the kernel would refuse, or take for another number."""
    found: dict[str, list[Row]] = {"u": [], "g": []}
    for word in text.split():
        kind = word[0] if word[0] in "bug" else "b"
        first, seen, count = (
            int(number[:18]) for number in word.removeprefix(f"{kind}:").split(":")
        )
        for one in "ug" if kind == "b" else kind:
            found[one].append(Row(first, seen, count))
    messages = (fault for rows in found.values() for fault in faults(rows))
    for message, hint in dict.fromkeys((message, hint) for _, message, hint in messages):
        yield ("idmap",), message.replace("outside", "seen").replace("inside", "on the disk"), hint


def _options_wrong(mount: Mount) -> Iterator[tuple[tuple[str, ...], str, str]]:
    if mount.options and mount.type in _WITHOUT_OPTIONS:
        yield ("options",), f"a {mount.type} has none", ""
        return
    for option in mount.options:
        if not option or "\0" in option:
            yield ("options",), f"{option!r} is no option", ""
        elif mount.type == "bind" and option not in _BIND_WORDS:
            hint = did_you_mean(option, _BIND_WORDS)
            yield ("options",), f"a bind has no option {option!r}", hint
        elif mount.type == "file" and option not in FLAG_WORDS:
            hint = did_you_mean(option, FLAG_WORDS)
            yield ("options",), f"a file has no option {option!r}", hint


def sysctls_are_the_sandboxes(config: Config) -> Iterator[Finding]:
    """Only those that a new namespace has of its own; the others are the host's."""
    box = config.sandbox
    if box is None:
        return
    for name in box.sysctls:
        path = ("sandbox", "sysctls", name)
        plain = name.replace("/", ".")
        kind = next((kind for shape, kind in _SYSCTLS if fits(shape, plain)), None)
        if plain in _NAMES:
            yield path, "is set by a key of its own", f'use {_NAMES[plain]} = "..."'
        elif kind is None or ".." in plain:
            yield path, "is not the sandbox's alone: the host's would change", ""
        elif kind not in origins(box) or origins(box)[kind].way == "shared":
            yield path, f"with a shared {kind} namespace the host's would change", ""


STRICT: Final[tuple[Check, ...]] = (
    root_can_be_made,
    mounts_make_sense,
    sysctls_are_the_sandboxes,
)
