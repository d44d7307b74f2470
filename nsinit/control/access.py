"""Who may do what: the level of a client, from the uid and gid that the kernel vouches for.

root and the user that init runs as are admin. Everybody else has the level that the configuration
gives to their user or to one of their groups, or none.

In a user namespace the kernel names a user who is not mapped there 65534. Where nobody but its
owner can open the socket, such a client can only be root of the namespace above.
"""

from __future__ import annotations

import _socket
import os
import struct
from typing import TYPE_CHECKING, Final, NamedTuple

from nsinit.control.commands import ACCESS_LEVELS, Access
from nsinit.errors import SpawnError
from nsinit.process.identity import find_account, find_identity, group_id, user_id

if TYPE_CHECKING:
    from nsinit.model.spec import Control

_UCRED: Final = struct.Struct("=iII")
_NOBODY_KNOWN: Final = -1
_OVERFLOW: Final = 65534


class Peer(NamedTuple):
    """A client, as SO_PEERCRED names it (unix(7)); uid -1 if the kernel could not."""

    pid: int
    uid: int
    gid: int


class AccessList:
    """The users and groups that were given a level, by number."""

    def __init__(self, control: Control) -> None:
        """Names that do not exist are in `unknown`, and nobody gets anything by them."""
        self.unknown: list[str] = []
        self._users: dict[int, int] = {}
        self._groups: dict[int, int] = {}
        self._admins = {0, os.geteuid()}
        if not control.mode & 0o077 and not _all_ids_are_mapped():
            self._admins.add(_OVERFLOW)
        for rank, level in enumerate(ACCESS_LEVELS):
            for who in getattr(control, level):
                self._grant(who, rank)

    def _grant(self, who: str | int, rank: int) -> None:
        try:
            if isinstance(who, str) and who.startswith("@"):
                self._groups[group_id(who[1:])] = rank
            else:
                self._users[user_id(who)] = rank
        except SpawnError:
            self.unknown.append(str(who))

    def allows(self, peer: Peer, wanted: Access) -> bool:
        """Whether a client has at least this level."""
        if peer.uid in self._admins:
            return True
        groups = {peer.gid}
        if self._groups:  # the kernel tells one group only; the others are in the group file
            name = find_account(peer.uid).name
            found = find_identity(name, None, None) if name else None
            groups |= set(found.groups) if found else set()
        ranks = [self._users.get(peer.uid, -1), *(self._groups.get(gid, -1) for gid in groups)]
        return max(ranks) >= ACCESS_LEVELS.index(wanted)


def _all_ids_are_mapped() -> bool:
    """Whether every uid that there is means something here (user_namespaces(7))."""
    try:
        with open("/proc/self/uid_map", encoding="ascii") as file:
            return sum(int(line.split()[2]) for line in file) >= 0xFFFF_FFFF
    except (OSError, ValueError, IndexError):
        return True


def peer_of(fd: int) -> Peer:
    """Who is at the other end of a unix socket."""
    connection = _socket.socket(fileno=os.dup(fd))
    try:
        data = connection.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, _UCRED.size)
        return Peer(*_UCRED.unpack(data))
    except OSError:
        return Peer(0, _NOBODY_KNOWN, _NOBODY_KNOWN)
    finally:
        connection.close()
