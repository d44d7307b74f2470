"""The process that makes the network of a sandbox: a child of the launcher, which it dies with.

    launcher                    helper
    --------                    ------
    fork ---------------------> make bridges, find addresses
    clone init, as ever
    its pid ------------------> for each interface: make it in init's network namespace
         <--------------------- what it is, or FAILED with what, and what to do
    wait until all are there    end
    let init be init

What it has begun when something fails is in the ledger, for the launcher to take back.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any

from nsinit import jsontext
from nsinit.kernel.rtnetlink import Netlink
from nsinit.network.plug import Plug, open_net

if TYPE_CHECKING:
    import _socket
    from collections.abc import Sequence

    from nsinit.model.network import Interface
    from nsinit.network.ledger import Ledger

_PID_MAX = 32  # bytes


def work(
    sock: _socket.socket, wanted: Sequence[Interface], subnets: tuple[str, ...], ledger: Ledger
) -> None:
    """Answer with one message for each interface; the first that says what failed is the last."""
    plugs: list[Plug] = []
    name = ""  # of the interface in work, where there are several
    try:
        host = Netlink()
        for one in wanted:
            name = f"{one.name}: " if len(wanted) > 1 else ""
            plugs.append(Plug(one, subnets, ledger))
            plugs[-1].prepare(host)
        told = sock.recv(_PID_MAX)
        if not told:
            return  # the launcher has given up
        net = open_net(int(told))
        for plug in plugs:
            name = f"{plug.name}: " if len(wanted) > 1 else ""
            answer(sock, {"made": plug.connect(host, net)})
    except OSError as error:
        fail(sock, error.errno or errno.EIO, f"{name}{error.strerror or error}")
    except Exception as error:  # noqa: BLE001  (whatever it is, the launcher is who tells it)
        fail(sock, errno.EIO, f"internal error: {error!r}")


def fail(sock: _socket.socket, number: int, words: str) -> None:
    """Say what failed, with which errno."""
    answer(sock, {"errno": number, "words": words})


def answer(sock: _socket.socket, told: dict[str, Any]) -> None:
    """One message."""
    try:
        sock.send(jsontext.encode(told))
    except OSError:
        os._exit(1)  # nobody waits for it any more
