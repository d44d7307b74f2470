"""Checks of what a sandbox publishes: each port leads to one place, by a way there is. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nsinit.model import publish
from nsinit.model.network import USER_MODES, links

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nsinit.model.lines import KeyPath
    from nsinit.model.publish import Port
    from nsinit.model.spec import Config

    Finding = tuple[KeyPath, str, str]  # where, what is wrong, what to do
    Check = Callable[[Config], Iterator[Finding]]

_AT: Final = ("sandbox", "network")


def ports_can_be_published(config: Config) -> Iterator[Finding]:
    """No port twice, and none of what the mode can't do."""
    network = config.sandbox.network if config.sandbox is not None else None
    if network is None or not network.publish:
        return
    path: KeyPath = (*_AT, "publish")
    on_bridge = any(one.type == "bridge" for one in links(network))
    if not on_bridge and network.way not in USER_MODES:
        hint = "its ports are the host's already" if network.way == "host" else 'mode = "bridge"'
        yield path, f"is of no use with the mode {network.way!r}", hint
        return
    for index, why, hint in publish.faults(network.publish):
        yield path if index is None else (*path, index), why, hint
    for index, port in enumerate(network.publish):
        if found := _wrong(port, str(network.way)):
            yield (*path, index), *found


def _wrong(port: Port, mode: str) -> tuple[str, str] | None:
    if port.host == "::1" and mode not in USER_MODES:
        why = "the kernel leads nothing from ::1 to a bridge"
        return why, 'publish it on "127.0.0.1", or on the address of an interface'
    if port.is_ipv6 and mode == "slirp4netns":
        return "slirp4netns publishes on IPv4 only", 'mode = "pasta"'
    return None


def addresses_can_be_given(config: Config) -> Iterator[Finding]:
    """`nat` is for what goes out by a bridge."""
    network = config.sandbox.network if config.sandbox is not None else None
    if network is None or not network.nat:
        return
    if not any(one.type == "bridge" for one in links(network)):
        hint = "it does so by itself" if network.way in USER_MODES else 'mode = "bridge"'
        yield (*_AT, "nat"), f"is of no use with the mode {network.way!r}", hint


STRICT: Final[tuple[Check, ...]] = (ports_can_be_published, addresses_can_be_given)
