"""Who may do what: the level of a client, from the uid and gid that the kernel vouches for.

root and the user that init runs as are admin. Everybody else has the level that the configuration
gives to their user or to one of their groups, or none. Groups are those that the process had when
it connected, not what a file says; the file counts only where the kernel does not tell them.

In a user namespace the kernel names a user who is not mapped there 65534. Where nobody but its
owner can open the socket, such a client can only be root of the namespace above; no level is given
to that number there, which would be given to all users of the machine.
"""

from __future__ import annotations

import _socket
import os
import struct
from typing import TYPE_CHECKING, Final, NamedTuple

from nsinit.control.commands import ACCESS_LEVELS
from nsinit.errors import SpawnError
from nsinit.process.identity import find_account, find_identity, group_id, user_id

if TYPE_CHECKING:
    from nsinit.model.spec import Control

_UCRED: Final = struct.Struct("=iII")
_NOBODY_KNOWN: Final = -1
_OVERFLOW: Final = 65534
_SO_PEERGROUPS: Final = 59  # Linux 4.13; the module does not name it
_GID: Final = 4
_ROOM: Final = 1024  # bytes: the most that the interpreter takes
NOBODY: Final = -1
ADMIN: Final = ACCESS_LEVELS.index("admin")


class Peer(NamedTuple):
    """A client, as SO_PEERCRED names it (unix(7)); uid -1 if the kernel could not.

    `groups` are its supplementary ones, None if the kernel does not tell them.
    """

    pid: int
    uid: int
    gid: int
    groups: tuple[int, ...] | None = None
    address: str = ""  # of who came by TCP, and is nobody else


class AccessList:
    """The users and groups that were given a level, by number."""

    def __init__(self, control: Control) -> None:
        """Names that do not exist are in `unknown`, and nobody gets anything by them."""
        self.unknown: list[str] = []
        self._users: dict[int, int] = {}
        self._groups: dict[int, int] = {}
        self._admins = {0, os.geteuid()}
        self._all_are_known = _all_ids_are_mapped()
        if not control.mode & 0o077 and not self._all_are_known:
            self._admins.add(_OVERFLOW)
        for rank, level in enumerate(ACCESS_LEVELS):
            for who in getattr(control, level):
                self._grant(who, rank)

    def _grant(self, who: str | int, rank: int) -> None:
        try:
            is_group = isinstance(who, str) and who.startswith("@")
            found = group_id(str(who)[1:]) if is_group else user_id(who)
        except SpawnError:
            self.unknown.append(str(who))
            return
        if found == _OVERFLOW and not self._all_are_known:
            self.unknown.append(str(who))
        else:
            (self._groups if is_group else self._users)[found] = rank

    def level(self, peer: Peer) -> int:
        """What a client has: a place in ACCESS_LEVELS, or NOBODY."""
        if peer.uid in self._admins:
            return ADMIN
        ranks = [self._users.get(peer.uid, NOBODY)]
        if self._groups:
            groups = {peer.gid, *(_by_file(peer.uid) if peer.groups is None else peer.groups)}
            ranks += [self._groups.get(gid, NOBODY) for gid in groups]
        return max(ranks)


def _by_file(uid: int) -> tuple[int, ...]:
    name = find_account(uid).name
    found = find_identity(name, None, None) if name else None
    return tuple(found.groups) if found else ()


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
        pid, uid, gid = _UCRED.unpack(data)
        return Peer(pid, uid, gid, _groups(connection))
    except OSError:
        return Peer(0, _NOBODY_KNOWN, _NOBODY_KNOWN)
    finally:
        connection.close()


def _groups(connection: _socket.socket) -> tuple[int, ...] | None:
    try:
        data = connection.getsockopt(_socket.SOL_SOCKET, _SO_PEERGROUPS, _ROOM)
    except OSError:  # ENOPROTOOPT before 4.13, ERANGE for more groups than there is room for
        return None
    return tuple(memoryview(data[: len(data) - len(data) % _GID]).cast("I"))
