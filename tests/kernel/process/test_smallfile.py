"""Small files, read by an init that nobody may lead astray or stop."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from nsinit.kernel import seam
from nsinit.process.smallfile import read_small

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator


@pytest.fixture
def _clean() -> Iterator[None]:
    yield
    seam.inject(None)


def test_file_is_read_when_it_has_as_much_as_it_may(tmp_path: pathlib.Path) -> None:
    """To the last byte; one more is too much."""
    path = tmp_path / "a"
    for size in (0, 1, 2048, 200_000):
        path.write_bytes(b"x" * size)
        assert read_small(str(path), max(size, 1)) == b"x" * size
    path.write_bytes(b"x" * 2049)
    with pytest.raises(OSError, match="it has over 2 KiB") as caught:
        read_small(str(path), 2048)
    found = caught.value
    assert (found.errno, found.strerror, found.filename) == (
        errno.EFBIG, "it has over 2 KiB", str(path),
    )  # fmt: skip


def test_no_more_is_read_than_allowed_when_file_is_large(tmp_path: pathlib.Path) -> None:
    """The first byte too many is enough to know."""
    path = tmp_path / "a"
    path.write_bytes(b"x" * 100_000)
    asked: list[int] = []

    class Counting:
        def __call__(self, name: str) -> None:
            asked.append(name == "read")

    seam.inject(Counting())
    try:
        with pytest.raises(OSError, match="over 0 KiB"):
            read_small(str(path), 10)
    finally:
        seam.inject(None)
    assert sum(asked) == 1


@pytest.mark.parametrize("kind", ["directory", "fifo", "device", "nothing"])
def test_nothing_blocks_when_path_is_no_file(tmp_path: pathlib.Path, kind: str) -> None:
    """It is told what is wrong."""
    path = tmp_path / "a"
    if kind == "directory":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    number, words = errno.EINVAL, "it is no regular file"
    if kind == "nothing":
        number, words = errno.ENOENT, "No such file"
    with pytest.raises(OSError, match=words) as caught:
        read_small(str(path), 100)
    assert caught.value.errno == number
    if kind != "nothing":
        assert (caught.value.strerror, caught.value.filename) == (words, str(path))


@pytest.mark.usefixtures("_clean")
def test_nothing_is_opened_when_path_is_no_file(tmp_path: pathlib.Path) -> None:
    """To open a device may do something already; a link to a file is one."""
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to("file")
    assert read_small(str(tmp_path / "link"), 1) == b"x"
    calls: list[str] = []
    seam.inject(calls.append)
    with pytest.raises(OSError, match="regular"):
        read_small(str(tmp_path / "fifo"), 1)
    assert calls[-2:] == ["stat", "stat"]


def test_private_file_is_refused_when_everybody_may_write_it(tmp_path: pathlib.Path) -> None:
    """Its owner and group may; what is not private anybody may."""
    path = tmp_path / "a"
    path.write_bytes(b"key")
    path.chmod(0o660)
    assert read_small(str(path), 100, private=True) == b"key"
    path.chmod(0o662)
    with pytest.raises(PermissionError, match="everybody may write it") as caught:
        read_small(str(path), 100, private=True)
    assert (caught.value.strerror, caught.value.filename) == (
        "everybody may write it", str(path),
    )  # fmt: skip
    assert read_small(str(path), 100) == b"key"


@pytest.mark.usefixtures("_clean")
def test_nothing_blocks_when_a_fifo_takes_the_place_of_a_file(tmp_path: pathlib.Path) -> None:
    """Between the look at it and the moment it is opened."""
    path = tmp_path / "a"
    path.write_bytes(b"x")
    calls: list[str] = []

    def swap(name: str) -> None:
        calls.append(name)
        if calls[-3:] == ["stat", "stat", "open"] and path.is_file():
            path.unlink()
            os.mkfifo(path)

    seam.inject(swap)
    with pytest.raises(OSError, match="it is no regular file") as caught:
        read_small(str(path), 100)
    assert (caught.value.errno, caught.value.filename) == (errno.EINVAL, str(path))
    assert not path.is_file()


def test_descriptors_are_closed_when_a_file_is_read_or_refused(tmp_path: pathlib.Path) -> None:
    """All of them: an init reads files for ever."""
    path = tmp_path / "a"
    path.write_bytes(b"x" * 100)
    before = os.listdir("/proc/self/fd")
    read_small(str(path), 100)
    for limit in (10, 99):
        with pytest.raises(OSError, match="over"):
            read_small(str(path), limit)
    with pytest.raises(OSError, match="regular"):
        read_small(str(tmp_path), 10)
    assert os.listdir("/proc/self/fd") == before
