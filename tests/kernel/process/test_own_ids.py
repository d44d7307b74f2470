"""Ids when only a part of them is named: those of init fill in the rest."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from nsinit.errors import SpawnError
from nsinit.process.identity import Account, find_account, find_identity, group_id, user_id
from tests.kernel.conftest import in_child

if TYPE_CHECKING:
    import pathlib


@pytest.fixture
def root(tmp_path: pathlib.Path) -> str:
    """A root file system with accounts."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text("me:x:1234:1235:/me:/home/me:/bin/me\nlast:x:7:8:::\n")
    (tmp_path / "etc/group").write_text("mine:x:1235:\nadm:x:41:other,me,more\nlast:x:99:\n")
    return str(tmp_path)


def test_nothing_changes_when_nothing_is_named(root: str) -> None:
    """None is not the same as no further groups."""
    assert find_identity(None, None, None, root) is None
    found = find_identity(None, None, [], root)
    assert found is not None
    assert found[:3] == (os.getuid(), os.getgid(), (os.getgid(),))


@pytest.mark.usefixtures("needs_root")
def test_user_is_that_of_init_when_only_groups_are_named(root: str) -> None:
    """With the group that init has, not that of its account, and the groups that list it."""

    def ids() -> list[object]:
        os.setresgid(77, 0, 0)
        os.setresuid(1234, 0, 0)
        return [find_identity(None, group, more, root) for group, more in _ASKED]

    account = Account("me", 1234, 77, "/home/me", "/bin/me")
    assert in_child(ids) == [
        (1234, 41, (41,), account),
        (1234, 41, (41, 5), account),
        (1234, 77, (77, 41, 1235), account),
    ]


_ASKED: list[tuple[str | int | None, list[str | int] | None]] = [
    ("adm", None),
    ("41", [5]),
    (None, ["adm", "mine"]),
]


def test_numbers_are_ids_when_accounts_are_asked_for(root: str) -> None:
    """As text or not, with an entry or without; groups too."""
    assert [user_id(name, root) for name in ("me", "1234", 1234, "5", 5)] == [1234] * 3 + [5] * 2
    assert [group_id(name, root) for name in ("mine", "1235", 1235, "5", 5)] == [1235] * 3 + [5] * 2
    assert find_account(7, root) == ("last", 7, 8, "/", "/bin/sh")
    assert find_account(5, root) == ("", 5, 5, "/", "/bin/sh")
    assert find_identity("5", None, None, root) == (5, 5, (5,), find_account(5, root))
    assert find_identity(7, None, None, root) == (7, 8, (8,), find_account(7, root))


def test_accounts_are_those_of_this_root_when_no_other_is_named() -> None:
    """The first that has the uid."""
    assert find_account(0).uid == 0
    assert user_id("root") == group_id("root") == 0


@pytest.mark.parametrize("name", ["²", "six", "three", "-"])
def test_error_says_where_it_looked_when_there_is_no_such_name(root: str, name: str) -> None:
    """What looks like a number and is none is a name; rows that are too short are passed over."""
    with open(f"{root}/etc/passwd", "a", encoding="ascii") as file:
        file.write("six:x:5:5:gecos:/home\n")
    with open(f"{root}/etc/group", "a", encoding="ascii") as file:
        file.write("three:x:5\n")
    for find, what, where in ((user_id, "user", "passwd"), (group_id, "group", "group")):
        with pytest.raises(SpawnError) as caught:
            find(name, root)
        error = caught.value
        assert error.message == f"cannot find the {what} {name!r}: No such file or directory"
        hint = f"{root}/etc/{where} has no such entry; a number works without one"
        assert (error.stage, error.hint) == ("find", hint)


def test_highest_ids_are_ids_when_the_files_have_them(root: str) -> None:
    """The one above stands for none."""
    with open(f"{root}/etc/passwd", "a", encoding="ascii") as file:
        file.write("top:x:4294967294:4294967294::/:\n")
    found = find_identity("top", None, None, root)
    assert found is not None
    assert found[:3] == (4294967294, 4294967294, (4294967294,))
    assert find_account(0).name == "root"
    assert find_identity("root", "root", None) is not None
