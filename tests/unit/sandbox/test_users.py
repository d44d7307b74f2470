"""Which maps a sandbox gets, for all sorts of callers and wishes; nothing is made here."""

from __future__ import annotations

import pytest

from nsinit.errors import SandboxError
from nsinit.isolation.idmaps import TakeIds
from nsinit.model.idmaps import IdMap, Row
from nsinit.model.sandboxes import Users
from nsinit.sandbox.users import (
    Caller,
    Span,
    Subordinate,
    make_maps,
    parse_own_ids,
    parse_subordinate,
)

ROOT = Caller(0, 0, may_map=True)
INNER = Caller(0, 0, True, (Span(0, 1), Span(1, 65535)), (Span(0, 10),))  # of a user namespace
INNER_DENIED = INNER._replace(setgroups=False)
BARE = Caller(0, 0, may_map=False)
USER = Caller(1000, 100, may_map=False)
MAPPER = Caller(1000, 100, may_map=True)
RANGES = Subordinate("ann", (Span(100000, 65536), Span(300000, 10)), (Span(200000, 5),))
NONE = Subordinate("ann", (), ())


def rows(*texts: str) -> IdMap:
    """Rows from their text."""
    return IdMap(IdMap.read(list(texts)))


@pytest.mark.parametrize(
    ("users", "caller", "line"),
    [
        (None, ROOT, "map uids: 0 0 4294967295; gids: 0 0 4294967295"),
        (None, INNER, "map uids: 0 0 1, 1 1 65535; gids: 0 0 10"),
        (None, BARE, "map uids: 0 0 1; gids: 0 0 1; deny setgroups"),
        (None, USER, "map uids: 0 1000 1; gids: 0 100 1; deny setgroups"),
        (None, MAPPER, "map uids: 0 1000 1; gids: 0 100 1"),
        (Users(map="root"), ROOT, "map uids: 0 0 1; gids: 0 0 1"),
        (Users(map="keep"), USER, "map uids: 1000 1000 1; gids: 100 100 1; deny setgroups"),
        (Users(map="keep"), ROOT, "map uids: 0 0 4294967295; gids: 0 0 4294967295"),
        (Users(map="none"), ROOT, "map uids: none; gids: none"),
        (Users(map="none"), USER, "map uids: none; gids: none"),
        (Users(map="auto"), ROOT, "map uids: 0 100000 65536, 65536 300000 10; gids: 0 200000 5"),
        (Users(map="auto"), USER,
            ("map uids: 0 1000 1, 1 100000 65536, 65537 300000 10; gids: 0 100 1, 1 200000 5; "
            "by newuidmap and newgidmap")),
        (Users(map="auto"), MAPPER,
            "map uids: 0 1000 1, 1 100000 65536, 65537 300000 10; gids: 0 100 1, 1 200000 5"),
        (Users(map="auto", setgroups="deny"), USER,
            ("map uids: 0 1000 1, 1 100000 65536, 65537 300000 10; gids: 0 100 1, 1 200000 5; "
            "deny setgroups; by newuidmap and newgidmap")),
        (Users(uid_map=rows("10000 1000 1")), USER, "map uids: 10000 1000 1; gids: none"),
        (Users(uid_map=rows("0 1001 1"), gid_map=rows("0 100 1")), USER,
            "map uids: 0 1001 1; gids: 0 100 1; deny setgroups; by newuidmap"),
        (Users(uid_map=rows("0 1000 1"), gid_map=rows("0 100 1", "1 7 1")), USER,
            "map uids: 0 1000 1; gids: 0 100 1, 1 7 1; by newgidmap"),
        (Users(gid_map=rows("0 100 2")), USER,
            "map uids: none; gids: 0 100 2; by newgidmap"),
        (Users(uid_map=rows("0 165536 65536"), gid_map=rows("0 165536 65536")), ROOT,
            "map uids: 0 165536 65536; gids: 0 165536 65536"),
        (Users(uid_map=rows("0 0 1"), gid_map=rows("0 0 1"), setgroups="deny"), ROOT,
            "map uids: 0 0 1; gids: 0 0 1; deny setgroups"),
    ],
)  # fmt: skip
def test_maps_are_these_when_asked_for(users: Users | None, caller: Caller, line: str) -> None:
    """The rows of both, whether setgroups is denied, and who has to write them."""
    assert make_maps(users, caller, lambda _: RANGES).maps.describe() == line


@pytest.mark.parametrize(
    ("users", "caller", "ids", "before"),
    [
        (None, ROOT, TakeIds(0, 0, True), False),
        (None, USER, TakeIds(0, 0, False), False),
        (None, INNER_DENIED, TakeIds(0, 0, False), False),
        (Users(map="keep"), USER, None, False),
        (Users(map="none"), USER, None, False),
        (Users(map="none"), ROOT, None, True),
        (Users(map="auto"), USER, TakeIds(0, 0, True), False),
        (Users(uid_map=rows("0 1000 1"), gid_map=IdMap()), USER, TakeIds(0, None, False), False),
        (Users(uid_map=rows("0 0 1"), gid_map=IdMap()), ROOT, TakeIds(0, None, False), True),
        (Users(map="root", setgroups="deny"), ROOT, TakeIds(0, 0, False), True),
        (Users(uid_map=rows("10000 0 1"), gid_map=rows("10000 0 1")), ROOT,
            TakeIds(None, None, True), False),
        (Users(uid_map=rows("9 500 2", "7 9000 2"), gid_map=rows("8 9000 1")), ROOT,
            TakeIds(7, 8, True), False),
    ],
)  # fmt: skip
def test_init_becomes_this_when_ids_are_mapped(
    users: Users | None, caller: Caller, ids: TakeIds | None, before: bool
) -> None:
    """Root if there is one; and groups are left inside, or before when that is the last chance."""
    decided = make_maps(users, caller, lambda _: RANGES)
    assert (decided.ids, decided.drop_groups_before) == (ids, before)


