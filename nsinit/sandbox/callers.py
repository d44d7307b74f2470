"""Who makes a sandbox, and which ids they were granted: read from the kernel and from /etc."""

from __future__ import annotations

import os

from nsinit.kernel import idmaps
from nsinit.process.identity import find_account, user_id
from nsinit.process.smallfile import read_small
from nsinit.sandbox.users import Caller, Subordinate, parse_own_ids, parse_subordinate

_MOST = 16 << 20  # bytes of a subuid file


def read_caller() -> Caller:
    """Our ids, whether we may map others, and the ids that there are in our user namespace."""
    uids, gids = (parse_own_ids(idmaps.read_map("self", which)) for which in ("uid", "gid"))
    allowed = idmaps.setgroups_allowed("self")
    return Caller(os.geteuid(), os.getegid(), idmaps.may_map_any(), uids, gids, allowed)


def read_subordinate(who: str | int | None) -> Subordinate:
    """What /etc/subuid and /etc/subgid grant to a user; None: to us. SpawnError: no such user.

    Both files name users, also where they grant groups (subgid(5)).
    """
    uid = os.geteuid() if who is None else user_id(who)
    name = find_account(uid).name
    uids, gids = (
        parse_subordinate(_read(f"/etc/sub{which}"), name, uid) for which in ("uid", "gid")
    )
    return Subordinate(name or str(uid), uids, gids)


def _read(path: str) -> str:
    try:
        return read_small(path, _MOST).decode("utf-8", "surrogateescape")
    except OSError:
        return ""  # nobody is granted anything
