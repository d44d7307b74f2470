"""Which ids there are in the user namespace of a sandbox, who maps them, and who init is. Pure.

Source: user_namespaces(7). The kernel takes from anybody a map of one row that holds only their
own id, and from who has CAP_SETUID and CAP_SETGID outside anything. Everything else is written by
newuidmap(1) and newgidmap(1), which know what /etc/subuid and /etc/subgid grant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nsinit.errors import SandboxError
from nsinit.isolation.idmaps import MapIds, TakeIds
from nsinit.model.idmaps import Row, faults
from nsinit.model.sandboxes import Users
from nsinit.named import Named

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nsinit.kernel.idmaps import Which

WHICH: Final[tuple[Which, ...]] = ("uid", "gid")
_DEFAULT: Final = Users()


class Span(Named):
    """Ids that follow each other."""

    first: int
    size: int


class Subordinate(Named):
    """What /etc/subuid and /etc/subgid grant to somebody."""

    name: str  # as messages name them
    uids: tuple[Span, ...]
    gids: tuple[Span, ...]

    def of(self, which: Which) -> tuple[Span, ...]:
        """Those of one kind."""
        return self.uids if which == "uid" else self.gids


class Caller(Named):
    """Who makes the sandbox."""

    uid: int
    gid: int
    may_map: bool  # CAP_SETUID and CAP_SETGID: any map
    uids: tuple[Span, ...] = (Span(0, 0xFFFF_FFFF),)  # the ids that exist here
    gids: tuple[Span, ...] = (Span(0, 0xFFFF_FFFF),)
    setgroups: bool = True  # False: denied here, and so in every namespace below

    def own(self, which: Which) -> int:
        """The own id."""
        return self.uid if which == "uid" else self.gid


class Decided(Named):
    """The maps, and what init then is."""

    maps: MapIds
    ids: TakeIds | None  # None: it stays what it is
    drop_groups_before: bool  # what can't be done inside any more

    @property
    def root(self) -> tuple[int, int] | None:
        """The ids outside of root inside (a missing group is -1); None if there is no root."""
        rows = self.maps.rows
        uid, gid = (
            next((row.outside for row in rows[which] if row.inside == 0), -1) for which in WHICH
        )
        return (uid, gid) if uid >= 0 else None


def make_maps(
    users: Users | None, caller: Caller, subordinate: Callable[[str | int | None], Subordinate]
) -> Decided:
    """Decide the maps. SandboxError if they can't be made, as far as that is known beforehand.

    `subordinate` looks up what a user was granted (None: the caller); it is asked if that matters.
    """
    users = users or _DEFAULT
    granted = subordinate(users.subordinate) if users.map == "auto" else None
    uids, gids = (_rows(users, which, caller, granted) for which in WHICH)
    for which, rows in (("uid", uids), ("gid", gids)):
        for _, message, hint in faults(rows):
            raise SandboxError(f"cannot map {which}s: a row {message}", hint=hint)
    helped = tuple(
        which for which in WHICH if _is_beyond(uids if which == "uid" else gids, which, caller)
    )
    only_own = bool(gids) and not caller.may_map and "gid" not in helped
    if users.setgroups == "allow":
        _may_allow_setgroups(caller, only_own=only_own)
    deny = only_own or users.setgroups == "deny"
    drop = bool(gids) and caller.setgroups and not deny
    ids = TakeIds(_become("uid", uids, caller), _become("gid", gids, caller), drop)
    return Decided(
        MapIds(uids, gids, deny_setgroups=deny, helped=helped),
        None if ids == TakeIds(None, None, drop_groups=False) else ids,
        drop_groups_before=caller.may_map and caller.setgroups and not drop,
    )


def _may_allow_setgroups(caller: Caller, *, only_own: bool) -> None:
    if only_own:
        raise SandboxError(
            "cannot allow setgroups: an ordinary user who maps only the own group may not",
            hint='with ranges of /etc/subgid it is allowed: map = "auto"',
        )
    if not caller.setgroups:
        raise SandboxError("cannot allow setgroups: it is denied in the user namespace around this")


def _rows(
    users: Users, which: Which, caller: Caller, granted: Subordinate | None
) -> tuple[Row, ...]:
    if users.uid_map is not None or users.gid_map is not None:
        return tuple((users.uid_map if which == "uid" else users.gid_map) or ())
    own = caller.own(which)
    spans = caller.uids if which == "uid" else caller.gids
    root = caller.may_map and caller.uid == 0
    match users.map or ("keep" if root else "root"):
        case "none":
            return ()
        case "keep" if root:
            return tuple(Row(span.first, span.first, span.size) for span in spans)
        case "keep":
            return (Row(own, own, 1),)
        case "auto" if granted is not None:
            # Root's own id is left outside: who is root inside is to be nobody there.
            begin = [] if root else [Row(0, own, 1)]
            return tuple(_one_after_the_other(begin, granted, which))
        case _:
            return (Row(0, own, 1),)


def _one_after_the_other(begin: Sequence[Row], granted: Subordinate, which: Which) -> list[Row]:
    spans = granted.of(which)
    if not spans:
        add = f"usermod --add-sub{which}s 100000-165535 {granted.name}"
        raise SandboxError(
            f"cannot map a range of {which}s: /etc/sub{which} grants none to {granted.name}",
            hint=f'{add}; or map = "root" for one id',
        )
    rows = list(begin)
    for span in spans:
        inside = rows[-1].inside + rows[-1].size if rows else 0
        rows.append(Row(inside, span.first, span.size))
    return rows


def _is_beyond(rows: Sequence[Row], which: Which, caller: Caller) -> bool:
    """Whether a map is more than the kernel takes from this caller."""
    if caller.may_map or not rows:
        return False
    return len(rows) > 1 or (rows[0].outside, rows[0].size) != (caller.own(which), 1)


def _become(which: Which, rows: Sequence[Row], caller: Caller) -> int | None:
    """0 if there is one; else the own id if it is mapped; else the lowest that is.

    Root keeps no id that has no name inside: such a process would go on owning root's files.
    """
    own = caller.own(which)
    if any(row.inside == 0 for row in rows):
        return 0
    if not rows or any(row.outside <= own < row.outside + row.size for row in rows):
        return None
    return min(row.inside for row in rows)


# --- What the files say ---------------------------------------------------------------------------


def parse_own_ids(text: str) -> tuple[Span, ...]:
    """The ids that exist in a user namespace, from its /proc/self/uid_map."""
    rows = (line.split() for line in text.splitlines())
    return tuple(
        Span(int(row[0]), int(row[2])) for row in rows if len(row) == 3 and all(map(_is_id, row))
    )


def parse_subordinate(text: str, name: str, uid: int) -> tuple[Span, ...]:
    """The ranges of a user in subuid(5) or subgid(5); lines may name them or give the uid."""
    spans: list[Span] = []
    for line in text.splitlines():
        owner, _, rest = line.strip().partition(":")
        first, _, count = rest.partition(":")
        if owner not in (name, str(uid)) or not owner:
            continue
        if _is_id(first) and _is_id(count):
            spans.append(Span(int(first), int(count)))
    return tuple(dict.fromkeys(span for span in spans if span.size))


def _is_id(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) < 11
