"""Whatever is in the archive of a layer, nothing outside of its directory is touched."""

from __future__ import annotations

import io
import os
import pathlib
import shutil
import stat
import tempfile
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsinit.errors import ImageError
from nsinit.images.streams import Unpacked
from nsinit.images.tar import BLOCK
from nsinit.images.tree import TRASH, Tree, clear_away
from nsinit.images.unpack import Bounds, Unpacker
from tests.support.images import layer, member

if TYPE_CHECKING:
    import tarfile
    from collections.abc import Iterator

    from nsinit.images.unpack import Ids

WORDS = [
    "a", "b", "link", "..", ".", "", "canary", "file", ".wh.a", ".wh.link", ".wh..wh..opq", ".wh.",
    ".wh..", ".wh...", ".wh..wh.plnk", "x" * 300, "é\udcff", "tree", "trash",
]  # fmt: skip
NAMES = st.builds(
    lambda begin, words: begin + "/".join(words),
    st.sampled_from(["", "", "", "/", "../", "../../", "./", "OUT/"]),
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=4),
)
TARGETS = st.one_of(
    NAMES,
    st.sampled_from(["OUT", "OUT/canary/file", "..", "../canary", "../../canary/file", "/", "a/b"]),
)
KINDS = st.sampled_from([None, b"0", b"1", b"2", b"2", b"5", b"5", b"6", b"3", b"4"])
MODES = st.sampled_from([0, 0o644, 0o4755, 0o1777, 0o7777])
ENTRY = st.tuples(NAMES, KINDS, TARGETS, MODES)
# A link that leads out, and what is then made in its place, behind it, or as another name of it.
TRICK = st.tuples(
    st.sampled_from(["a", "b", "dir/link"]),
    st.sampled_from(["OUT/canary", "OUT/canary/file", "../canary", "../../canary/file", ".."]),
    st.sampled_from(["", "/file", "/new", "/canary/file", "/.wh.file", "/.wh..wh..opq"]),
    KINDS,
    MODES,
).map(
    lambda trick: [
        (trick[0], b"2", trick[1], 0o777),
        (trick[0] + trick[2], trick[3], trick[0] + trick[2], trick[4]),
        ("other", b"1", trick[0] + trick[2], 0o600),
    ]
)
ENTRIES = st.lists(st.one_of(ENTRY.map(lambda one: [one]), TRICK), max_size=6).map(
    lambda parts: [entry for part in parts for entry in part]
)


class Place:
    """A directory with a tree in it, and a canary beside the tree."""

    def __init__(self, top: pathlib.Path) -> None:
        self.top = top
        (top / "canary").mkdir()
        (top / "canary/file").write_text("sings")
        (top / "canary/link").symlink_to("file")
        for name in ("tree", TRASH):
            (top / name).mkdir()

    def outside(self) -> list[tuple[Any, ...]]:
        """All that is to stay as it is."""
        made: list[tuple[Any, ...]] = []
        for path in [self.top / "canary", *sorted((self.top / "canary").rglob("*"))]:
            found = path.lstat()
            text = path.read_bytes() if stat.S_ISREG(found.st_mode) else b""
            who = (found.st_uid, found.st_gid, found.st_mode, found.st_nlink)
            made.append((path, *who, found.st_mtime_ns, text, os.listxattr(path)))
        return [*made, (sorted(os.listdir(self.top)), self.top.stat().st_mode)]

    def unpack(self, data: bytes) -> bool:
        """Whether that is a layer."""
        flags = os.O_RDONLY | os.O_DIRECTORY
        opened = [os.open(self.top / name, flags) for name in ("tree", TRASH)]
        tree = Tree(*opened, privileged=False)
        try:
            ids: Ids = "kept" if os.geteuid() == 0 else "single"
            unpacker = Unpacker(tree, ids, Bounds(1 << 20, 1000))
            unpacker.unpack(Unpacked(io.BytesIO(data), 1 << 20))
        except ImageError:
            return False
        finally:
            tree.close()
            for fd in opened:
                os.close(fd)
        return True


@pytest.fixture(scope="module")
def top() -> Iterator[pathlib.Path]:
    """A directory for many of them."""
    with tempfile.TemporaryDirectory(prefix="nsinit-layers-") as name:
        yield pathlib.Path(name)


def made_of(
    entries: list[tuple[str, bytes | None, str, int]], top: pathlib.Path
) -> list[tuple[tarfile.TarInfo, bytes]]:
    """The entries of an archive; OUT is where the tree is."""
    made = []
    for name, kind, target, mode in entries:
        here = name.replace("OUT", str(top))
        keys: dict[str, Any] = {"mode": mode}
        if kind is not None and kind != b"0":
            keys |= {"type": kind, "linkname": target.replace("OUT", str(top))}
        if kind in (b"3", b"4"):
            keys |= {"devmajor": len(name) % 3, "devminor": 3}
        made.append(member(here, "content" if kind in (None, b"0") else None, **keys))
    return made


@given(ENTRIES)
def test_nothing_outside_is_touched_when_names_and_links_are_hostile(
    top: pathlib.Path, entries: list[tuple[str, bytes | None, str, int]]
) -> None:
    """It is unpacked or refused; and what there is can be removed again."""
    check(top, layer(*made_of(entries, top / "place")))


@given(ENTRIES, st.lists(st.tuples(st.integers(0, 1 << 14), st.binary(max_size=12)), max_size=4))
def test_nothing_outside_is_touched_when_an_archive_is_damaged(
    top: pathlib.Path,
    entries: list[tuple[str, bytes | None, str, int]],
    damage: list[tuple[int, bytes]],
) -> None:
    """Headers too: their sums are made right again, so that the rest is read."""
    data = bytearray(layer(*made_of(entries, top / "place")))
    for place, piece in damage:
        at = place % len(data)
        data[at : at + len(piece)] = piece[: len(data) - at]
        head = at - at % BLOCK
        block = data[head : head + BLOCK]
        if len(block) == BLOCK and any(block):
            data[head + 148 : head + 156] = b" " * 8
            data[head + 148 : head + 156] = b"%06o\0 " % sum(data[head : head + BLOCK])
    check(top, bytes(data))


@given(st.binary(max_size=2000))
def test_bytes_are_refused_when_they_are_anything(top: pathlib.Path, data: bytes) -> None:
    """With an error of ours."""
    check(top, data)


def check(top: pathlib.Path, data: bytes) -> None:
    """Unpack it, and look at what is outside."""
    directory = top / "place"
    directory.mkdir()
    try:
        place = Place(directory)
        before = place.outside()
        place.unpack(data)
        assert place.outside() == before
        for path in directory.rglob("*"):
            if os.geteuid() != 0 and path.is_dir() and not path.is_symlink():
                path.chmod(0o700)
        fd = os.open(directory, os.O_RDONLY)
        try:
            clear_away(fd, ["tree", TRASH])
        finally:
            os.close(fd)
        assert sorted(os.listdir(directory)) == ["canary"]
    finally:
        shutil.rmtree(directory)
