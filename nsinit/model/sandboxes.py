"""What `[sandbox]` can hold: the namespaces that nsinit makes around itself and its services.

As in `nsinit.model.spec`: a key is here only when it works.
"""

from typing import Final, Literal

from msgspec import Struct, field

from nsinit.model.idmaps import IdMap
from nsinit.model.mounting import Mount, Overlay, Propagation
from nsinit.model.naming import bad_name
from nsinit.model.network import Network
from nsinit.model.resources import Resources
from nsinit.model.security import Security
from nsinit.named import Named

NamespaceKind = Literal["pid", "mount", "uts", "ipc", "net", "user", "cgroup", "time"]


class Clocks(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[sandbox.time_offsets]`: by how many seconds clocks differ from the host's."""

    monotonic: float = 0.0
    boottime: float = 0.0


class Users(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[sandbox].users`: whose ids those inside are, and whether there may be more of them.

    Without a key root keeps the ids that it has, and anybody else becomes root inside.
    """

    map: Literal["root", "auto", "keep", "none"] | None = None
    uid_map: IdMap | None = None
    gid_map: IdMap | None = None
    setgroups: Literal["allow", "deny"] | None = None  # None: as far as the kernel allows it
    subordinate: str | int | None = None  # whose ranges `auto` takes; None: those of the caller
    nested: bool = True  # False: no user namespaces can be made inside


class Sandbox(Security, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[sandbox]`; the keys of `Security` are what its services start from."""

    name: str | None = None
    hostname: str | None = None
    domainname: str | None = None
    namespaces: dict[NamespaceKind, int | str] = field(default_factory=dict)  # see Origin
    users: Users | None = None
    time_offsets: Clocks | None = None
    network: Network | None = None
    bundle: str | None = None  # an OCI bundle; its process is the main service
    rootfs: str | None = None
    overlay: Overlay | None = None
    image: str | None = None  # its layers are the lower ones of an overlay
    readonly: bool = False
    mounts: list[Mount] = field(default_factory=list)
    propagation: Propagation | None = None
    masked_paths: list[str] | None = None
    readonly_paths: list[str] | None = None
    devices: list[str] = field(default_factory=list)
    sysctls: dict[str, str | int] = field(default_factory=dict)
    resources: Resources | None = None
    resources_optional: bool = False  # what can't be limited here is told, and is no error
    cgroup_parent: str | None = None  # the group to make its own in; None: that of the launcher
    sealed: bool = False  # the interpreter runs from a copy that nobody can write

    @property
    def has_own_root(self) -> bool:
        """Whether it sees another root file system than the host's, or may: that of others."""
        joined = origins(self)["mount"].joined
        own = (self.rootfs, self.overlay, self.image)
        return joined or any(one is not None for one in own)


class Origin(Named):
    """Where a namespace comes from: new, shared with the launcher, or joined by what `word` is."""

    way: Literal["new", "shared", "path", "pid", "sandbox"]
    word: str = ""

    @property
    def joined(self) -> bool:
        """Whether it is somebody else's."""
        return self.way not in ("new", "shared")


NEW: Final = Origin("new")


def origin(value: int | str) -> Origin | None:
    """What a value of `namespaces` means; None if nothing."""
    text = str(value)
    if text in ("new", "shared"):
        return Origin("new" if text == "new" else "shared")
    if text.isascii() and text.isdigit() and 0 < len(text) <= 10 and int(text) > 0:
        return Origin("pid", text)
    if text.startswith("/") and "\0" not in text:
        return Origin("path", text)
    name = text.removeprefix("sandbox:")
    return Origin("sandbox", name) if name != text and not bad_name(name) else None


def origins(sandbox: Sandbox) -> dict[NamespaceKind, Origin]:
    """Where each kind comes from, with the defaults; a user namespace is for the launcher to say.

    As few as make sense: an own ipc, uts, pid and mount namespace, and no other.
    """
    made: dict[NamespaceKind, Origin] = dict.fromkeys(("ipc", "uts", "pid", "mount"), Origin("new"))
    if sandbox.time_offsets is not None:
        made["time"] = Origin("new")
    if sandbox.network is not None and (found := network_origin(sandbox.network)):
        made["net"] = found
    for kind, value in sandbox.namespaces.items():
        made[kind] = origin(value) or Origin("shared")
    return made


def network_origin(network: Network) -> Origin | None:
    """Which network namespace its mode stands for; None if for none in particular."""
    if network.way is None:
        return None
    if network.way == "host":
        return Origin("shared")
    if network.way == "join":
        return origin(network.join) if network.join is not None else None
    return NEW
