"""What `[sandbox].network` can hold: how a sandbox is connected, and to whom.

As in `nsinit.model.spec`: a key is here only when it works.
"""

from typing import Any, Final, Literal

from msgspec import Struct, field

from nsinit.model.publish import Publish
from nsinit.model.types import Names

Mode = Literal["none", "host", "bridge", "macvlan", "pasta", "slirp4netns", "join"]
LinkType = Literal["bridge", "macvlan", "phys"]

BRIDGE: Final = "nsinit0"  # made when it is missing, and removed by whoever ends last
AUTO: Final = "auto"
NONE: Final = "none"
# What describes the one interface of a sandbox that has no list of them.
OF_ONE: Final = ("parent", "address", "gateway", "mac", "mtu")
# The modes with interfaces that the host makes.
CONNECTED: Final = ("bridge", "macvlan")
# Those of an ordinary user, by a program.
USER_MODES: Final = ("pasta", "slirp4netns")


class Interface(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One interface of a sandbox, and what it is connected to."""

    name: str | None = None  # eth0, eth1, ... by its place in the list
    type: LinkType | None = None  # as the mode
    bridge: str | None = None
    parent: str | None = None  # of a macvlan; for phys the interface itself
    address: Names | None = None  # "auto" or with the length of the prefix: 10.0.0.2/24
    gateway: Names | None = None  # None: of the first interface, the bridge's address
    mac: str | None = None
    mtu: int | None = None


class Network(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[sandbox.network]`."""

    mode: Mode | None = None
    join: int | str | None = None
    bridge: str | None = None
    subnet: Names = Names()  # of a bridge that has to be made
    parent: str | None = None
    address: Names | None = None
    gateway: Names | None = None
    mac: str | None = None
    mtu: int | None = None
    interfaces: list[Interface] = field(default_factory=list)
    dns: Names = Names()
    dns_search: Names = Names()
    hosts: dict[str, Names] = field(default_factory=dict)
    nat: bool = False  # what leaves gets the host's address, and only what is published comes in
    publish: Publish = Publish()

    @property
    def way(self) -> Mode | None:
        """The mode; None where nothing is said of one."""
        if self.mode is not None:
            return self.mode
        if self.join is not None:
            return "join"
        keys = ("bridge", "subnet", "interfaces", "nat", "publish", *OF_ONE)
        return "bridge" if any(getattr(self, key) for key in keys) else None

    @property
    def has_names(self) -> bool:
        """Whether it says who is asked for names, or answers some of them."""
        return bool(self.dns or self.dns_search or self.hosts)


def written_out(value: object) -> object:
    """The short forms as a table: a mode, or whose network it is to be."""
    if isinstance(value, (dict, bool)):
        return value
    if isinstance(value, int) or (isinstance(value, str) and _names_another(value)):
        return {"join": value}
    return {"mode": value}


def _names_another(text: str) -> bool:
    return text.startswith(("/", "sandbox:")) or (text.isascii() and text.isdigit())


def links(network: Network | None) -> list[Interface]:
    """The interfaces that are made for it by the host, with all that was left out filled in."""
    if network is None or network.way not in CONNECTED:
        return []
    given = network.interfaces or [Interface(**{key: getattr(network, key) for key in OF_ONE})]
    return [_filled(one, index, network) for index, one in enumerate(given)]


def _filled(one: Interface, index: int, network: Network) -> Interface:
    kind = one.type or ("macvlan" if network.way == "macvlan" else "bridge")
    changed: dict[str, Any] = {"name": one.name or f"eth{index}", "type": kind}
    if kind == "bridge":
        changed["bridge"] = one.bridge or network.bridge or BRIDGE
        changed["address"] = Names([AUTO]) if one.address is None else one.address
    if one.gateway is None and index:
        changed["gateway"] = Names([NONE])
    return replaced(one, **changed)


def replaced(one: Interface, **changed: Any) -> Interface:  # noqa: ANN401  (fields of it)
    """Another one, with some fields changed."""
    return Interface(**{name: getattr(one, name) for name in one.__struct_fields__} | changed)
