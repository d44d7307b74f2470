"""Whether the working directory is below the root, in real roots and namespaces."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from nsinit.kernel import libc
from nsinit.kernel.directory import is_below_root
from tests.kernel.conftest import in_child

if TYPE_CHECKING:
    import pathlib

USER = libc.CLONE_NEWUSER  # with the power to change the root


def test_directory_is_below_the_root_when_nothing_was_changed(tmp_path: pathlib.Path) -> None:
    """Also one that is gone."""

    def run() -> tuple[bool, bool]:
        os.chdir(tmp_path)
        before = is_below_root()
        shutil.rmtree(tmp_path)
        return before, is_below_root()

    assert in_child(run) == (True, True)


def test_directory_is_outside_when_the_root_has_changed(tmp_path: pathlib.Path) -> None:
    """A chroot leaves it where it was."""

    def run() -> tuple[bool, bool]:
        os.chdir("/")
        os.chroot(tmp_path)
        outside = is_below_root()
        os.chdir("/")
        return outside, is_below_root()

    tmp_path.chmod(0o755)
    assert in_child(run, USER) == (False, True)


def test_directory_is_outside_when_it_is_of_another_mount_namespace() -> None:
    """By a descriptor from before: the C library says that all is well."""
    fd = os.open("/", os.O_RDONLY | os.O_DIRECTORY)

    def run() -> tuple[bool, str, bool]:
        os.fchdir(fd)
        there, told = is_below_root(), os.getcwd()
        os.chdir("/")
        return there, told, is_below_root()

    try:
        assert in_child(run, USER | libc.CLONE_NEWNS) == (False, "/", True)
    finally:
        os.close(fd)
