"""What a network has to say beyond its interfaces: masquerade, published ports, user mode."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nsinit.model.network import links
from nsinit.model.sandboxes import origins
from nsinit.named import Named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nsinit.model.network import Network
    from nsinit.model.sandboxes import Sandbox
    from nsinit.process.steps import ParentStep, Step
    from nsinit.sandbox.state import Registration


def plan_published(
    network: Network, made: Sequence[dict[str, Any]], entry: Registration | None
) -> tuple[list[ParentStep], list[Step]]:
    """First the ports are held, before anything is made; the rules need the addresses.

    What is `made` of interfaces is known by then.
    """
    if not (network.publish or network.nat):
        return [], []
    from nsinit.sandbox.firewall import Firewall  # noqa: PLC0415  (many have neither)
    from nsinit.sandbox.reserved import Reserved  # noqa: PLC0415  (the same)

    rules = Firewall(network.publish, made, entry, nat=network.nat)
    return ([Reserved(network.publish, entry)] if network.publish else []), [rules]


class NamesPlan(Named):
    """What tells a sandbox of others, by phase."""

    host: tuple[Step, ...] = ()
    before: tuple[Step, ...] = ()  # by init, while it sees the root of the launcher
    child: tuple[Step, ...] = ()
    settled: tuple[Step, ...] = ()


def plan_names(sandbox: Sandbox, entry: Registration | None) -> NamesPlan:
    """For who is on a bridge, and has an /etc/hosts of its own."""
    on_bridge = any(one.type == "bridge" for one in links(sandbox.network))
    if not on_bridge or origins(sandbox)["mount"].way != "new":
        return NamesPlan()
    from nsinit.sandbox.names import (  # noqa: PLC0415  (as above)
        HostsFile,
        HostsHeld,
        HostsMounted,
        NamesTold,
    )

    file = HostsFile(sandbox, entry)
    told = NamesTold(file, entry)
    return NamesPlan((file,), (HostsHeld(file),), (HostsMounted(file),), (told,))


def plan_user_mode(
    mode: str, network: Network, entry: Registration | None
) -> tuple[tuple[ParentStep, ...], tuple[Step, ...]]:
    """It is started first, and waited for last."""
    from nsinit.sandbox.usermode import UserNetwork, UserNetworkReady  # noqa: PLC0415  (rare)

    started = UserNetwork(mode, network.publish, entry)
    return (started,), (UserNetworkReady(started),)
