"""What can be written about file systems: a root, what is mounted in it, what is hidden of it.

As in `nsinit.model.spec`: a key is here only when it works.
"""

from os.path import normpath
from typing import Final, Literal

from msgspec import Struct, field

from nsinit.model.types import Mode

MountType = Literal[
    "bind", "tmpfs", "proc", "sysfs", "devpts", "mqueue", "overlay", "cgroup", "cgroup2",
    "file", "directory", "symlink",
]  # fmt: skip
Propagation = Literal["private", "slave", "shared"]
# What a sandbox has to say about its root and its mounts.
ROOT_KEYS: Final = (
    "rootfs", "overlay", "image", "readonly", "mounts", "propagation", "masked_paths",
    "readonly_paths", "devices", "sysctls",
)  # fmt: skip


class Mount(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that is put into the root: a mount, a file, a directory or a link."""

    target: str
    type: MountType = "bind"
    source: str | None = None
    options: list[str] = field(default_factory=list)
    content: str | None = None
    mode: Mode | None = None
    idmap: str | None = None
    optional: bool = False


class Overlay(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A root of layers; the first of `lower` lies over the others. An image has its own."""

    lower: list[str] = field(default_factory=list)
    upper: str | None = None
    work: str | None = None
    ephemeral: bool = False


def at(mount: Mount) -> str:
    """Its target in the one spelling that can be compared."""
    return normpath("/" + mount.target.lstrip("/"))


def written_out(value: object) -> object:
    """A list of mounts with the short form "SOURCE:TARGET[:OPTION,...]" as tables.

    What has a content is a file, without saying so.
    """
    return [_table(item) for item in value] if isinstance(value, list) else value


def _table(item: object) -> object:
    if isinstance(item, dict):
        return {"type": "file"} | item if "content" in item else item
    if not isinstance(item, str):
        return item
    source, mark, rest = item.partition(":")
    target, _, options = rest.partition(":")
    made = {"source": source, "target": target if mark else source}
    return made | ({"options": options.split(",")} if options else {})
