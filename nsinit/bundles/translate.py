"""From the text of a bundle's config.json to the tables of a configuration, and the rest. Pure.

What a file could say is said in the words of a file: a table for `[sandbox]`, one for the main
service. What only bundles have is in a `Bundle`: mounts and devices as the specification has them,
hooks, the terminal.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from msgspec import Struct

from nsinit.bundles.hooks import Hook, State, hooks_of
from nsinit.bundles.linux import Node, filter_of, nodes_of, same_ids, sandbox_of
from nsinit.bundles.mounts import Placed, placed
from nsinit.bundles.process import service_of
from nsinit.bundles.read import Findings, read
from nsinit.bundles.resources import resources_of

if TYPE_CHECKING:
    from nsinit.bundles.spec import Config

FILE: Final = "config.json"
_VERSION: Final = re.compile(r"1\.\d+\.\d+(?:[-+].*)?")


class Bundle(Struct, frozen=True, kw_only=True):
    """What of a bundle has no key in a file."""

    directory: str
    oci_version: str
    mounts: tuple[Placed, ...] = ()
    nodes: tuple[Node, ...] = ()
    hooks: dict[str, tuple[Hook, ...]]
    annotations: dict[str, str]
    propagation: str = ""  # of the root, as `linux.rootfsPropagation`
    terminal: bool = False
    size: tuple[int, int] | None = None  # of the terminal: rows, columns
    owner: int = 0  # of the terminal
    cwd: str = "/"  # is made if there is none

    def state(self, name: str) -> State:
        """What hooks are told."""
        return State(
            oci_version=self.oci_version,
            id=name,
            bundle=self.directory,
            annotations=self.annotations,
        )

    @property
    def shares_dev(self) -> bool:
        """Whether /dev is a directory of the host: also a devtmpfs, of which there is one only."""
        shared = ("bind", "devtmpfs")
        return any(one.target == "/dev" and one.type in shared for one in self.mounts)

    def makes(self, node: Node) -> bool:
        """Whether a device that is listed is made: on the host none is."""
        return not (self.shares_dev and node.path.startswith("/dev/"))

    @property
    def has_hooks(self) -> bool:
        """Whether there is any."""
        return any(self.hooks.values())


class Translated(NamedTuple):
    """All that a bundle says."""

    bundle: Bundle
    sandbox: dict[str, Any]
    service: dict[str, Any]


def translate(text: str, directory: str, findings: Findings) -> Translated | None:
    """What the config.json in that directory (absolute) means; None if it can't be read at all.

    What is wrong is in `findings`: there is no use in the rest then.
    """
    config = read(text, findings)
    if config is None:
        return None
    if not _VERSION.fullmatch(config.oci_version):
        message = f"expected a version 1.x.y of the specification, got {config.oci_version!r}"
        findings.error(("ociVersion",), message)
    if config.process is None:
        findings.error(("process",), "there is nothing to run", 'the key "process" is missing')
        return None
    if config.root is None or not config.root.path:
        findings.error(("root",), "there is no root file system", 'the key "root.path" is missing')
        return None
    linux = config.linux
    sandbox = sandbox_of(config, findings)
    sandbox["rootfs"] = os.path.join(directory, config.root.path)
    if os.path.normpath(sandbox["rootfs"]) == "/":  # devices would be made in the host's /dev
        findings.error(("root", "path"), "is the root of the host", "a bundle has one of its own")
    sandbox["readonly"] = config.root.readonly
    service = service_of(config.process, findings)
    service["seccomp"] = {"profile": filter_of(linux, findings)}
    if linux.resources is not None:
        nodev = any(mount.destination == "/dev" for mount in config.mounts)
        could = "MKNOD" in service["capabilities"] or not nodev
        limits = resources_of(linux.resources, findings, can_make_devices=could)
        sandbox |= {"resources": limits} if limits else {}
    if linux.cgroups_path:
        message = "has no effect: the cgroup has a name of its own"
        findings.warn(("linux", "cgroupsPath"), message, 'see "cgroup_parent" of [sandbox]')
    size = config.process.console_size
    bundle = Bundle(
        directory=directory,
        oci_version=config.oci_version,
        mounts=placed(config.mounts, directory, same_ids(linux), findings),
        nodes=nodes_of(linux, findings),
        hooks=hooks_of(config.hooks, findings),
        annotations=config.annotations,
        propagation=linux.rootfs_propagation,
        terminal=config.process.terminal,
        size=(size.height, size.width) if size is not None else None,
        owner=config.process.user.uid,
        cwd=service["working_dir"],
    )
    if not all(map(bundle.makes, bundle.nodes)):
        message = "those below /dev are not made: it is the host's own"
        findings.warn(("linux", "devices"), message, "mount a tmpfs on /dev")
    _check_devpts(config, findings)
    return Translated(bundle, sandbox, service)


def _check_devpts(config: Config, findings: Findings) -> None:
    """A terminal is one of the container's own."""
    if config.process is None or not config.process.terminal:
        return
    if not any(mount.type == "devpts" for mount in config.mounts):
        hint = 'see the mounts of "runc spec"'
        findings.error(("process", "terminal"), "needs a mount of devpts on /dev/pts", hint)
