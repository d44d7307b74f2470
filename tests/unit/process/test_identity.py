"""Users and groups come from the files of a root, and from nowhere else."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from nsinit.errors import SpawnError
from nsinit.process.identity import find_account, find_identity, group_id, user_id

if TYPE_CHECKING:
    import pathlib

PASSWD = b"""\
root:x:0:0:root:/root:/bin/bash
# a comment
broken:x:not-a-number:1::/:/bin/sh
short:x:5
www:x:33:33:web:/var/www:/usr/sbin/nologin
bare:x:44:44:::
\xff\xfe:x:55:55::/odd:/bin/sh
"""
GROUP = b"root:x:0:\nwww:x:33:\nlogs:x:40:www,bare\nadm:x:41:bare\nbad:x:y:www\n"


@pytest.fixture
def root(tmp_path: pathlib.Path) -> str:
    """A root file system with accounts of its own."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_bytes(PASSWD)
    (tmp_path / "etc/group").write_bytes(GROUP)
    return str(tmp_path)


@pytest.mark.parametrize(
    ("user", "group", "groups", "ids"),
    [
        ("www", None, None, (33, 33, (33, 40))),
        ("bare", None, None, (44, 44, (44, 40, 41))),
        ("www", "adm", None, (33, 41, (41, 40))),
        ("www:adm", None, None, (33, 41, (41, 40))),
        ("33:41", None, None, (33, 41, (41, 40))),
        (33, None, [], (33, 33, (33,))),
        ("1234", None, None, (1234, 1234, (1234,))),
        (1234, 99, ["logs", 7], (1234, 99, (99, 40, 7))),
        ("www", None, ["adm", "adm"], (33, 33, (33, 41))),
    ],
)
def test_ids_are_those_of_the_root_when_named(
    root: str,
    user: str | int,
    group: str | int | None,
    groups: list[str | int] | None,
    ids: tuple[int, int, tuple[int, ...]],
) -> None:
    """By name or number; a number needs no entry."""
    found = find_identity(user, group, groups, root)
    assert found is not None
    assert found[:3] == ids


def test_account_has_home_and_shell_when_the_file_says_so(root: str) -> None:
    """Empty fields mean the root directory and the plain shell; names may hold any bytes."""
    assert find_account(33, root)[3:] == ("/var/www", "/usr/sbin/nologin")
    assert find_account(44, root)[3:] == ("/", "/bin/sh")
    assert find_account(99, root) == ("", 99, 99, "/", "/bin/sh")
    assert user_id(os.fsdecode(b"\xff\xfe"), root) == 55


@pytest.mark.parametrize("name", ["nobody", "broken", "short", ""])
def test_user_is_not_found_when_the_root_lacks_it(root: str, name: str) -> None:
    """Though the host may have it."""
    with pytest.raises(SpawnError, match="etc/passwd has no such entry"):
        user_id(name, root)
    with pytest.raises(SpawnError, match="etc/group has no such entry"):
        group_id("bad", root)


def test_nothing_blocks_when_the_files_are_no_files(tmp_path: pathlib.Path) -> None:
    """A FIFO or an endless device in somebody's root does not stop PID 1."""
    (tmp_path / "etc").mkdir()
    os.mkfifo(tmp_path / "etc/passwd")
    (tmp_path / "etc/group").symlink_to("/dev/zero")
    with pytest.raises(SpawnError):
        find_identity("www", None, None, str(tmp_path))
    assert find_identity(5, None, None, str(tmp_path)) is not None


def test_no_name_service_is_asked_when_users_are_found(root: str) -> None:
    """The modules that load libraries from a foreign root are not loaded."""
    script = f"""
from nsinit.process.identity import find_identity
import sys
find_identity("www", None, None, {root!r})
print({{"pwd", "grp"}} & set(sys.modules))
"""
    import subprocess

    done = subprocess.run(
        [sys.executable, "-S", "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"


@pytest.mark.parametrize("odd", ["\u00b2", "9" * 5000, "4294967295", "99999999999", "-1", ""])
def test_entries_are_passed_over_when_their_ids_are_none(tmp_path: pathlib.Path, odd: str) -> None:
    """A passwd file of an image may have anything: the kernel would take no such number."""
    (tmp_path / "etc").mkdir()
    passwd = f"a:x:{odd}:1::/:\nb:x:5:{odd}::/:\nc:x:7:8::/home:/bin/c\n"
    (tmp_path / "etc/passwd").write_text(passwd)
    (tmp_path / "etc/group").write_text(f"a:x:{odd}:c\nd:x:9:c\n")
    found = find_identity("c", None, None, str(tmp_path))
    assert found is not None
    assert (found.uid, found.gid, found.groups) == (7, 8, (8, 9))
    for name in ("a", "b"):
        with pytest.raises(SpawnError):
            find_identity(name, None, None, str(tmp_path))
