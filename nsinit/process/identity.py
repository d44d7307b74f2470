"""Users and groups from the files of the root in use.

No NSS: `pwd` and `grp` load libraries at run time, from a root file system that may be anybody's
(CVE-2019-14271), and may ask a network. passwd(5), group(5).
"""

from __future__ import annotations

import errno
import os
from typing import Final

from nsinit.errors import SpawnError
from nsinit.named import Named

_MOST: Final = 16 << 20  # bytes of a passwd or group file; it may be anybody's
_HIGHEST: Final = (1 << 32) - 2  # id: the last one stands for none
_DIGITS: Final = 10  # of that


class Account(Named):
    """A user as passwd(5) describes it; `name` is "" for a uid without an entry."""

    name: str
    uid: int
    gid: int
    home: str
    shell: str


class Identity(Named):
    """The ids that a program gets, and the account that they come from."""

    uid: int
    gid: int
    groups: tuple[int, ...]
    account: Account


def find_identity(
    user: str | int | None,
    group: str | int | None,
    groups: list[str | int] | None,
    root: str = "",
) -> Identity | None:
    """The ids for a service; None if it names no user or group. SpawnError for unknown names.

    The user may be written "name:group", as docker has it. Without `groups` a named user gets
    the groups that list it, a bare uid none.
    """
    if user is None and group is None and groups is None:
        return None
    if isinstance(user, str) and ":" in user:
        user, _, group = user.partition(":")
    account = _account(user, root)
    gid = account.gid if group is None else _gid(group, root)
    if groups is not None:
        more = [_gid(name, root) for name in groups]
    else:
        more = [g for _, g, members in _groups(root) if account.name and account.name in members]
    ids = tuple(dict.fromkeys((gid, *more)))
    return Identity(account.uid, gid, ids, account)


def find_account(uid: int, root: str = "") -> Account:
    """The account of a uid; one without an entry lives in /."""
    for account in _accounts(root):
        if account.uid == uid:
            return account
    return Account("", uid, uid, "/", "/bin/sh")


def user_id(name: str | int, root: str = "") -> int:
    """The uid that a name or number means; SpawnError if there is none."""
    return _account(name, root).uid


def group_id(name: str | int, root: str = "") -> int:
    """The gid that a name or number means; SpawnError if there is none."""
    return _gid(name, root)


def _account(user: str | int | None, root: str) -> Account:
    if user is None:
        return find_account(os.getuid(), root)._replace(gid=os.getgid())
    if isinstance(user, int) or (user.isascii() and user.isdigit()):
        return find_account(int(user), root)
    for account in _accounts(root):
        if account.name == user:
            return account
    hint = f"{root}/etc/passwd has no such entry; a number works without one"
    raise SpawnError(f"the user {user!r}", "find", errno.ENOENT, hint=hint)


def _gid(group: str | int, root: str) -> int:
    if isinstance(group, int) or (group.isascii() and group.isdigit()):
        return int(group)
    for name, gid, _ in _groups(root):
        if name == group:
            return gid
    hint = f"{root}/etc/group has no such entry; a number works without one"
    raise SpawnError(f"the group {group!r}", "find", errno.ENOENT, hint=hint)


def _accounts(root: str) -> list[Account]:
    rows = (line.split(":") for line in _lines(f"{root}/etc/passwd"))
    return [
        Account(row[0], int(row[2]), int(row[3]), row[5] or "/", row[6] or "/bin/sh")
        for row in rows
        if len(row) >= 7 and _is_id(row[2]) and _is_id(row[3])
    ]


def _groups(root: str) -> list[tuple[str, int, list[str]]]:
    rows = (line.split(":") for line in _lines(f"{root}/etc/group"))
    return [
        (row[0], int(row[2]), row[3].split(",")) for row in rows if len(row) >= 4 and _is_id(row[2])
    ]


def _is_id(word: str) -> bool:
    """Whether it is one that the kernel takes; lines with others are left out."""
    is_number = word.isascii() and word.isdigit() and len(word) <= _DIGITS
    return is_number and int(word) <= _HIGHEST


def _lines(path: str) -> list[str]:
    from nsinit.process.smallfile import read_small  # noqa: PLC0415  (only where names are)

    try:
        data = read_small(path, _MOST)
    except OSError:
        return []  # a root without the file has only numbers
    return data.decode("utf-8", "surrogateescape").splitlines()
