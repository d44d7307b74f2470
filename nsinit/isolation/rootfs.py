"""All the steps of a root file system, in order, from plain data.

propagation                    before any mount, or the host would see them
store, root                    a directory or layers, over the old root
/proc /sys /dev /run /tmp      what programs expect, unless a mount has that target
mounts                         as they are written
sysctls                        while /proc/sys can be written
masked and read-only paths     over all that is mounted by now
read-only root, pivot          and the old root is gone
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Final

from nsinit.isolation.basics import OwnProc
from nsinit.isolation.devices import Device, MinimalDev
from nsinit.isolation.files import EtcFiles, NameFiles
from nsinit.isolation.mounting import put
from nsinit.isolation.paths import MASKED, READONLY, Mask, ReadonlyPath
from nsinit.isolation.root import (
    BindRoot,
    EnterRoot,
    OverlayRoot,
    PrepareStage,
    Propagation,
    ReadonlyRoot,
)
from nsinit.isolation.stage import Stage
from nsinit.isolation.sysctls import SetSysctl
from nsinit.model.mounting import Mount, at
from nsinit.named import Named

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from nsinit.isolation.files import Names
    from nsinit.isolation.layers import HoldUpper
    from nsinit.isolation.mounting import Opened
    from nsinit.process.steps import Step

_SAFE: Final = ["nosuid", "nodev", "noexec"]


class Root(Named):
    """What a root is to be like; None and "" say that nothing was asked for."""

    path: str | None = None  # of a directory; else:
    lower: Sequence[str] = ()  # layers, the first lies over the others
    layers: Sequence[Opened] = ()  # the same, if the launcher has made mounts of them
    upper: HoldUpper | None = None  # over them; else what is written is thrown away
    readonly: bool = False
    mounts: Sequence[Mount] = ()
    ready: Mapping[int, Opened] = {}  # by the index in `mounts`: what the launcher has made of it
    devices: Sequence[str] = ()
    masked: Sequence[str] | None = None
    readonly_paths: Sequence[str] | None = None
    sysctls: Mapping[str, str | int] = {}
    propagation: str = "private"
    hostname: str | None = None
    names: Names | None = None
    connected: bool = False  # it has a network of its own with more than lo
    own: Collection[str] = ()  # the kinds of namespaces that are not the host's

    @property
    def is_own(self) -> bool:
        """Whether it is another root than the host's."""
        return self.path is not None or bool(self.lower)

    @property
    def is_built(self) -> bool:
        """Whether there is more to do than to cut mounts off, and to have a /proc."""
        return self.is_own or any(
            (self.mounts, self.devices, self.masked, self.readonly_paths, self.names)
        )


def root_steps(root: Root) -> list[Step]:
    """For a process in a new mount namespace; see the module."""
    first = "private" if root.propagation == "private" else "slave"
    steps: list[Step] = [Propagation(first)]
    if not root.is_built:
        steps += [OwnProc()] if "pid" in root.own else []
        steps += sysctl_steps(Stage(create=False), root.sysctls)
        return steps + ([Propagation("shared")] if root.propagation == "shared" else [])
    path = posixpath.normpath(root.path) if root.path else ""
    stage = Stage(create=root.is_own and path != "/")
    if root.lower:
        steps += [PrepareStage(stage), OverlayRoot(stage, root.lower, root.upper, root.layers)]
    else:
        steps += [BindRoot(stage, root.path or "/", nodev=root.is_own), PrepareStage(stage)]
    taken = {at(mount) for mount in root.mounts}
    defaults = [mount for mount in _expected(root) if at(mount) not in taken]
    steps += [put(stage, mount) for mount in defaults if at(mount) in ("/proc", "/sys")]
    if root.is_own and "/dev" not in taken:
        steps.append(MinimalDev(stage, queues="ipc" in root.own))
    steps += [put(stage, mount) for mount in defaults if at(mount) not in ("/proc", "/sys")]
    if root.is_own and "/etc" not in taken:
        resolve = root.connected or "net" not in root.own
        steps.append(EtcFiles(stage, root.hostname, resolve=resolve, apart=root.connected))
    if root.names is not None:
        steps.append(NameFiles(stage, root.names, root.hostname, own=root.is_own))
    for device in root.devices:
        source, _, target = device.partition(":")
        steps.append(Device(stage, source, target or source))
    steps += [put(stage, mount, root.ready.get(index)) for index, mount in enumerate(root.mounts)]
    steps += sysctl_steps(stage, root.sysctls)
    return steps + _last(stage, root)


def sysctl_steps(stage: Stage, sysctls: Mapping[str, str | int]) -> list[Step]:
    """Settings of the namespaces; they need no root of their own."""
    return [SetSysctl(stage, name, str(value)) for name, value in sysctls.items()]


def _expected(root: Root) -> list[Mount]:
    """What programs expect at these places."""
    found: list[Mount] = []
    if "pid" in root.own:
        found.append(Mount(type="proc", target="/proc", options=_SAFE))
    elif root.is_own:
        found.append(Mount(type="bind", source="/proc", target="/proc", options=_SAFE))
    if not root.is_own:
        return found
    if "net" in root.own:
        found.append(Mount(type="sysfs", target="/sys", options=["ro", *_SAFE]))
    else:  # one of its own needs a network namespace of its own
        found.append(Mount(type="bind", source="/sys", target="/sys", options=["ro", *_SAFE]))
    quiet = ["nosuid", "nodev"]
    return [
        *found,
        Mount(type="tmpfs", target="/run", options=[*quiet, "mode=755"]),
        Mount(type="tmpfs", target="/tmp", options=[*quiet, "mode=1777"]),  # noqa: S108  (its own)
    ]


def _last(stage: Stage, root: Root) -> list[Step]:
    """What comes when all is mounted."""
    masked, readonly = root.masked, root.readonly_paths
    if masked is None:
        masked = MASKED if root.is_own else ()
    if readonly is None:
        readonly = READONLY if root.is_own else ()
    steps: list[Step] = [Mask(stage, path) for path in masked]
    steps += [ReadonlyPath(stage, path) for path in readonly]
    if root.readonly:
        steps.append(ReadonlyRoot(stage))
    steps.append(EnterRoot(stage))
    if root.propagation == "shared":
        steps.append(Propagation("shared"))
    return steps
