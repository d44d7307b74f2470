"""Interfaces of a sandbox that runs: one more, one less, and what there is.

What is added is entered in the sandbox's record, and goes with the sandbox.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Protocol

from nsinit.kernel import interfaces, seam
from nsinit.kernel.rtnetlink import Netlink
from nsinit.model.network import BRIDGE, NONE, replaced
from nsinit.model.types import Names
from nsinit.network.ledger import Ledger, directory_of, here
from nsinit.network.plug import Plug, give_back, open_net

if TYPE_CHECKING:
    from nsinit.kernel.rtnetlink import Link
    from nsinit.model.network import Interface

_MOST: Final = 1000


class Book(Protocol):
    """The record of a sandbox, as it is in its file now."""

    pid: int
    owner: str
    directory: str
    network: tuple[dict[str, Any], ...]

    def note(
        self,
        *,
        add: dict[str, Any] | None = None,
        drop: str = "",
        cleanup: tuple[str, str] | None = None,
    ) -> None:
        """Change the file; OSError if the sandbox has ended, or that can't be."""


def add(book: Book, one: Interface) -> dict[str, Any]:
    """Connect one more interface; what has been made. OSError says what failed."""
    net = open_net(book.pid)
    try:
        _refuse_own(net)
        host, inside = Netlink(), Netlink(net)
        one = _filled(one, inside.links())
        ledger = _ledger(book)
        with ledger.held():
            book.note(cleanup=("network", ledger.directory))
        plug = Plug(one, (), ledger)
        try:
            plug.prepare(host)
            made = plug.connect(host, net)
            with ledger.held():
                book.note(add=made)
        except BaseException:
            with suppress(OSError):
                plug.release(host)
            if plug.is_inside:
                with suppress(OSError):
                    _take_out(inside, net, one)
            raise
        return made
    finally:
        os.close(net)


def remove(book: Book, name: str) -> None:
    """Remove an interface that nsinit has made, or give back one that was moved in."""
    known = next((one for one in book.network if one.get("name") == name), None)
    if known is None:
        names = ", ".join(str(one.get("name")) for one in book.network)
        but = f", but {names}" if names else ""
        raise OSError(errno.ENODEV, f"nsinit has made no interface {name!r} for it{but}")
    net = open_net(book.pid)
    try:
        _refuse_own(net)
        inside = Netlink(net)
        if known.get("type") == "phys":
            _move_back(inside, net, name, str(known.get("parent")))
        else:
            _delete(inside, name)  # the other end of a veth goes with it
        ledger = _ledger(book)
        if known.get("type") == "bridge":
            addresses = [str(text) for text in known.get("address", ())]
            give_back(ledger, str(known.get("bridge")), str(known.get("port")), addresses)
        with ledger.held():
            book.note(drop=name)
    finally:
        os.close(net)


def look(pid: int) -> dict[str, dict[str, Any]]:
    """The interfaces of a sandbox as they are now, but lo; OSError where that may not be asked."""
    net = open_net(pid)
    try:
        inside = Netlink(net)
        told = inside.addresses()
        return {
            name: {
                "up": link.is_up,
                "mac": link.mac,
                "kind": link.kind,
                "address": [one.text for one in told if one.number == link.number],
            }
            for name, link in inside.links().items()
            if name != "lo"
        }
    finally:
        os.close(net)


def _ledger(book: Book) -> Ledger:
    return Ledger(directory_of(os.path.dirname(book.directory)), book.owner)


def _refuse_own(net: int) -> None:
    if seam.fstat(net).st_ino == here():
        raise OSError(errno.EINVAL, "it has no network of its own")


def _filled(one: Interface, there: dict[str, Link]) -> Interface:
    """With a name that is free, and no route unless it was asked for: there may be one."""
    free = (f"eth{number}" for number in range(_MOST))
    name = one.name or next(name for name in free if name not in there)
    if name in there:
        raise OSError(errno.EEXIST, f"there is an interface {name} in it already")
    gateway = Names([NONE]) if one.gateway is None else one.gateway
    made = replaced(one, name=name, gateway=gateway)
    return replaced(made, bridge=made.bridge or BRIDGE) if made.type == "bridge" else made


def _take_out(inside: Netlink, net: int, one: Interface) -> None:
    """What `Plug.release` leaves in the sandbox; a veth went with its other end."""
    if one.type == "macvlan":
        _delete(inside, one.name or "")
    elif one.type == "phys":
        _move_back(inside, net, one.name or "", one.parent or "")


def _delete(inside: Netlink, name: str) -> None:
    found = inside.links().get(name)
    if found is not None:
        inside.delete_link(found.number, name)


def _move_back(inside: Netlink, net: int, name: str, outer: str) -> None:
    found = inside.links().get(name)
    if found is not None:
        with interfaces.inside(net) as home:
            interfaces.move(found.number, outer, home)
