"""What a tmpfs covers, copied into it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from nsinit.isolation.copyup import copy_tree

if TYPE_CHECKING:
    import pathlib


def test_tree_is_the_same_when_copied(tmp_path: pathlib.Path) -> None:
    """Files, directories, modes, links as they are; nothing else, and through no link."""
    source, target, outside = (tmp_path / name for name in ("source", "target", "outside"))
    for path in (source / "a/b", target, outside):
        path.mkdir(parents=True)
    (outside / "secret").write_text("x")
    (source / "a/b/file").write_bytes(b"x" * 3_000_000)
    (source / "a/b/file").chmod(0o4751)
    (source / "a").chmod(0o711)
    (source / "link").symlink_to(outside)
    os.mkfifo(source / "fifo")
    fds = [os.open(path, os.O_PATH | os.O_DIRECTORY) for path in (source, target)]
    copy_tree(*fds)
    for fd in fds:
        os.close(fd)
    assert sorted(path.name for path in target.iterdir()) == ["a", "link"]
    assert (target / "link").readlink() == outside
    assert (target / "a/b/file").read_bytes() == b"x" * 3_000_000
    assert (target / "a/b/file").stat().st_mode & 0o7777 == 0o4751
    assert (target / "a").stat().st_mode & 0o7777 == 0o711
