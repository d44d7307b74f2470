"""What the kernel tells of files."""

from __future__ import annotations

import errno
import os
import struct
from typing import TYPE_CHECKING

import pytest

from nsinit.kernel import inotify
from nsinit.kernel.inotify import FileEvent, Inotify, parse

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator


@pytest.fixture
def kernel() -> Iterator[Inotify]:
    """One descriptor for watches."""
    made = Inotify()
    yield made
    os.close(made.fd)


def test_changes_are_told_when_a_directory_is_watched(
    kernel: Inotify, tmp_path: pathlib.Path
) -> None:
    """Creation, writing, renaming, deletion, with names of any bytes."""
    watch = kernel.add(str(tmp_path))
    assert kernel.read() == []
    name = os.fsdecode(b"\xff\xfe")
    (tmp_path / name).write_text("x")
    (tmp_path / name).rename(tmp_path / "b")
    (tmp_path / "d").mkdir()
    (tmp_path / "b").unlink()
    told = kernel.read()
    assert {event.watch for event in told} == {watch}
    assert [(event.what, event.name) for event in told] == [
        (inotify.CREATE, name),
        (inotify.MODIFY, name),
        (inotify.CLOSE_WRITE, name),
        (inotify.MOVED_FROM, name),
        (inotify.MOVED_TO, "b"),
        (inotify.CREATE | inotify.ISDIR, "d"),
        (inotify.DELETE, "b"),
    ]


def test_nothing_is_told_when_a_watch_is_removed(kernel: Inotify, tmp_path: pathlib.Path) -> None:
    """But that it is; removing it again does no harm."""
    watch = kernel.add(str(tmp_path))
    assert kernel.add(str(tmp_path)) == watch
    kernel.remove(watch)
    (tmp_path / "a").touch()
    assert kernel.read() == [FileEvent(watch, inotify.IGNORED, "")]
    kernel.remove(watch)


def test_watch_is_refused_when_there_is_no_directory(
    kernel: Inotify, tmp_path: pathlib.Path
) -> None:
    """A file, or nothing at all."""
    (tmp_path / "a").touch()
    for name, number in (("a", errno.ENOTDIR), ("b", errno.ENOENT)):
        with pytest.raises(OSError, match=f"cannot watch .*/{name}") as caught:
            kernel.add(str(tmp_path / name))
        assert caught.value.errno == number


def test_rows_are_read_when_some_have_no_name() -> None:
    """What is cut off is left out."""
    row = struct.pack("=iIII", 3, inotify.DELETE_SELF, 0, 0)
    named = struct.pack("=iIII", 4, inotify.CREATE, 0, 16) + b"name".ljust(16, b"\0")
    assert parse(row + named + row[:5]) == [
        FileEvent(3, inotify.DELETE_SELF, ""),
        FileEvent(4, inotify.CREATE, "name"),
    ]
