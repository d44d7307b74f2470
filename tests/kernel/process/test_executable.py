"""The file that a name means, as execvp(3) looks for it."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from nsinit.errors import SpawnError
from nsinit.process.executable import find_in_path

if TYPE_CHECKING:
    import pathlib


@pytest.fixture
def bins(tmp_path: pathlib.Path) -> pathlib.Path:
    """Directories of programs: only `c` has one that can be executed, `d` too."""
    for name, mode in (("a", None), ("b", 0o644), ("c", 0o755), ("d", 0o100), ("f", 0o001)):
        (tmp_path / name).mkdir()
        if mode is not None:
            (tmp_path / name / "tool").write_text("")
            (tmp_path / name / "tool").chmod(mode)
    (tmp_path / "e" / "tool").mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("c", "c/tool"),
        ("a:c", "c/tool"),  # not there
        ("b:c", "c/tool"),  # not executable
        ("e:c", "c/tool"),  # a directory
        ("d:c", "d/tool"),  # the first, whoever may execute it
        ("f:c", "f/tool"),
        ("c:d", "c/tool"),
        ("/nowhere:{}/c", "c/tool"),
    ],
)
def test_first_program_is_found_when_others_are_none(
    bins: pathlib.Path, path: str, found: str
) -> None:
    """Relative directories begin beside the program's own."""
    assert find_in_path("tool", path.format(bins), str(bins)) == f"{bins}/{found}"


def test_own_directory_is_searched_when_a_part_of_path_is_empty(bins: pathlib.Path) -> None:
    """As everywhere."""
    assert os.path.samefile(find_in_path("tool", "/nowhere:", f"{bins}/c"), bins / "c/tool")


@pytest.mark.parametrize(("path", "where"), [("b:e", "b"), ("e:b", "e"), ("a:b", "b")])
def test_it_can_not_be_executed_when_only_such_files_are_there(
    bins: pathlib.Path, path: str, where: str
) -> None:
    """126, and the first of them is named; 127 when there is none at all."""
    with pytest.raises(SpawnError, match=f"^cannot execute {bins}/{where}/tool: ") as caught:
        find_in_path("tool", path, str(bins))
    assert caught.value.errno == errno.EACCES
    assert caught.value.hint == "it is no executable file"
    with pytest.raises(SpawnError, match=r"^cannot find tool: No such file") as caught:
        find_in_path("tool", "a:/nowhere", str(bins))
    assert (caught.value.errno, caught.value.hint) == (errno.ENOENT, "PATH is a:/nowhere")