@pytest.mark.parametrize(
    ("users", "caller", "granted", "message", "hint"),
    [
        (Users(map="auto"), USER, NONE,
            "cannot map a range of uids: /etc/subuid grants none to ann",
            'usermod --add-subuids 100000-165535 ann; or map = "root" for one id'),
        (Users(map="auto"), USER, RANGES._replace(gids=()),
            "cannot map a range of gids: /etc/subgid grants none to ann",
            'usermod --add-subgids 100000-165535 ann; or map = "root" for one id'),
        (Users(map="auto"), USER, RANGES._replace(uids=(Span(900, 200),)),
            "cannot map uids: a row shares ids outside with the row '1 900 200'",
            "each id is mapped once"),
        (Users(setgroups="allow"), USER, NONE,
            "cannot allow setgroups: an ordinary user who maps only the own group may not",
            'with ranges of /etc/subgid it is allowed: map = "auto"'),
        (Users(setgroups="allow"), INNER_DENIED, NONE,
            "cannot allow setgroups: it is denied in the user namespace around this", ""),
    ],
)  # fmt: skip
def test_maps_are_refused_when_they_cannot_be(
    users: Users, caller: Caller, granted: Subordinate, message: str, hint: str
) -> None:
    """Before anything is done, with what helps."""
    with pytest.raises(SandboxError) as caught:
        make_maps(users, caller, lambda _: granted)
    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_ranges_are_looked_up_when_they_matter() -> None:
    """Of the user that is named, and only for `auto`."""
    asked: list[str | int | None] = []

    def look_up(who: str | int | None) -> Subordinate:
        asked.append(who)
        return RANGES

    make_maps(Users(map="root"), ROOT, look_up)
    assert asked == []
    make_maps(Users(map="auto"), ROOT, look_up)
    make_maps(Users(map="auto", subordinate="web"), ROOT, look_up)
    assert asked == [None, "web"]


def test_row_is_the_same_when_it_is_written_differently() -> None:
    """As the kernel takes it, as docker writes it, as numbers, as a table."""
    spellings: list[object] = [
        "0 1000 1", "0:1000:1", ["0 1000 1"], [0, 1000, 1], [[0, 1000, 1]],
        {"inside": 0, "outside": 1000}, [{"inside": 0, "outside": 1000, "size": 1}],
    ]  # fmt: skip
    assert [IdMap.read(one) for one in spellings] == [[Row(0, 1000, 1)]] * len(spellings)
    assert IdMap.read([]) == []


@pytest.mark.parametrize(
    "value",
    [5, "0 1000", "0 1000 1 1", "a b c", [0, 1], [True, 0, 1], ["0 1 1", 5], {"inside": 0},
        {"inside": 0, "outside": 0, "count": 1}, "0 -1 1", "² 0 1", 1.5, [[0, 1, "1"]]],
)  # fmt: skip
def test_row_is_refused_when_it_is_none(value: object) -> None:
    """With the spellings that there are."""
    with pytest.raises(ValueError, match=r"expected .*0 1000 1"):
        IdMap.read(value)


SUBUID = """\
# comment
ann:100000:65536
bob:165536:65536
1000:300000:10
ann:100000:65536
ann:broken
ann:1:
ann:5:0
 ann:400000:1
10000:1:1
:7:7
"""


def test_ranges_are_those_of_the_user_when_files_are_read() -> None:
    """By name and by uid, each once; lines that are none are passed over (subuid(5))."""
    assert parse_subordinate(SUBUID, "ann", 1000) == (
        Span(100000, 65536), Span(300000, 10), Span(400000, 1),
    )  # fmt: skip
    assert parse_subordinate(SUBUID, "", 1000) == (Span(300000, 10),)
    assert parse_subordinate("", "ann", 1000) == ()


def test_own_ids_are_read_when_map_is_of_a_namespace() -> None:
    """What /proc/self/uid_map shows, in its columns."""
    text = "         0       1000          1\n         1     100000      65536\n"
    assert parse_own_ids(text) == (Span(0, 1), Span(1, 65536))
    assert parse_own_ids("") == ()


def test_line_of_map_is_left_out_when_it_has_no_numbers() -> None:
    """Whatever stands in for a /proc."""
    assert parse_own_ids("0 x 1\n1 2 -3\n5 6 \u00b2\n0 0 " + "9" * 5000 + "\n7 8 9\n") == (
        Span(7, 9),
    )
