"""Tables of nftables: looked at, and removed. Knows no policy.

What is written into them is the business of nft(8). That a table goes is asked of the kernel here,
so that whoever tidies up needs no program for it. See linux/netfilter/nf_tables.h.
"""

from __future__ import annotations

import struct
from typing import Final

from nsinit.kernel import netlink, nfnetlink
from nsinit.named import Named

_SUBSYSTEM: Final = 10  # NFNL_SUBSYS_NFTABLES
_GET_TABLE: Final = _SUBSYSTEM << 8 | 1
_DEL_TABLE: Final = _SUBSYSTEM << 8 | 2
_GET_CHAIN: Final = _SUBSYSTEM << 8 | 4
_TABLE_NAME: Final = 1
_TABLE_USERDATA: Final = 6
_COMMENT: Final = 0  # of the user data, as libnftnl writes it
_CHAIN_TABLE: Final = 1
_CHAIN_NAME: Final = 3
_CHAIN_HOOK: Final = 4
_CHAIN_POLICY: Final = 5
_HOOK_NUMBER: Final = 1
_HOOK_FORWARD: Final = struct.pack(">I", 2)
_DROP: Final = bytes(4)
_INET: Final = 1  # NFPROTO_INET: both versions of IP
_FAMILIES: Final = {1: "inet", 2: "ip", 10: "ip6"}


class Table(Named):
    """A table of the family inet."""

    name: str
    comment: str


class Chain(Named):
    """A base chain through which all goes that is forwarded."""

    family: str
    table: str
    name: str


def tables() -> list[Table]:
    """Those of the family inet in this network namespace; none where there is no nftables."""
    return [
        Table(_text(found.get(_TABLE_NAME, b"")), _comment(found.get(_TABLE_USERDATA, b"")))
        for family, found in nfnetlink.dump(_GET_TABLE)
        if family == _INET
    ]


def dropping() -> list[Chain]:
    """The chains that drop what is forwarded unless a rule of theirs accepts it."""
    made = []
    for family, found in nfnetlink.dump(_GET_CHAIN):
        hook = netlink.attributes(found.get(_CHAIN_HOOK, b""))
        is_forward = hook.get(_HOOK_NUMBER) == _HOOK_FORWARD
        if is_forward and family in _FAMILIES and found.get(_CHAIN_POLICY) == _DROP:
            table, name = (_text(found.get(key, b"")) for key in (_CHAIN_TABLE, _CHAIN_NAME))
            made.append(Chain(_FAMILIES[family], table, name))
    return made


def delete_table(name: str) -> None:
    """Remove a table of the family inet with all that is in it; ENOENT if there is none."""
    body = netlink.attribute(_TABLE_NAME, name.encode() + b"\0")
    nfnetlink.ask(_DEL_TABLE, _INET, body, batch=_SUBSYSTEM)


def _comment(data: bytes) -> str:
    """What the user data of a table has: triples of a kind, a length in a byte, and so many."""
    while len(data) >= 2:
        kind, length = data[0], data[1]
        if kind == _COMMENT:
            return _text(data[2 : 2 + length])
        data = data[2 + length :]
    return ""


def _text(data: bytes) -> str:
    return data.rstrip(b"\0").decode("utf-8", "replace")
