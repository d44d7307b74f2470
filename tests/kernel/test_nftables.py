"""Tables of nftables, in a network namespace of the test's own."""

from __future__ import annotations

import errno
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from nsinit.kernel import libc, nftables, seam, sockets
from tests.kernel.conftest import in_child
from tests.support.ports import need

if TYPE_CHECKING:
    from collections.abc import Callable

_RULES = """
table inet nsinit-a { comment "1 2 br0"; }
table inet other { }
table ip filter {
  chain FORWARD { type filter hook forward priority 0; policy drop; }
}
table inet shy {
  chain f { type filter hook forward priority 0; policy accept; }
  chain i { type filter hook input priority 0; policy drop; }
}
"""


def _in_own_network(function: Callable[[], object]) -> Any:
    def inside() -> object:
        libc.unshare(libc.CLONE_NEWNET)
        return function()

    return in_child(inside)


@pytest.mark.usefixtures("needs_root")
def test_tables_are_told_when_there_are_some() -> None:
    """Those of inet with their comments, and the chains that drop what is forwarded."""
    need("nft")

    def look() -> object:
        none = nftables.tables(), nftables.dropping()
        subprocess.run(["nft", "-f", "-"], input=_RULES.encode(), check=True, timeout=20)
        found = sorted(nftables.tables()), nftables.dropping()
        nftables.delete_table("nsinit-a")
        with pytest.raises(FileNotFoundError):
            nftables.delete_table("nsinit-a")
        return none, found, sorted(table.name for table in nftables.tables())

    none, (tables, dropping), left = _in_own_network(look)
    assert none == ([], [])
    assert tables == [("nsinit-a", "1 2 br0"), ("other", ""), ("shy", "")]
    assert dropping == [("ip", "filter", "FORWARD")]
    assert left == ["other", "shy"]


@pytest.mark.usefixtures("needs_root")
def test_port_is_held_when_nobody_listens_on_it() -> None:
    """Nobody else gets it; what lingers of closed connections is in nobody's way."""

    def hold() -> object:
        import socket

        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        lingering = socket.create_server(("127.0.0.1", 81))
        with socket.create_connection(("127.0.0.1", 81)):
            lingering.accept()[0].close()
        lingering.close()
        first = [sockets.hold_inet("0.0.0.0", port, stream=True) for port in (80, 81)]
        first.append(sockets.hold_inet("::", 80, stream=True))
        first.append(sockets.hold_inet("127.0.0.1", 80, stream=False))
        numbers = []
        for host, port, stream in (
            ("127.0.0.1", 80, True),
            ("0.0.0.0", 81, True),
            ("::1", 80, True),
        ):
            with pytest.raises(OSError) as error:
                sockets.hold_inet(host, port, stream=stream)
            numbers.append(error.value.errno)
        with pytest.raises(OSError) as error:
            socket.create_server(("0.0.0.0", 80))
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", 80))
        return [*numbers, error.value.errno, len(first)]

    assert _in_own_network(hold) == [errno.EADDRINUSE] * 4 + [4]


@pytest.mark.usefixtures("needs_root")
def test_no_table_is_told_when_the_kernel_has_none() -> None:
    """As where nftables is not built in."""

    def look() -> object:
        seam.inject(seam.Plan("netlink:EPROTONOSUPPORT"))
        return nftables.tables(), nftables.dropping()

    assert _in_own_network(look) == ([], [])
