"""What becomes of the entries of a layer."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import tarfile
from typing import TYPE_CHECKING

import pytest

from nsinit.errors import ImageError
from nsinit.images.streams import Unpacked
from nsinit.images.tree import TRASH, Tree
from nsinit.images.unpack import Bounds, Unpacker
from tests.support.images import layer, member

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable

    Unpack = Callable[..., Unpacker]

SYM, HARD = tarfile.SYMTYPE, tarfile.LNKTYPE


@pytest.fixture
def unpack(tmp_path: pathlib.Path) -> Unpack:
    """Unpack these entries below `tree`."""
    for name in ("tree", TRASH):
        (tmp_path / name).mkdir()

    def work(
        *members: tuple[tarfile.TarInfo, bytes], size: int = 1 << 20, files: int = 100
    ) -> Unpacker:
        with contextlib.ExitStack() as stack:
            opened = [os.open(tmp_path / name, os.O_RDONLY) for name in ("tree", TRASH)]
            for fd in opened:
                stack.callback(os.close, fd)
            tree = Tree(*opened, privileged=False)
            stack.callback(tree.close)
            unpacker = Unpacker(tree, "single", Bounds(size, files))
            unpacker.unpack(Unpacked(io.BytesIO(layer(*members)), 1 << 30))
        return unpacker

    return work


def is_hidden(path: pathlib.Path) -> bool:
    """Whether it hides that name of the layers below."""
    found = path.lstat()
    return stat.S_ISCHR(found.st_mode) and found.st_rdev == 0


def is_opaque(path: pathlib.Path) -> bool:
    """Whether it hides all that the layers below have there."""
    return "user.overlay.opaque" in os.listxattr(path)


def test_modes_times_and_attributes_are_kept_when_files_are_made(
    unpack: Unpack, tmp_path: pathlib.Path
) -> None:
    """Set-uid too; of a directory although something is put into it later."""
    notes = {"SCHILY.xattr.user.x": "1", "SCHILY.xattr.trusted.overlay.redirect": "/etc"}
    notes |= {"SCHILY.xattr.user.overlay.opaque": "y"}
    made = unpack(
        member("d/", mode=0o2750, mtime=1000),
        member("d/f", "text", mode=0o4711, mtime=2000, pax_headers=notes),
        member("/d/up", "x", mtime=1 << 60),
        member("./d/s", type=SYM, linkname="/nowhere", mtime=3000),
        member("d/pipe", type=tarfile.FIFOTYPE, mode=0o622),
        member("dev", type=tarfile.CHRTYPE, devmajor=1, devminor=3),
        member("d/hard", type=HARD, linkname="d/f"),
    )
    tree = tmp_path / "tree"
    assert stat.S_IMODE((tree / "d").stat().st_mode) == 0o2750
    assert (tree / "d").stat().st_mtime == 1000
    found = (tree / "d/f").stat()
    assert (stat.S_IMODE(found.st_mode), found.st_mtime, found.st_nlink) == (0o4711, 2000, 2)
    assert os.listxattr(tree / "d/f") == ["user.x"]
    assert os.readlink(tree / "d/s") == "/nowhere"
    assert (tree / "d/s").lstat().st_mtime == 3000
    assert stat.S_ISFIFO((tree / "d/pipe").stat().st_mode)
    assert not (tree / "dev").exists()
    assert made.left_out == {"extended attributes": 2, "devices": 1}


def test_whiteouts_hide_when_they_come_first_last_or_alone(
    unpack: Unpack, tmp_path: pathlib.Path
) -> None:
    """What the layer itself has of that name stays, and nothing of the layers below is in it."""
    unpack(
        member("a/.wh.gone", ""),
        member("a/.wh.first", ""),
        member("a/first/", mode=0o700),
        member("a/second/x", "x"),
        member("a/.wh.second", ""),
        member("a/.wh.file", ""),
        member("a/file", "new"),
        member("a/.wh.way", ""),
        member("a/way/to/it", "x"),
        member("b/.wh..wh..opq", ""),
        member("b/.wh..wh.plnk/1", "x"),
    )
    tree = tmp_path / "tree"
    assert is_hidden(tree / "a/gone")
    for name in ("first", "second", "way"):
        assert is_opaque(tree / "a" / name), name
    assert (tree / "a/second/x").exists()
    assert (tree / "a/way/to/it").exists()
    assert (tree / "a/file").read_text() == "new"
    assert is_opaque(tree / "b")
    assert not is_opaque(tree / "a")
    assert os.listdir(tree / "b") == []


def test_later_entry_counts_when_a_name_is_there_twice(
    unpack: Unpack, tmp_path: pathlib.Path
) -> None:
    """Whatever it was before; a directory over one keeps what is in it."""
    unpack(
        member("a", "file"), member("a/", mode=0o711), member("a/in", "x"), member("a/"),
        member("b/in/deep", "x"), member("b", "file"),
        member("c", type=SYM, linkname="a"), member("c", "file"),
        member("l", type=SYM, linkname="a"), member("l/by", "link"),
        member("h", type=HARD, linkname="b"), member("b", type=HARD, linkname="h"),
    )  # fmt: skip
    tree = tmp_path / "tree"
    assert sorted(os.listdir(tree / "a")) == ["by", "in"]
    assert (tree / "b").read_text() == (tree / "c").read_text() == "file"
    assert (tree / "b").stat().st_nlink == 2
    assert len(os.listdir(tmp_path / TRASH)) == 1


@pytest.mark.parametrize(
    ("name", "keys", "told"),
    [
        ("../x", {}, "cannot unpack '../x': a name in a layer has no \"..\""),
        ("a/..", {}, "cannot unpack 'a/..': a name in a layer has no \"..\""),
        (".wh...", {}, "cannot unpack '.wh...': this is no name that can be hidden"),
        (".wh.a/b", {}, "cannot unpack '.wh.a/b': nothing can be below a whiteout"),
        ("x" * 300, {}, f"cannot unpack '{'x' * 300}': File name too long"),
        ("h", {"type": HARD, "linkname": "/etc/passwd"}, "it is linked to 'etc/passwd'"),
        ("h", {"type": HARD, "linkname": "../f"}, 'a name in a layer has no ".."'),
        ("h", {"type": HARD, "linkname": "."}, "it is linked to the root"),
        ("h", {"type": HARD, "linkname": "d"}, "which is not in the layer"),
        ("h", {"type": HARD, "linkname": "hidden"}, "which is not in the layer"),
        ("f/below", {}, "'f' in its name is no directory"),
        ("nowhere/below", {}, "'nowhere' in its name is a link that leads nowhere"),
        ("out/passwd", {}, "'out' in its name is a link that leads nowhere"),
        ("/".join("d" * 600), {}, "it is nested too deeply"),
    ],
)
def test_layer_is_refused_when_an_entry_is_hostile(
    unpack: Unpack, name: str, keys: dict[str, object], told: str
) -> None:
    """Names and links that lead out, or nowhere."""
    with pytest.raises(ImageError) as caught:
        unpack(
            member("f", "x"),
            member("d/"),
            member(".wh.hidden", ""),
            member("nowhere", type=SYM, linkname="missing"),
            member("out", type=SYM, linkname="/etc"),
            member(name, None if keys else "x", **keys),
        )
    assert told in caught.value.message


@pytest.mark.parametrize(
    ("bounds", "told"), [({"files": 2}, "over 2 files"), ({"size": 2000}, "larger than it may be")]
)
def test_layer_is_refused_when_it_has_more_than_it_may(
    unpack: Unpack, bounds: dict[str, int], told: str
) -> None:
    """Files, or bytes."""
    with pytest.raises(ImageError, match=told):
        unpack(member("a", "x" * 600), member("b", "x" * 600), member("c", "x"), **bounds)


def test_layer_is_refused_when_it_makes_more_directories_than_it_may(unpack: Unpack) -> None:
    """Those that only the names of others tell of are files, too."""
    with pytest.raises(ImageError, match="over 30 files"):
        unpack(member("/".join("d" * 40), "x"), files=30)
